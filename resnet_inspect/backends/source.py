"""Where a summary comes from: a saved one, standard input, or a model that a backend builds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import ir_json
from ..errors import InspectError, ModelError
from . import adapter, module_of
from .request import Answer, Request


@dataclass(frozen=True, slots=True)
class Source:
    """``text`` is a path of a saved summary, ``-``, or what ``request`` says to ``backend``."""

    text: str
    backend: str = ""
    request: Request = field(default_factory=Request)

    @property
    def is_saved(self) -> bool:
        """Whether it is a summary that is read, and nothing that a backend looks at."""
        if self.text == "-":
            return True
        path = Path(self.text)
        if not path.exists():
            return path.suffix == ".json" and ":" not in self.text
        from .kind import kind_of

        return kind_of(path) == "summary"

    @property
    def process(self) -> str:
        """What may share a process: users' code and files may each bring another framework."""
        apart = self.backend in ("python", "file")
        return f"{self.backend} {self.request.model.rpartition(':')[0] or self.text}" if apart else self.backend


def read(text: str) -> Answer:
    """A saved summary.

    Raises:
        ModelError: the file can't be read, or is no summary.
    """
    try:
        if text != "-":
            with Path(text).open("rb") as file:
                content = file.read(ir_json.MOST_BYTES + 1)
        else:
            content = sys.stdin.buffer.read(ir_json.MOST_BYTES + 1) if sys.stdin else b""
    except OSError as error:
        raise ModelError(f"{text}: {error.strerror}") from error
    try:
        return Answer(ir_json.loads(content))
    except InspectError as error:
        raise ModelError(f"{'standard input' if text == '-' else text}: {error}") from error


def summarize(source: Source, timeout: float | None = None) -> Answer:
    """The summary of a model that a backend builds, or that an earlier run has kept.

    Raises:
        InspectError: whatever goes wrong.
    """
    if source.backend == "local":
        # Built sooner than found.
        answer: Answer = adapter("local", timeout).summarize(source.request)
        return answer
    from .cache import remembered

    return remembered(
        module_of(source.backend), source.request, lambda request: adapter(source.backend, timeout).summarize(request)
    )


def load(sources: Sequence[Source], timeout: float | None = None) -> list[Answer]:
    """The summaries, those of different frameworks built side by side in processes of their own.

    Raises:
        InspectError: the first thing that goes wrong.
    """
    result = []
    for answer in load_each(sources, timeout):
        if isinstance(answer, InspectError):
            raise answer
        result.append(answer)
    return result


def load_each(sources: Sequence[Source], timeout: float | None = None) -> Iterator[Answer | InspectError]:
    """The summaries as they come, in order, or for each the error that it ended with."""
    built = [source for source in sources if not source.is_saved]
    answers: Iterator[Answer | InspectError] = iter(())
    apart = False
    if len(built) > 1:
        from . import crew, worker

        if apart := crew.is_worthwhile(source.process for source in built):
            tasks = [
                worker.Task(module_of(source.backend), "summarize", source.request, process=source.process)
                for source in built
            ]
            answers = crew.answers(tasks, timeout)
    for source in sources:
        if apart and not source.is_saved:
            yield next(answers)
            continue
        try:
            yield read(source.text) if source.is_saved else summarize(source, timeout)
        except InspectError as error:
            yield error
