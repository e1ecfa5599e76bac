"""Who answers a request: a reader here, a child with limits, several at once, the cache, or another revision."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..readers import UNLIMITED, Limits, load_framework, module_of, others
from ..readers.backend import is_apart

if TYPE_CHECKING:
    from ..readers.protocols import Answering


def adapter(backend: str, limits: Limits = UNLIMITED, apart: bool = False) -> Answering:
    """The module of a backend, or a stand-in that runs it in a child process.

    A child is used where this process holds a framework that the backend's can't share it with, where there are
    ``limits``, and where the model is ``apart``: a stranger's file, or users' code.

    Raises:
        ModelError: there is no such backend, or its framework isn't installed.
    """
    module = module_of(backend)
    # Once loaded here, a backend stays here, and so does the framework that it brought.
    away = module not in sys.modules and not others(backend).isdisjoint(sys.modules)
    if away or apart or is_apart(backend) or limits != UNLIMITED:
        from .worker import Remote

        return Remote(module, limits)
    here: Answering = load_framework(backend, module)
    return here


__all__ = ["adapter"]
