"""Many models at once: as many children as there are cores, each with one framework that it imports once."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from typing import TypeVar

from ..errors import InspectError
from ..host import machine
from ..readers.request import UNLIMITED, Answer, Limits
from .cache import remembered
from .worker import Session, Task

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Another child for the same framework pays from so many waiting models on: it takes a second or two to import it.
WORTH_A_CHILD = 8
#: What a child may need: a framework takes 0.6 GiB, a detection model that runs on real tensors more than another.
_CHILD_BYTES = 2 * 2**30


def cores() -> int:
    """How many children work side by side: one for each processor that this process may use, if there is memory."""
    return max(1, min(machine.processors(), machine.memory() // _CHILD_BYTES))


def is_worthwhile(processes: Iterable[str]) -> bool:
    """Whether models that say what may share a process are better built in children than here, one after the other.

    They are if they need several frameworks, or there are so many that two children gain more than they cost.
    """
    frameworks = [process for process in processes if process != "local"]
    return len(set(frameworks)) > 1 or (len(frameworks) >= 2 * WORTH_A_CHILD and cores() > 1)


def answers(tasks: Sequence[Task], limits: Limits = UNLIMITED) -> Iterator[Answer | InspectError]:
    """What each task answers, in order, or the error that it ended with."""

    def work(task: Task, session: Session) -> Answer | InspectError:
        try:
            return remembered(task.module, task.request, lambda _: session.answer(task))
        except InspectError as error:
            return error

    return side_by_side(tasks, lambda task: (task.module, task.process), work, limits)


def side_by_side(
    items: Sequence[Item],
    place: Callable[[Item], tuple[str, str]],
    work: Callable[[Item, Session], Result],
    limits: Limits = UNLIMITED,
) -> Iterator[Result]:
    """What ``work`` gives for each item, in order.

    ``place`` tells the backend's module, and what may share a process; of one place, items may run in several children.
    """
    # Two at least: where a core must be shared, imports still wait for the disk in turn.
    count = min(max(cores(), 2), len(items))
    plan = _Plan([place(item) for item in items])
    found: list[Future[Result]] = [Future() for _ in items]

    def run() -> None:
        try:
            with contextlib.closing(_Seat(limits, max(1, cores() // count))) as seat:
                while (taken := plan.next(seat.place)) is not None:
                    index, key = taken
                    session = seat.taken(key)
                    if not plan.admits(session):
                        return
                    try:
                        found[index].set_result(work(items[index], session))
                    except Exception as error:
                        found[index].set_exception(error)
        except BaseException as error:
            # Nobody would give the others their results.
            for future in found:
                with contextlib.suppress(InvalidStateError):
                    future.set_exception(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for future in found:
            yield future.result()
    finally:
        plan.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


class _Seat:
    """Where a thread works: one session at a time."""

    def __init__(self, limits: Limits, threads: int) -> None:
        self.place: tuple[str, str] | None = None
        self._limits = limits
        self._threads = threads
        self._session: Session | None = None

    def taken(self, place: tuple[str, str]) -> Session:
        """The session for a place, which is another one where the place is."""
        if self._session is None or place != self.place:
            self.close()
            self._session, self.place = Session(place[0], self._limits, self._threads), place
        return self._session

    def close(self) -> None:
        """Leaves for good."""
        if self._session is not None:
            self._session.close()


class _Plan:
    """Which item a thread takes next: one of the place where it is, as long as there are any."""

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        self._sessions: set[Session] = set()
        self._stopped = False
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], deque[int]] = {}
        self._present = dict.fromkeys(places, 0)
        for index, key in enumerate(places):
            self._waiting.setdefault(key, deque()).append(index)

    def next(self, at: tuple[str, str] | None) -> tuple[int, tuple[str, str]] | None:
        """An item and its place; None where nothing is left that is worth going to."""
        with self._lock:
            if at is not None and not self._waiting[at]:
                self._present[at] -= 1
                at = None
            if at is None:
                at = self._best()
            return None if at is None else (self._waiting[at].popleft(), at)

    def _best(self) -> tuple[str, str] | None:
        open_places = [
            key
            for key, waiting in self._waiting.items()
            if waiting and (not self._present[key] or len(waiting) >= WORTH_A_CHILD)
        ]
        if not open_places:
            return None
        # One where nobody is: it has to be gone to in any case, and its framework imported.
        best = max(
            open_places, key=lambda key: (not self._present[key], len(self._waiting[key]) / (1 + self._present[key]))
        )
        self._present[best] += 1
        return best

    def admits(self, session: Session) -> bool:
        """Whether work goes on; if so, ``stop`` closes this session too."""
        with self._lock:
            self._sessions.add(session)
            return not self._stopped

    def stop(self) -> None:
        """Nothing more is taken, and what runs ends."""
        with self._lock:
            self._stopped = True
            for waiting in self._waiting.values():
                waiting.clear()
        for session in self._sessions:
            session.close()
