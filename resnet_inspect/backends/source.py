"""Where a summary comes from: a saved one, standard input, or a model that a backend builds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import ir_json
from ..errors import InspectError, ModelError
from . import BACKENDS, adapter
from .request import Answer, Request


@dataclass(frozen=True, slots=True)
class Source:
    """``text`` is a path of a saved summary, ``-``, or what ``request`` says to ``backend``."""

    text: str
    backend: str = ""
    request: Request = field(default_factory=Request)

    @property
    def is_saved(self) -> bool:
        """Whether it is read and not built."""
        return self.text == "-" or self.text.endswith(".json") or Path(self.text).is_file()


def read(text: str) -> Answer:
    """A saved summary.

    Raises:
        ModelError: the file can't be read, or is no summary.
    """
    try:
        content = sys.stdin.buffer.read() if text == "-" else Path(text).read_bytes()
    except OSError as error:
        raise ModelError(f"{text}: {error.strerror}") from error
    try:
        return Answer(ir_json.loads(content))
    except InspectError as error:
        raise ModelError(f"{'standard input' if text == '-' else text}: {error}") from error


def load(sources: Sequence[Source], timeout: float | None = None) -> list[Answer]:
    """The summaries, those of different frameworks built side by side in processes of their own.

    Raises:
        InspectError: the first thing that goes wrong.
    """
    built = [source for source in sources if not source.is_saved]
    if len({source.backend for source in built} - {"local"}) < 2:
        return [read(s.text) if s.is_saved else adapter(s.backend, timeout).summarize(s.request) for s in sources]
    from .worker import Task, answers

    found = iter(list(answers([Task(BACKENDS[s.backend], "summarize", s.request) for s in built], timeout)))
    result = [read(source.text) if source.is_saved else next(found) for source in sources]
    for answer in result:
        if isinstance(answer, InspectError):
            raise answer
    return [answer for answer in result if isinstance(answer, Answer)]
