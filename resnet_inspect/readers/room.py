"""Room for calls inside one another: frameworks call themselves for every level of a model."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from .. import process
from ..host.memory import MOST_STACK

T = TypeVar("T")

#: Bytes of a stack that one call of Python's takes, with those of C that it brings along.
_CALL = 5000


def with_room(run: Callable[[], T], calls: int, stack: int) -> T:
    """What ``run`` gives or raises, in a thread with a stack of ``stack`` bytes, where ``calls`` may be nested.

    A stack takes memory only as far as it is used, but behind walls all of it counts: there it is an eighth of that.
    """
    if process.is_confined():
        calls, stack = calls // 8, stack // 8
    if stack > MOST_STACK:
        calls, stack = min(calls, MOST_STACK // _CALL), MOST_STACK
    result: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            result.append(run())
        except BaseException as error:
            errors.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(stack)
    sys.setrecursionlimit(max(limit, calls))
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if errors:
        raise errors[0]
    return result[0]
