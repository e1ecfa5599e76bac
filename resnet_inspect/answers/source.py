"""Where a summary comes from: a saved one, standard input, or a model that a backend builds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .. import ir_json
from ..activity import doing
from ..errors import InspectError, ModelError
from ..readers.backend import is_apart, module_of
from ..readers.inputs import UserFunction
from ..readers.request import UNLIMITED, Answer, Limits, Request
from . import adapter

#: So many bytes tell a page from JSON, without what may stand before both: marks of encodings, their zeros, spaces.
_START = 64
_BEFORE = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"


@dataclass(frozen=True, slots=True)
class Source:
    """``text`` is a path of a saved summary, ``-``, or what ``request`` says to ``backend``.

    ``name`` is what the file of settings calls it, if it comes from there: at another revision, that may say otherwise.
    """

    text: str
    backend: str = ""
    request: Request = field(default_factory=Request)
    name: str = ""

    @property
    def is_saved(self) -> bool:
        """Whether it is a summary that is read, and nothing that a backend looks at."""
        if self.text == "-":
            return True
        path = Path(self.text)
        if not path.exists():
            if path.suffix not in (".json", ".html", ".htm"):
                return False
            from ..host.paths import has_drive

            return ":" not in self.text[2 if has_drive(self.text) else 0 :]
        from ..readers.kind import kind_of

        return kind_of(path) == "summary"

    @property
    def is_apart(self) -> bool:
        """Whether users' code takes part, or a stranger's file: neither is let into this process."""
        return is_apart(self.backend) or isinstance(self.request.inputs, UserFunction)

    @property
    def process(self) -> str:
        """What may share a process: users' code and files may each bring another framework."""
        if not self.is_apart:
            return self.backend
        from ..host.paths import split_reference

        place = split_reference(self.request.model)[0] or self.text
        inputs = self.request.inputs
        return f"{self.backend} {place} {inputs.reference if isinstance(inputs, UserFunction) else ''}"


def read(text: str) -> Answer:
    """A saved summary.

    Raises:
        ModelError: the file can't be read, or is not a summary.
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
        if content[:_START].lstrip(_BEFORE)[:1] == b"<":
            from .. import ir_html

            return Answer(ir_html.loads(content))
        return Answer(ir_json.loads(content))
    except InspectError as error:
        raise ModelError(f"{'standard input' if text == '-' else text}: {error}") from error


@contextmanager
def opened(source: Source, limits: Limits = UNLIMITED) -> Iterator[Callable[[Request], Answer]]:
    """What summarises requests like the source's own, one after the other, where its backend has to run.

    Summaries of models that an earlier run has kept aren't made again.
    """
    if source == Source(source.text):  # a saved one asks nobody
        yield lambda _: read(source.text)
        return
    if source.backend == "local" and limits == UNLIMITED and not source.is_apart:
        yield adapter("local").summarize  # built sooner than found
        return
    from .cache import remembered

    module = module_of(source.backend)
    if not source.is_apart and limits == UNLIMITED:
        yield lambda request: remembered(module, request, lambda _: adapter(source.backend).summarize(request))
        return
    from .worker import Session

    with closing(Session(module, limits)) as session:
        yield lambda request: remembered(module, request, session.summarize)


def summarize(source: Source, limits: Limits = UNLIMITED) -> Answer:
    """The summary of a model that a backend builds, or that an earlier run has kept.

    Raises:
        InspectError: whatever goes wrong.
    """
    with doing(f"summarising {source.text}"), opened(source, limits) as ask:
        return ask(source.request)


def load(sources: Sequence[Source], limits: Limits = UNLIMITED) -> list[Answer]:
    """The summaries, those of different frameworks built side by side in processes of their own.

    Raises:
        InspectError: the first thing that goes wrong.
    """
    result = []
    with doing(f"summarising {' and '.join(source.text for source in sources)}"):
        for answer in load_each(sources, limits):
            if isinstance(answer, InspectError):
                raise answer
            result.append(answer)
    return result


def load_each(sources: Sequence[Source], limits: Limits = UNLIMITED) -> Iterator[Answer | InspectError]:
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
            answers = crew.answers(tasks, limits)
    for source in sources:
        if apart and not source.is_saved:
            yield next(answers)
            continue
        try:
            yield read(source.text) if source.is_saved else summarize(source, limits)
        except InspectError as error:
            yield error
