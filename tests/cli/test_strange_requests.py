"""What nobody would type, and files of settings that belong to others: one clear line, or an answer all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_inspect.files import write_whole
from tests.support.command import local

LONG, DEEP = "9" * 5000, "[" * 700 + "]" * 700


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sweep", "resnet18", "--input", "1..999999999:1"], 2, "1..999999999:1001001"),
        (["sweep", "resnet18", "--input", f"1..{LONG}"], 2, "not a range"),
        (["summary", "resnet18", "--batch", "1" * 400], 2, "--batch"),
        (["summary", "resnet18", "--input", f"{LONG}x3"], 2, "no size has 5000 digits"),
        (["summary", "resnet18", "--input", "x".join(["9" * 18] * 5)], 2, "no tensor has"),
        (["summary", "resnet18", "--arg", f"num_classes={LONG}"], 2, "integer of 5000 digits"),
        (["summary", "resnet18", "--arg", f"x={DEEP}"], 2, "nested"),
        (["summary", "torch:resnet18", "--input-json", DEEP], 2, "nested"),
        (["summary", "torch:resnet18", "--input-json", f'{{"x": {LONG}}}'], 2, "digits"),
        (["summary", "torch:resnet18", "--input-json", '"\\ud800"'], 2, "can't be read as JSON"),
        (["summary", "resnet18", "--depth", LONG], 2, "--depth"),
        (["summary", os.fsdecode(b"a\xff")], 3, "no such model"),
        (["summary", "a\nb"], 3, "no such model"),
        (["summary", ":"], 3, "no such backend"),
        (["summary", "resnet18", "--format", "json", "-o", ""], 3, "directory"),
        (["summary", "resnet18", "-o", "a" * 300 + ".json"], 3, "name too long"),
        (["block", "--filters", LONG], 2, "--filters"),
        (["identity", "--insert", "1000000000"], 2, "--insert"),
        (["models", "*" * 1000], 2, "pattern"),
        (["models", "*a" * 240 + "!"], 2, "no model"),
        (["check", "resnet18", "--max-params", LONG], 2, "not an amount"),
        (["diff", "resnet18", "resnet18", "--old-arg", f"x={DEEP}"], 2, "nested"),
    ],
)
def test_what_nobody_would_type_is_one_line(arguments: list[str], code: int, words: str) -> None:
    done = local(*arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert "a bug" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    for name in ("a" * 250 + ".json", "ä" * 125 + ".json", ".json"):
        write_whole(tmp_path / name, "one\ud800")
        assert (tmp_path / name).read_text() == "one\\ud800"
    with pytest.raises(OSError, match="name too long"):
        write_whole(tmp_path / ("a" * 256), "one")
    assert len(list(tmp_path.iterdir())) == 3


SETTINGS = {
    "tool is a number": "tool = 5\n",
    "ours is a number": "[tool]\nresnet-inspect = 5\n",
    "broken": "[tool\n",
    "deep": f"x = {DEEP}\n[tool.resnet-inspect.models.resnet18]\nmax-params = '26M'\n",
    "long": f"x = {'9' * 300}\n[tool.resnet-inspect.models.resnet18]\nmax-params = '26M'\n",
    "dates": "[tool.resnet-inspect.models.resnet18]\nbatch = 1979-05-27\n",
    "large": "#" * 2**23,
    "no text": "\udcff",
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("file", ["pyproject.toml", "resnet-inspect.toml"])
def test_odd_settings_stop_no_command_that_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str
) -> None:
    (tmp_path / file).write_bytes(os.fsencode(SETTINGS[name]))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert local("check", "resnet18", "--max-params", "26M").returncode == 0
    done = local("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "a bug" not in done.stderr
    assert len(done.stderr) < 500


def test_a_folder_named_like_settings_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    (tmp_path / "resnet-inspect.toml").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "give a MODEL" in local("check").stderr
    assert local("check", "resnet18").returncode == 0


def test_a_sweep_takes_what_it_names_as_possible() -> None:
    done = local("sweep", "resnet18", "--input", "1..999999999:1001001", "--format", "json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["sizes"]) == 999


def test_standard_input_that_is_closed_is_no_summary() -> None:
    command = ["sh", "-c", f'"{sys.executable}" -m resnet_inspect summary - <&-']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "a bug" not in done.stderr
