"""``doctor`` looks at frameworks side by side, and says what it knows as soon as it knows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from resnet_inspect.answers import diagnosis, worker
from resnet_inspect.answers.worker import Task
from resnet_inspect.errors import ModelError
from resnet_inspect.readers import NAMED

#: Seconds until a test that waits for what never comes fails.
PATIENCE = 60


class Asked:
    """Stands for the children: every task goes to ``answer``, with the number of the session that it was given to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Callable[[int, Task], None]) -> None:
        self.events: list[tuple[int, str]] = []
        counted = iter(range(100))

        class Session:
            def __init__(session, *_: Any) -> None:  # noqa: N805
                session.number = next(counted)

            def answer(session, task: Task) -> None:  # noqa: N805
                self.events.append((session.number, task.module.removesuffix(".reader").rpartition(".")[2]))
                answer(session.number, task)

            def end(session) -> None:  # noqa: N805
                self.events.append((session.number, "end"))

            def close(session) -> None:  # noqa: N805
                self.events.append((session.number, "close"))

        monkeypatch.setattr(diagnosis, "Session", Session)
        monkeypatch.setattr(diagnosis, "installed", lambda _: "1.0")
        monkeypatch.setattr(diagnosis, "_reachable", lambda _: True)
        monkeypatch.setattr(diagnosis, "module_of", lambda name: f"readers.{name}")


def test_frameworks_are_looked_at_side_by_side_and_libraries_in_their_frameworks_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everybody = threading.Barrier(3)

    def answer(_: int, task: Task) -> None:
        if task.module in ("readers.local", "readers.torch", "readers.keras"):
            everybody.wait(PATIENCE)  # breaks, unless all three are asked at once

    asked = Asked(monkeypatch, answer)
    found = list(diagnosis.diagnoses(NAMED, 1))
    assert [(finding.backend, finding.problem) for finding in found] == [(name, None) for name in NAMED]
    by_session = [[what for number, what in asked.events if number == session] for session in range(3)]
    assert by_session == [
        ["local", "close"],
        ["torch", "timm", "transformers", "close"],
        ["keras", "keras_hub", "close"],
    ]


def test_a_finding_is_given_while_others_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = threading.Event()

    def answer(_: int, task: Task) -> None:
        if task.module != "readers.local":
            assert shown.wait(PATIENCE)

    Asked(monkeypatch, answer)
    findings = diagnosis.diagnoses(NAMED, 1)
    assert next(findings).backend == "local"
    shown.set()
    assert [finding.problem for finding in findings] == [None] * (len(NAMED) - 1)


def test_after_a_failure_the_next_library_gets_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: int, task: Task) -> None:
        if task.module == "readers.torch":
            raise ModelError("it is broken")

    asked = Asked(monkeypatch, answer)
    found = list(diagnosis.diagnoses(["torch", "timm"], 1))
    assert [finding.problem for finding in found] == ["doesn't work: it is broken", None]
    assert [what for _, what in asked.events] == ["torch", "end", "timm", "close"]


def test_what_nobody_waits_for_any_longer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch, lambda *_: None)
    findings = diagnosis.diagnoses(NAMED, 1)
    next(findings)
    findings.close()  # type: ignore[attr-defined]
    assert [what for _, what in asked.events].count("close") == 3


def test_a_backend_is_called_by_its_name() -> None:
    modules = ("resnet_inspect.readers.torch.reader", "resnet_inspect.readers.libraries.timm", "their.backend")
    assert [worker._called(module) for module in modules] == ["torch", "timm", "backend"]
