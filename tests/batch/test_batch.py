"""Many models at once: every line is answered, in order, and nothing that one says stops the others."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.answers.worker import Session
from resnet_inspect.batch.lines import Work
from resnet_inspect.batch.sessions import Sessions
from resnet_inspect.cli.requests import read_request
from resnet_inspect.errors import InputError, ModelError
from resnet_inspect.readers import module_of
from resnet_inspect.readers.local import reader as from_local
from resnet_inspect.readers.request import Request
from tests.support.batches import PER_CLASS, STEM, ask, found, many
from tests.support.command import document, loaded_by, needs, run

LOCAL = module_of("local")

#: A request that goes wrong, its exit code and what is said of it.
WRONG: list[tuple[Any, int, str]] = [
    ("", 2, "the line is empty"),
    ("  \t", 2, "the line is empty"),
    ("{", 2, "can't be read as JSON"),
    ("[" * 100_000, 2, "can't be read as JSON"),
    ('["resnet50"]', 2, "not an object"),
    ('{"model": "resnet50", "id": NaN}', 2, "NaN is not a number"),
    ('{"model": "resnet50", "arg": {"num_classes": 1e999}}', 2, "1e999 is not a number"),
    ({}, 2, "names no model"),
    ({"model": None}, 2, "names no model"),
    ({"model": 5}, 2, "model must be text, got 5"),
    ({"modell": "resnet50"}, 2, "no such key: modell. Did you mean model?"),
    ({"model": "resnet50", "zzz": 1}, 2, "There are id, model, backend, input"),
    ({"model": "resnet50", "backend": "jax"}, 2, "backend must be one of local, torch, keras"),
    ({"model": "resnet50", "input": ["3x64x64", 5]}, 2, "input must be text or a list of texts"),
    ({"model": "resnet50", "input": "abc"}, 2, "not a shape"),
    ({"model": "resnet50", "batch": True}, 2, "batch must be a whole number from 1 on, of 18 digits at most, got True"),
    ({"model": "resnet50", "batch": 0}, 2, "batch must be"),
    ({"model": "resnet50", "dtype": "int3"}, 2, "dtype must be one of float32"),
    ({"model": "resnet50", "layout": "CHWN"}, 2, "layout must be one of NCHW, NHWC"),
    ({"model": "resnet50", "arg": ["a=1"]}, 2, "arg must be names and their values"),
    ({"model": "resnet50", "flavor": "jax"}, 2, "flavor must be one of torch, keras"),
    ({"model": "torch:resnet50", "backend": "keras"}, 2, "--backend says keras"),
    ({"model": "resnet50", "input": "3x64x64", "input-json": {}}, 2, "give one of them"),
    ({"model": "saved.json"}, 2, "a saved summary"),
    ({"model": "-"}, 2, "a saved summary"),
    ({"model": "net.py"}, 2, "is code"),
    ({"model": "resnet51"}, 3, "did you mean"),
    ({"model": "resnet50", "arg": {"width": 1}}, 3, "takes no argument 'width'"),
    ({"model": "no_such_file.onnx"}, 3, "no_such_file.onnx"),
    ({"model": "resnet50", "input": "5x64x64"}, 4, "expects 3 input channels"),
    ({"model": "resnet50", "input": ["3x64x64", "3x64x64"]}, 4, "1 input, got 2"),
    # JSON can't hold a product that is this long, which nobody had thought of.
    (f'{{"model": "resnet18", "arg": {{"num_classes": {"9" * 4299}}}}}', 2, "an integer of 4299 digits"),
]


def test_every_line_is_answered_in_order_and_by_several_as_by_one(tmp_path: Path) -> None:
    requests = ask(tmp_path / "requests.jsonl", many(150))
    for jobs in ("1", "2"):
        done = run("batch", str(requests), "-o", str(tmp_path / jobs), "--jobs", jobs)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr == "note: 150 lines, 22 of them errors\n"
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    for i, result in enumerate(found(tmp_path / "1")):
        assert result["id"] == i
        if i % 7:
            assert result["totals"]["params"] == STEM + PER_CLASS * (i + 1)
        else:
            assert result["error"]["exit_code"] == 3


def test_an_answer_is_what_summary_says(tmp_path: Path) -> None:
    saved = document("summary", "resnet50", "--input", "96x64x3", "--batch", "2", "--arg", "num_classes=7")
    request = {"model": "resnet50", "input": "96x64x3", "batch": 2, "arg": {"num_classes": 7}, "id": None}
    requests = ask(tmp_path / "requests.jsonl", [request, {"model": "ResNet50", "flavor": "keras", "layout": None}])
    done = run("batch", str(requests), "-o", str(tmp_path / "totals"), "--jobs", "1")
    assert done.returncode == 0, done.stderr
    first, second = found(tmp_path / "totals")
    assert first.pop("id") is None
    assert first.pop("line") == 1
    assert len(first.pop("request")) == 16
    assert first == {key: saved[key] for key in ("model", "trace", "inputs", "outputs", "totals")}
    assert second["totals"]["params"] == 25_636_712
    assert run("batch", str(requests), "-o", str(tmp_path / "full"), "--jobs", "1", "--full").returncode == 0
    assert found(tmp_path / "full")[0]["summary"] == saved


def test_what_is_wrong_with_a_line_is_the_error_of_that_line(tmp_path: Path) -> None:
    requests = ask(tmp_path / "requests.jsonl", [*(line for line, _, _ in WRONG), {"model": "resnet18"}])
    done = run("batch", str(requests), "-o", str(tmp_path / "results"), "--jobs", "1")
    assert done.returncode == 3
    assert done.stderr == f"note: {len(WRONG) + 1} lines, {len(WRONG)} of them errors\n"
    *errors, last = found(tmp_path / "results")
    assert "error" not in last
    for (line, code, words), result in zip(WRONG, errors, strict=True):
        told = result["error"]
        assert (told["exit_code"], words in told["message"]) == (code, True), (line, told)
        assert "\n" not in told["message"]
    assert [told["error"]["layer"] for told in errors if told["error"]["layer"]] == ["conv1"]


def test_bytes_that_are_no_text_and_lines_without_an_end(tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_bytes(
        b'\xff\xfe{"model"\r\n{"model": "resnet18", "id": "\\ud800"}\n{"model": "resnet18", "id": "\xc3\xa4"}'
    )
    assert run("batch", str(requests), "-o", str(tmp_path / "results"), "--jobs", "1").returncode == 3
    first, second, third = found(tmp_path / "results")
    assert "can't be read as JSON" in first["error"]["message"]
    assert "can't be read as JSON" in second["error"]["message"]  # half of a pair, which nobody can write
    assert third["id"] == "ä"
    requests.write_bytes(b"")
    assert run("batch", str(requests), "-o", str(tmp_path / "none"), "--jobs", "1").returncode == 0
    assert found(tmp_path / "none") == []


def test_a_crash_and_a_hang_cost_one_line_each(tmp_path: Path) -> None:
    code = "import os, time\ndef crash(): os.abort()\ndef hang(): time.sleep(600)\n"
    (tmp_path / "bad.py").write_text(code)
    bad = [{"model": f"{tmp_path}/bad.py:{name}", "input": "3x8x8"} for name in ("crash", "hang")]
    requests = ask(tmp_path / "requests.jsonl", [{"model": "resnet18"}, *bad, {"model": "resnet34"}, *bad])
    done = run("batch", str(requests), "-o", str(tmp_path / "results"), "--jobs", "2", "--timeout", "2")
    assert done.stderr == "note: 6 lines, 4 of them errors\n"
    said = [result.get("error", {}).get("message", "") for result in found(tmp_path / "results")]
    assert [not text for text in said] == [True, False, False, True, False, False]
    assert all("crashed with SIGABRT" in said[i] for i in (1, 4))
    assert all("didn't answer within 2 seconds" in said[i] for i in (2, 5))


@needs("torch")
@needs("tensorflow")
def test_frameworks_that_cannot_meet_answer_side_by_side(tmp_path: Path) -> None:
    net = "import torch\n\ndef build(width): return torch.nn.Conv2d(3, width, 3)\n"
    (tmp_path / "net.py").write_text(net)
    own = [{"model": f"{tmp_path}/net.py:build", "arg": {"width": w}, "input-json": ["1x3x8x8"]} for w in (4, 5, 6)]
    theirs = [{"model": "torch:resnet50"}, {"model": "keras:ResNet50"}]
    requests = ask(tmp_path / "requests.jsonl", [*theirs, *own, *reversed(theirs)])
    done = run("batch", str(requests), "-o", str(tmp_path / "results"), "--jobs", "1")
    assert done.returncode == 0, (tmp_path / "results").read_text()
    torchs, keras, *widths, keras_again, torchs_again = [result["totals"] for result in found(tmp_path / "results")]
    assert torchs["params"] == 25_557_032
    assert keras["params"] == 25_636_712
    assert [totals["params"] for totals in widths] == [28 * 4, 28 * 5, 28 * 6]
    assert (torchs_again, keras_again) == (torchs, keras)


def test_standard_input_and_output() -> None:
    text = "".join(json.dumps(request) + "\n" for request in many(3))
    done = run("batch", "-", "--jobs", "1", text=text)
    assert done.returncode == 3
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["requests.jsonl", "--jobs", "2", "--cluster", "tcp://127.0.0.1:8786"], 2, "--jobs is for this machine"),
        (["requests.jsonl", "--restart"], 2, "give -o"),
        (["no_such_file.jsonl"], 2, "does not exist"),
        (["requests.jsonl", "-o", "no/such/folder.jsonl", "--jobs", "1"], 2, "no such folder: no/such"),
        (["requests.jsonl", "-o", "/dev/null", "--jobs", "1"], 2, "not a file that can hold results"),
    ],
)
def test_usage(arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ask(tmp_path / "requests.jsonl", many(1))
    done = run("batch", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_a_machine_needs_nothing_and_a_cluster_says_what_it_needs(tmp_path: Path) -> None:
    requests = ask(tmp_path / "requests.jsonl", [{"model": "resnet18"}])
    assert not {"distributed", "rich", "torch"} & loaded_by("batch", str(requests), "--jobs", "1")
    target = tmp_path / "results"
    source = (
        "import sys; sys.modules |= {'distributed': None}\n"
        f"sys.argv = ['resnet-inspect', 'batch', {str(requests)!r}, '-o', {str(target)!r}, '--cluster', 'tcp://127.0.0.1:1']\n"
        "from resnet_inspect.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "pip install 'resnet-inspect[dask]'" in done.stderr
    assert not target.exists()


def test_a_worker_of_another_version_does_no_work() -> None:
    with pytest.raises(ModelError, match=r"a worker has resnet-inspect .*, but here it is 0\.0\.1"):
        Work(read_request, version="0.0.1")([(1, b"{}")])


def test_sessions_are_lent_kept_and_ended() -> None:
    sessions = Sessions(kinds=2)

    def lent(process: str, error: Exception | None = None) -> Session:
        with sessions.lent((LOCAL, process)) as session:
            assert session.summarize(Request("resnet18")) == from_local.summarize(Request("resnet18"))
            if error:
                raise error
        return session

    first = lent("a")
    assert lent("a") is first
    with sessions.lent((LOCAL, "a")) as own, sessions.lent((LOCAL, "a")) as other:
        assert own is first
        assert other is not first
    with pytest.raises(InputError):
        lent("a", InputError("no answer, but a fine child"))
    with sessions.lent((LOCAL, "a")) as session:
        assert session in (own, other)
    with pytest.raises(ZeroDivisionError):
        lent("b", ZeroDivisionError())
    second = lent("b")
    assert lent("c") is not second
    assert first._child is None, "the kind that nobody asked for longest"
    assert other._child is None
    assert second._child is not None
    sessions.end()
    assert second._child is None


def test_children_that_nobody_asks_for_are_ended() -> None:
    sessions = Sessions(idle=0.1)
    with sessions.lent((LOCAL, "used")) as used:
        used.summarize(Request("resnet18"))
        with sessions.lent((LOCAL, "left")) as left:
            left.summarize(Request("resnet18"))
        until = time.monotonic() + 60
        while left._child is not None and time.monotonic() < until:
            time.sleep(0.02)
        assert left._child is None
        assert used._child is not None, "it is lent still"
    sessions.end()


def test_a_child_that_takes_too_much_memory_is_replaced() -> None:
    small, large = Sessions(most_bytes=1), Sessions()
    for sessions, kept in ((small, False), (large, True)):
        with sessions.lent((LOCAL, "")) as session:
            session.summarize(Request("resnet18"))
        assert (session._child is not None) == kept
        sessions.end()


def test_a_line_that_is_too_long_is_its_own_error_and_takes_no_memory(tmp_path: Path) -> None:
    """200 MB, told from another as long, and in its place when the run is gone on with."""
    requests = tmp_path / "requests.jsonl"
    good = b'{"model": "resnet18"}\n'

    def written(tail: bytes) -> None:
        with requests.open("wb") as file:
            file.write(good)
            for _ in range(200):
                file.write(b"x" * 2**20)
            file.write(tail + b"\n" + b'{"model": "\0"}\n' + good)

    written(b"a")
    arguments = ["batch", str(requests), "-o", str(tmp_path / "results"), "--jobs", "1"]
    limited = ["bash", "-c", 'ulimit -v 400000; exec "$@"', "-", sys.executable, "-m", "resnet_inspect", *arguments]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "note: 4 lines, 2 of them errors\n")
    results = found(tmp_path / "results")
    assert [result["line"] for result in results] == [1, 2, 3, 4]
    assert "more than 1 MiB" in results[1]["error"]["message"]
    assert "error" not in results[3]
    assert run(*arguments).stderr.startswith("note: 4 of 4 lines were there already")
    written(b"b")
    assert "line 2 is not the result of that line" in run(*arguments).stderr
