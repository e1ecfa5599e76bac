"""Who answers a request: a reader here, a child with limits, several at once, the cache, or another revision.

``source.py`` finds out what a name on the command line means, and ``adapter()`` gives the reader, or a stand-in that
runs it in a child. ``worker.py`` asks a child, which ``child_process.py`` starts and in which ``server.py`` answers.
What ``apart.py`` lists (users' code, strangers' files) never enters the command's own process: the server forks for
each such task, never runs it itself, and so can tell how it ended. On Windows, which has no forks, such a task has an
interpreter to itself. ``sandbox.py`` raises the walls around a file's fork.

``crew.py`` spreads many models over as many children as there are cores and memory for. ``cache.py`` keeps summaries
of zoo models from run to run, in a folder that ``cache_folder.py`` checks. ``revision.py`` lays out the files of a git
revision, ``examine.py`` runs checks on models, and ``diagnosis.py`` is what ``doctor`` asks.
"""

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
