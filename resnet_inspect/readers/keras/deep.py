"""Room for models of many levels or layers: Keras calls itself for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..room import with_room
from .compat import global_state

T = TypeVar("T")

#: Enough for thousands of levels.
_CALLS = 200_000
_STACK = 1 << 30


def deeply(run: Callable[[], T]) -> T:
    """What ``run`` gives or raises, in a thread with a large stack, to which Keras' own state goes along."""
    state = vars(global_state.GLOBAL_STATE_TRACKER)
    settings = vars(global_state.GLOBAL_SETTINGS_TRACKER)

    def work() -> T:
        # Both are thread-local: scopes, names and the dtype policy would be others in here.
        vars(global_state.GLOBAL_STATE_TRACKER).update(state)
        vars(global_state.GLOBAL_SETTINGS_TRACKER).update(settings)
        try:
            return run()
        finally:
            state.update(vars(global_state.GLOBAL_STATE_TRACKER))

    return with_room(work, _CALLS, _STACK)
