"""Room for models of many levels or layers: Keras calls itself for each of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from keras.src.backend.common import global_state

T = TypeVar("T")

#: Enough for thousands of levels; a stack takes memory only as far as it is used.
_CALLS = 200_000
_STACK = 1 << 30


def deeply(run: Callable[[], T]) -> T:
    """What ``run`` gives or raises, in a thread with a large stack, to which Keras' own state goes along."""
    result: list[T] = []
    errors: list[BaseException] = []
    state = vars(global_state.GLOBAL_STATE_TRACKER)
    settings = vars(global_state.GLOBAL_SETTINGS_TRACKER)

    def work() -> None:
        # Both are thread-local: scopes, names and the dtype policy would be others in here.
        vars(global_state.GLOBAL_STATE_TRACKER).update(state)
        vars(global_state.GLOBAL_SETTINGS_TRACKER).update(settings)
        try:
            result.append(run())
        except BaseException as error:
            errors.append(error)
        state.update(vars(global_state.GLOBAL_STATE_TRACKER))

    calls, size = sys.getrecursionlimit(), threading.stack_size(_STACK)
    sys.setrecursionlimit(max(calls, _CALLS))
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(calls)
        threading.stack_size(size)
    if errors:
        raise errors[0]
    return result[0]
