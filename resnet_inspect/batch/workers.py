"""Where lines are worked on: in this process, in children of it, or on a cluster (Dask).

A window over futures bounds what is under way, so that behind one slow line the others don't pile up. The executor of
Dask's client isn't used: its futures can wait forever for a scheduler that has gone, which the client's own don't. Nor
is a pool such as loky's: its workers import from the current folder, and outlive a parent that is killed.
"""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any, Protocol

from ..answers.worker import Child
from ..errors import InspectError, ModelError, first_line
from ..host import machine
from ..version import __version__
from . import child
from .child import GO_ON
from .lines import SESSIONS, Done, Line, Result, Work

#: A task is as many lines as take about so many seconds, so that sending it costs little, and up to so many.
_TASK_SECONDS, _TASK_LINES = 0.25, 32
#: Tasks under way for each worker: one to do, and some so that a slow line doesn't stop the others.
_AHEAD = 4
#: How long a scheduler may take to answer, and for how long the size of its cluster holds.
_CONNECT, _WIDTH = "10s", 5.0


class _Future(Protocol):
    """What the futures of all kinds of workers have in common."""

    def result(self) -> Done: ...


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers: ``submit`` sends them lines, ``width`` says how many there are."""

    submit: Callable[[Work, Sequence[Line]], _Future]
    width: Callable[[], int]


def pool(jobs: int | None, cluster: str | None) -> AbstractContextManager[Pool]:
    """The workers of a cluster or, by default, one for each core of this machine.

    Raises:
        ModelError: what is needed isn't installed, or the cluster's scheduler doesn't answer.
    """
    if cluster:
        return _cluster(cluster)
    return _this_process() if jobs == 1 else _this_machine(jobs)


def answers(workers: Pool, work: Work, lines: Iterator[Line]) -> Iterator[Result]:
    """The results of the lines, in order, which are read as workers have time for them.

    Raises:
        ModelError: the workers are gone.
    """
    waiting: deque[_Future] = deque()
    size = 1
    while True:
        with _explained():
            # Where there are no workers yet, one task calls for the first.
            free = max(1, _AHEAD * workers.width()) - len(waiting)
        while free > 0 and (some := list(islice(lines, size))):
            with _explained():
                waiting.append(workers.submit(work, some))
            free -= 1
        if not waiting:
            return
        with _explained():
            done = waiting.popleft().result()
        size = round(_TASK_SECONDS * len(done.results) / max(done.seconds, 1e-6))
        size = min(max(size, 1), _TASK_LINES)
        yield from done.results


@contextmanager
def _explained() -> Iterator[None]:
    """Says in plain words what workers fail with."""
    try:
        yield
    except InspectError:
        raise
    except (CancelledError, OSError):
        raise ModelError(f"the cluster's scheduler has gone; {GO_ON}") from None
    except Exception as error:
        # What the scheduler can't import comes back as a RuntimeError.
        if isinstance(error, ImportError) or "deserialization" in str(error):
            raise ModelError(
                "the cluster can't import this package: "
                f"install resnet-inspect {__version__} for its scheduler and its workers, too"
            ) from error
        raise ModelError(f"the workers failed: {type(error).__name__}: {first_line(error)}; {GO_ON}") from error


@contextmanager
def _this_process() -> Iterator[Pool]:
    def submit(work: Work, lines: Sequence[Line]) -> Future[Done]:
        future: Future[Done] = Future()
        future.set_result(work(lines))
        return future

    try:
        yield Pool(submit, lambda: 0)
    finally:
        SESSIONS.end()


@contextmanager
def _this_machine(jobs: int | None) -> Iterator[Pool]:
    count = jobs or machine.processors()
    children = [Child(child.__name__) for _ in range(count)]
    idle: SimpleQueue[Child] = SimpleQueue()
    for one in children:
        idle.put(one)

    def work_on(work: Work, lines: Sequence[Line]) -> Done:
        one = idle.get()
        try:
            return child.ask(one, work, lines)
        finally:
            idle.put(one)

    executor = ThreadPoolExecutor(count)
    try:
        yield Pool(lambda work, lines: executor.submit(work_on, work, lines), lambda: count)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for one in children:
            one.end()  # it may be busy for long, and what it has in hand is done again


@contextmanager
def _cluster(address: str) -> Iterator[Pool]:
    try:
        from distributed import Client
    except ImportError as error:
        from ..requirements import advice

        raise ModelError(f"--cluster needs Dask: {error}. {advice('dask', error)}") from error
    for name in ("distributed", "distributed.client", "tornado"):
        # What is logged here, tracebacks among it, comes back as an error that we tell.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        yield Pool(functools.partial(client.submit, pure=False), _width(client))
    finally:
        client.close()


def _width(client: Any) -> Callable[[], int]:
    """How many lines a cluster works on at once, now and then asked again: workers come and go."""
    asked, found = 0.0, 0

    def width() -> int:
        nonlocal asked, found
        if not asked or time.monotonic() > asked + _WIDTH:
            found = sum(client.nthreads().values())
            asked = time.monotonic()
        return found

    return width
