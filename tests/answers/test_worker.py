"""A backend in a child process: its answer is the same, and whatever goes wrong is one clear error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_inspect.answers.crew import answers
from resnet_inspect.answers.worker import Child, Remote, Task
from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.errors import InputError, InspectError, ModelError
from resnet_inspect.readers import module_of
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local import reader as from_local
from resnet_inspect.readers.request import Limits, Request
from tests.support.command import document, needs, script

LOCAL = module_of("local")


def bad(function: str, model: str = "resnet18") -> Task:
    return Task("tests.support.bad_backends", function, Request(model))


def ask(task: Task, timeout: float | None = None) -> str:
    with Child(task.module) as child:
        return str(json.loads(child.ask(task, Limits(timeout))["summary"])["model"]["name"])


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie that nobody waits for has)."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_answer_is_the_backends_own() -> None:
    request = Request("resnet18", inputs=Shapes(((64, 96, 3),)), batch=2, arguments=(("num_classes", 10),))
    assert Remote(LOCAL).summarize(request) == from_local.summarize(request)
    spec = BlockSpec(kind="bottleneck", filters=8, stride=2)
    assert Remote(LOCAL).summarize_block(spec, Request()) == from_local.summarize_block(spec, Request())


def test_what_a_child_prints_stays_out_of_its_answer() -> None:
    assert ask(bad("prints")) == "resnet18"


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("refuses", InputError, "^the shape doesn't fit$"),
        ("raises", ModelError, "exited with code 1 without a result; it said: .*ZeroDivisionError: a bug of its own"),
        ("crashes", ModelError, "crashed with SIGABRT; it said: LLVM ERROR"),
        ("runs_out_of_memory", ModelError, "was killed, probably because memory ran out"),
        ("exits", ModelError, "gone"),
    ],
)
def test_what_goes_wrong_is_one_error(function: str, kind: type[InspectError], words: str) -> None:
    with pytest.raises(kind, match=words):
        ask(bad(function))


def test_a_child_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    where = tmp_path / "pids"
    with pytest.raises(ModelError, match="within 5 seconds"):
        ask(bad("hangs", str(where)), timeout=5)
    assert all(gone(int(pid)) for pid in where.read_text().split())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_child_survives_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    where = tmp_path / "pids"
    # Whoever started the tests in the background may have left Ctrl-C ignored.
    source = f"""
from tests.answers.test_worker import *
signal.signal(signal.SIGINT, signal.default_int_handler)
ask(bad('hangs', {str(where)!r}))
"""
    parent = subprocess.Popen([sys.executable, "-c", source], stderr=subprocess.DEVNULL)
    while not where.exists() or not where.read_text():
        time.sleep(0.05)
    child, grandchild = map(int, where.read_text().split())
    parent.send_signal(how)
    parent.wait(60)
    assert gone(child)
    if how == signal.SIGINT:
        assert gone(grandchild)
    else:
        os.kill(grandchild, signal.SIGKILL)


def test_several_run_side_by_side_and_answer_in_order() -> None:
    tasks = [Task(LOCAL, "summarize", Request(name)) for name in ("resnet50", "nothing", "resnet18")]
    first, second, third = answers(tasks)
    assert not isinstance(first, InspectError)
    assert first.summary.model.name == "resnet50"
    assert isinstance(second, ModelError)
    assert not isinstance(third, InspectError)
    assert third.summary.model.name == "resnet18"


def test_an_answer_that_comes_twice_is_no_other_tasks_answer() -> None:
    with Child("tests.support.bad_backends") as child:
        for number in range(4):
            found = child.ask(bad("forks" if number == 0 else "tells", str(number)))
            assert found["notes"][0] == str(number)


@needs("tensorflow")
@needs("torch")
def test_both_frameworks_from_one_process() -> None:
    source = """
import torch
from resnet_inspect.answers import adapter
from resnet_inspect.readers.request import Limits, Request
for backend in ("torch", "keras"):
    print(adapter(backend).summarize(Request("resnet50")).summary.totals.params)
import sys; print("tensorflow" in sys.modules)
"""
    assert script(source).split() == ["25557032", "25636712", "False"]


@needs("torch")
def test_a_timeout_changes_no_byte() -> None:
    command = ("summary", "torch:resnet18", "--format", "json")
    assert document(*command, "--timeout", "100") == document(*command)
