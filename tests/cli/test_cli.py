"""The command line as a process."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from resnet_inspect import ir_json
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from tests.support.command import SCHEMA, document, local


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["summary", "--input", "5x224x224"], 4, "conv1"),
        (["summary", "--input", "224x224x3", "--layout", "NCHW"], 4, "did you mean --layout NHWC"),
        (["summary", "--input", "0x224x224"], 2, "at least 1"),
        (["summary", "--input", "abc"], 2, "not a shape"),
        (["summary", "--input", "3x64x64", "--input", "3x64x64"], 4, "1 input, got 2"),
        (["summary", "--columns", "param"], 2, "params"),
        (["summary", "--only", "nothing.*"], 2, "no layer matches"),
        (["summary", "--format", "json", "--depth", "1"], 2, "every layer"),
        (["summary", "resnet51"], 3, "resnet50"),
        (["summary", "--arg", "num_classes=x"], 3, "num_classes"),
        (["summary", "-o", "no/such/folder/x.json"], 2, "no such folder: no/such/folder"),
        (["sumary"], 2, "no such command: sumary. Did you mean summary?"),
        (["block", "--stride", "2", "--shortcut", "identity"], 4, "12x12x3"),
        (["block", "--groups", "2"], 2, "divide"),
    ],
)
def test_bad_input_is_one_line_with_its_exit_code(arguments: list[str], code: int, words: str) -> None:
    done = local(*arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_traceback_is_for_debug_and_the_exit_code_stays() -> None:
    plain, debug = (local("summary", "--input", "5x5x5", *more) for more in ([], ["--debug"]))
    assert plain.returncode == debug.returncode == 4
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert debug.stderr.endswith(plain.stderr)


def test_debug_counts_where_it_is_an_option_and_before_other_options_are_read() -> None:
    early = local("summary", "--arg", "nonsense", "--max-memory", "nonsense", "--debug")
    assert "Traceback" in early.stderr
    named = local("summary", "--", "--debug")
    assert "Traceback" not in named.stderr
    assert named.stderr.startswith("error: ")


def test_json_is_valid_and_reads_back_to_the_same_bytes() -> None:
    text = local("summary", "--format", "json").stdout
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text()))
    assert ir_json.dumps(ir_json.loads(text)) == text
    assert ir_json.loads(text) == summarize(Request()).summary


def test_rows_sum_to_the_totals_and_edges_run_forward() -> None:
    answer = document("summary", "resnext50_32x4d")
    assert sum(layer["params"] for layer in answer["layers"]) == answer["totals"]["params"] == 25_028_904
    seen: set[str] = set()
    for layer in answer["layers"]:
        assert set(layer["inputs"]) <= seen
        seen.add(layer["id"])


def test_csv_is_exact() -> None:
    rows = list(csv.DictReader(io.StringIO(local("summary", "--format", "csv").stdout)))
    assert sum(int(row["macs"]) for row in rows) == 4_089_184_256


def test_folding_keeps_the_subtotals() -> None:
    rows = list(csv.DictReader(io.StringIO(local("summary", "--format", "csv", "--depth", "1").stdout)))
    assert {row["path"]: int(row["params"]) for row in rows}["layer4"] == 14_964_736
    assert sum(int(row["params"]) for row in rows) == 25_557_032


def test_nothing_is_cut_in_a_pipe() -> None:
    done = local("summary", "--columns", "path,type,attributes")
    assert "in_channels=256 out_channels=512 kernel_size=1x1 stride=2x2" in done.stdout
    assert "…" not in done.stdout


def test_tree_and_markdown() -> None:
    assert "(layer1): Sequential" in local("summary", "--format", "tree").stdout
    assert "| layer1.0.add | add |" in local("summary", "--format", "markdown").stdout


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "summary.json"
    assert local("summary", "-o", str(target)).returncode == 0
    before = target.read_text()
    assert local("summary", "--input", "5x5x5", "-o", str(target)).returncode == 4
    assert target.read_text() == before
    assert list(tmp_path.iterdir()) == [target]
    assert local("summary", "-o", str(tmp_path / "summary.xyz")).returncode == 2
