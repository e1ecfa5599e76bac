"""Many models at once: as many children as there are cores, each with one framework that it imports once."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from ..errors import InspectError
from .cache import remembered
from .request import Answer
from .worker import Session, Task

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Another child for the same framework pays from so many waiting models on: it takes a second or two to import it.
WORTH_A_CHILD = 8


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_worthwhile(processes: Iterable[str]) -> bool:
    """Whether models that say what may share a process are better built in children than here, one after the other.

    They are if they need several frameworks, or there are so many that two children gain more than they cost.
    """
    frameworks = [process for process in processes if process != "local"]
    return len(set(frameworks)) > 1 or (len(frameworks) >= 2 * WORTH_A_CHILD and cores() > 1)


def answers(tasks: Sequence[Task], timeout: float | None = None) -> Iterator[Answer | InspectError]:
    """What each task answers, in order, or the error that it ended with."""

    def work(task: Task, session: Session) -> Answer | InspectError:
        try:
            return remembered(task.module, task.request, lambda _: session.answer(task))
        except InspectError as error:
            return error

    return side_by_side(tasks, lambda task: (task.module, task.process), work, timeout)


def side_by_side(
    items: Sequence[Item],
    place: Callable[[Item], tuple[str, str]],
    work: Callable[[Item, Session], Result],
    timeout: float | None = None,
) -> Iterator[Result]:
    """What ``work`` gives for each item, in order.

    ``place`` tells the backend's module, and what may share a process; of one place, items may run in several children.
    """
    # Two at least: where a core must be shared, imports still wait for the disk in turn.
    count = min(max(cores(), 2), len(items))
    plan = _Plan([place(item) for item in items])
    found: list[Future[Result]] = [Future() for _ in items]

    def run() -> None:
        session: Session | None = None
        at: tuple[str, str] | None = None
        try:
            while (taken := plan.next(at)) is not None:
                index, key = taken
                if session is None or key != at:
                    if session is not None:
                        session.end()
                    session, at = Session(key[0], timeout, max(1, cores() // count)), key
                    plan.sessions.append(session)
                if plan.stopped:
                    return
                try:
                    found[index].set_result(work(items[index], session))
                except BaseException as error:
                    found[index].set_exception(error)
        finally:
            if session is not None:
                session.end()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for future in found:
            yield future.result()
    finally:
        plan.stop()
        for thread in threads:
            thread.join()


class _Plan:
    """Which item a thread takes next: one of the place where it is, as long as there are any."""

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        self.sessions: list[Session] = []
        self.stopped = False
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
        best = max(open_places, key=lambda key: len(self._waiting[key]) / (1 + self._present[key]))
        self._present[best] += 1
        return best

    def stop(self) -> None:
        """Nothing more is taken, and what runs ends."""
        with self._lock:
            self.stopped = True
            for waiting in self._waiting.values():
                waiting.clear()
        for session in self.sessions:
            session.end()
