"""Many models over the children that the cores allow."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from resnet_inspect.answers import crew
from resnet_inspect.answers.worker import Session, Task
from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.host import machine
from resnet_inspect.readers.request import Answer, Request
from tests.answers.test_worker import gone


def tells(model: str, process: str = "") -> Task:
    return Task("tests.support.bad_backends", "tells", Request(model), process=process)


def processes(found: list[Answer | InspectError]) -> set[str]:
    return {answer.notes[1] for answer in found if isinstance(answer, Answer)}


@pytest.fixture(params=[1, 2, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(crew, "cores", lambda: request.param)
    return int(request.param)


def test_models_of_one_framework_are_spread_over_the_cores(cores: int) -> None:
    found = list(crew.answers([tells(str(n)) for n in range(30)]))
    assert [answer.notes[0] for answer in found if isinstance(answer, Answer)] == [str(n) for n in range(30)]
    assert len(processes(found)) == max(2, cores)
    # Together, they compute with as many threads as there are cores.
    assert {answer.notes[2] for answer in found if isinstance(answer, Answer)} == {"1"}


def test_few_models_are_not_worth_a_second_child(cores: int) -> None:
    assert len(processes(list(crew.answers([tells(str(n)) for n in range(crew.WORTH_A_CHILD - 1)])))) == 1


def test_every_framework_is_gone_to_before_one_gets_a_second_child(cores: int) -> None:
    tasks = [tells(str(n), process="many" if n < 20 else "some") for n in range(30)]
    found = list(crew.answers(tasks))
    assert [answer.notes[0] for answer in found if isinstance(answer, Answer)] == [str(n) for n in range(30)]
    # Whoever is done with the ten goes to help with what is left of the twenty.
    assert len(processes(found)) <= 3 if cores < 3 else True


def test_what_may_not_share_a_process_does_not(cores: int) -> None:
    found = list(crew.answers([tells(str(n), process=f"file {n % 4}") for n in range(12)]))
    by_process = [{answer.notes[1] for answer in found[n::4] if isinstance(answer, Answer)} for n in range(4)]
    assert len(set.union(*by_process)) == sum(map(len, by_process)) == 4


def test_a_crash_costs_one_model(cores: int) -> None:
    found = list(crew.answers([tells("crash" if n % 10 == 5 else str(n)) for n in range(30)]))
    assert [n for n, answer in enumerate(found) if isinstance(answer, ModelError)] == [5, 15, 25]
    assert len(processes(found)) > 2


def test_an_error_of_ours_comes_out_and_nothing_is_left_behind(cores: int) -> None:
    def work(item: str, session: object) -> str:
        if item == "3":
            raise ZeroDivisionError
        return item

    found = crew.side_by_side([str(n) for n in range(40)], lambda item: ("tests.support.bad_backends", ""), work)
    assert [next(found), next(found), next(found)] == ["0", "1", "2"]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert not [thread for thread in threading.enumerate() if "(run)" in thread.name]


def test_whoever_stops_reading_leaves_no_child(cores: int) -> None:
    found = crew.answers([tells(str(n)) for n in range(200)])
    first = [next(found) for _ in range(20)]
    found.close()  # type: ignore[attr-defined]
    assert all(gone(int(pid)) for pid in processes(first))


@pytest.mark.parametrize("where", ["taken", "close"])
def test_a_thread_that_dies_is_an_error_and_no_silence(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def fails(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(crew._Seat, where, fails)
    with pytest.raises(OSError, match="no more processes"):
        list(crew.answers([tells(str(n), process=str(n)) for n in range(6)]) if where == "taken" else _moving())


def _moving() -> list[Answer | InspectError]:
    """One thread that goes from place to place, and has to close its seat between them."""
    return list(crew.answers([tells(str(n), process=str(n // 3)) for n in range(30)]))


def test_stopping_ends_work_that_asks_again_and_again() -> None:
    def work(item: str, session: Session) -> str:
        for _ in range(1 if item == "quick" else 10_000):
            with contextlib.suppress(InspectError):
                session.answer(tells(item))
        return item

    found = crew.side_by_side(["quick", "slow"], lambda item: ("tests.support.bad_backends", item), work)
    assert next(found) == "quick"
    begun = time.monotonic()
    found.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 60  # all of them would take more than three minutes


@pytest.mark.parametrize(("memory", "children"), [(1, 1), (8, 4), (1024, 64)])
def test_children_are_no_more_than_there_is_memory_for(
    monkeypatch: pytest.MonkeyPatch, memory: int, children: int
) -> None:
    monkeypatch.setattr(machine, "processors", lambda: 64)
    monkeypatch.setattr(machine, "memory", lambda: memory * 2**30)
    assert crew.cores() == children


def test_when_children_are_worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 2)
    assert crew.is_worthwhile(["torch", "keras"])
    assert not crew.is_worthwhile(["torch", "local"])
    assert not crew.is_worthwhile(["local"] * 100)
    assert not crew.is_worthwhile(["torch"] * 15)
    assert crew.is_worthwhile(["torch"] * 16)
    monkeypatch.setattr(crew, "cores", lambda: 1)
    assert not crew.is_worthwhile(["torch"] * 100)
