"""The child process of ``worker``: tasks in, answers out, each with its task's number.

What may run a stranger's code, or opens a stranger's file, is done in a fork of this process: each such task begins
from the same state, and whatever becomes of it (an exit, a crash, a second process, no end at all), this process is
there to say so. Where the system has no forks, such a task is the last one of this process, and whoever has started it
watches. Models of a library come one after the other in this process itself.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from .. import process, units
from ..errors import InspectError, ModelError, first_line
from ..host import forks, limits, processes
from ..ir import Attributes, frozen_value
from ..readers import load_framework
from ..readers.backend import of_module
from ..readers.frameworks import FRAMEWORKS
from ..readers.inputs import from_fields
from ..readers.protocols import Alone, Prepared
from ..readers.request import Answer, Request
from . import answer_json, sandbox
from .apart import CLOCK, CODE, FILES, MOST_BYTES, is_apart
from .child_process import write

#: Frameworks that users' code may have imported: the next fork finds the one that the last needed.
#: Characters of a traceback that goes along with an error, for ``--debug``.
_TRACEBACK = 20_000
#: What a fork says instead of its imports where it reads a file without a framework, and as its answer where it can't.
_NOTHING = json.dumps(None).encode()
#: What libraries in C say where there is no memory, for a thread's stack either.
_NO_MEMORY = ("bad_alloc", "allocate memory", "can't start new thread")


def main() -> NoReturn:
    """Runs in an interpreter of its own: tasks come through stdin, and answers go through stdout.

    Both are out of the way before anything else is imported: what prints, prints to stderr.
    """
    process.own()
    reading, writing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    # Whatever a package has printed while Python started ends here.
    write(writing, b"\n")
    run(reading, writing, int(sys.argv[1]))


def run(reading: int, writing: int, parent: int) -> NoReturn:
    """Serves the tasks that come through the first of two pipes, until it is closed, and answers through the other.

    All end with the process ``parent``.
    """
    processes.end_with_parent(parent)
    server = _Server(reading, writing, parent)
    with os.fdopen(reading, "rb", closefd=False) as tasks:
        for line in tasks:
            server.serve(json.loads(line))
    # Frameworks' own clean-up at exit takes time and can crash; everything has been said.
    os._exit(0)


class _Server:
    def __init__(self, reading: int, writing: int, parent: int) -> None:
        self._reading = reading
        self._writing = writing
        self._parent = parent
        #: What the last fork had to import, which the next ones find: backends and modules.
        self._known: list[tuple[str | None, str]] = []
        self._is_limited = False

    def serve(self, task: dict[str, Any]) -> None:
        """Answers one task."""
        request = _request(task["request"])
        if not is_apart(task["module"], request):
            if task["memory"] is not None and not self._is_limited:
                self._is_limited = True
                _load(_backend(task["module"]), task["module"])
                limits.limit_memory(task["memory"])
            _send(self._writing, {"number": task["number"], "answer": _answer(task, request)})
            return
        if not forks.POSSIBLE:
            _Apart(task, request, self._writing).run()
        if task["module"] not in (*FILES, *CODE):  # a library's model, with inputs of the user's
            self._known = [(_backend(task["module"]), task["module"])]
        for backend, module in self._known if forks.WITH_FRAMEWORKS else ():
            with contextlib.suppress(Exception):  # a fork will say what is wrong
                _load(backend, module)
        # Most files of a kind whose framework takes seconds to import can be read without it.
        lines, failure = self._forked(task, request, alone=task["function"] == "summarize")
        if lines[:1] == [_NOTHING] and (failure is not None or lines[1] == _NOTHING):
            lines, failure = self._forked(task, request, alone=False)
        with contextlib.suppress(ValueError, IndexError, TypeError):
            told = [(backend, module) for backend, module in json.loads(lines[0])]
            # A file's fork says it before it opens the file; users' code may have written anything.
            if task["module"] in FILES or set(told) <= {(None, name) for name in FRAMEWORKS}:
                self._known = told
        if failure is None:
            # Whether it can be read is seen where it is: users' code may have written it.
            write(self._writing, b'{"number": %d, "follows": true}\n%s\n' % (task["number"], lines[1]))
        else:
            _send(self._writing, {"number": task["number"], "failure": failure})

    def _forked(self, task: dict[str, Any], request: Request, alone: bool) -> tuple[list[bytes], dict[str, int] | None]:
        """The lines that a fork of its own has written for a task, and how it failed, if it did."""
        reading, writing = os.pipe()
        process.flush()
        forks.outlive_parent()
        server = os.getpid()
        fork = forks.fork()
        if not fork:
            for other in (self._reading, self._writing, reading):
                os.close(other)
            _Fork(task, request, writing, server, alone).run()
        os.close(writing)
        forks.lead_group(fork)
        try:
            return self._watched(fork, reading, task)
        finally:
            os.close(reading)
            processes.end_with_parent(self._parent)

    def _watched(self, fork: int, reading: int, task: dict[str, Any]) -> tuple[list[bytes], dict[str, int] | None]:
        """The lines that a fork has written, what it had to import and its answer; and how it failed, if it did.

        Whatever it left running is ended with it. If our parent goes, all go.
        """
        told = bytearray()
        failure: dict[str, int] | None = None
        status: int | None = None
        is_file = task["module"] in FILES
        until = None if is_file or task["seconds"] is None else time.monotonic() + task["seconds"]
        deserted = False
        count = 0
        while count < 2 and failure is None and not deserted:
            ready = forks.readable([reading, self._reading], 0.02 if status is None else 0)
            block = os.read(reading, 2**20) if reading in ready else b""
            told += block
            count += block.count(b"\n")
            if self._reading in ready or not forks.is_child_of(self._parent):
                deserted = True  # nothing more is sent before we answer: this is the end
            elif len(told) > MOST_BYTES:
                failure = {"large": len(told)}
            elif block:
                if is_file and until is None:  # its framework is there
                    until = time.monotonic() + task["seconds"] * CLOCK
            elif status is not None:
                failure = {"status": status}
            elif until is not None and time.monotonic() > until:
                failure = {"late": 1}
            else:
                status = forks.ended(fork)  # what it wrote last may still be there
        forks.end_group(fork)
        if status is None:
            forks.end(fork)  # it may have left its group
        forks.end_descendants()
        if deserted:
            os._exit(1)
        return bytes(told).split(b"\n"), failure


class _Apart:
    """The process of one task, which answers and ends."""

    def __init__(self, task: dict[str, Any], request: Request, writing: int, alone: bool = False) -> None:
        self._task = task
        self._alone = alone
        self._request = request
        self._writing = writing
        self._exit = os._exit  # users' code may put something else there
        self._pid = os.getpid()
        self._pipe = os.fstat(writing).st_ino

    def run(self) -> NoReturn:
        """Does the task and ends, whatever the code in it does."""
        code = 1
        try:
            self._prepare()
            self._file() if self._task["module"] in FILES else self._code()
            code = 0
        except BaseException:
            with contextlib.suppress(BaseException):
                traceback.print_exc()
                sys.stderr.flush()
        finally:
            self._exit(code)

    def _file(self) -> None:
        """A stranger's file, behind the walls as soon as its framework is imported, or ``alone``, without it."""
        imported: list[tuple[str, str]] | None = []
        task = self._task
        try:
            module = _load(None, task["module"])
            if self._alone and isinstance(module, Alone) and module.prepare_alone(self._request):
                imported, task = None, {**task, "function": "summarize_alone"}
            elif isinstance(module, Prepared):
                imported = module.prepare(self._request)
        except InspectError as error:
            self._begin([])
            self._tell(_error(error))
            return
        self._begin(imported)
        sandbox.confine(task["seconds"], task["memory"])
        self._tell(_answer(task, self._request))

    def _code(self) -> None:
        """Users' code, which may be anything."""
        if self._task["memory"] is not None:
            limits.limit_memory(self._task["memory"])
        answer = _answer(self._task, self._request)
        self._begin([(None, name) for name in FRAMEWORKS if name in sys.modules][:1])
        self._tell(answer)

    def _prepare(self) -> None:
        """What is to be done first."""

    def _begin(self, imported: Sequence[tuple[str | None, str]] | None) -> None:
        """Says what had to be imported for the task, before the answer; None where it is read without a framework."""
        self._send(b'{"number": %d, "began": true}\n' % self._task["number"])

    def _tell(self, answer: dict[str, Any] | None) -> None:
        self._send(b'{"number": %d, "follows": true}\n%s\n' % (self._task["number"], json.dumps(answer).encode()))

    def _send(self, lines: bytes) -> None:
        # Users' code may have made another process of this one, or closed the pipe and opened something else.
        if os.getpid() != self._pid or os.fstat(self._writing).st_ino != self._pipe:
            self._exit(1)
        write(self._writing, lines)


class _Fork(_Apart):
    """The same in a fork of the server, which takes two lines: what was imported, and the answer."""

    def __init__(self, task: dict[str, Any], request: Request, writing: int, parent: int, alone: bool) -> None:
        super().__init__(task, request, writing, alone)
        self._parent = parent

    def _prepare(self) -> None:
        forks.lead_group()
        processes.end_with_parent(self._parent)

    def _begin(self, imported: Sequence[tuple[str | None, str]] | None) -> None:
        self._send(json.dumps(imported).encode() + b"\n")

    def _tell(self, answer: dict[str, Any] | None) -> None:
        self._send(json.dumps(answer).encode() + b"\n")


def _answer(task: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """What a task's function answers, or the error that it ends with; None where only the framework can tell."""
    apart = is_apart(task["module"], request)
    try:
        arguments: list[Any] = [request]
        if task["spec"]:
            from ..blocks.residual import BlockSpec

            arguments.insert(0, BlockSpec(**{**task["spec"], "image": tuple(task["spec"]["image"])}))
        answer = getattr(_load(_backend(task["module"]), task["module"]), task["function"])(*arguments)
        if isinstance(answer, Answer):
            return answer_json.to_dict(answer)
        if task["function"] == "summarize_alone":
            return None
        if task["function"] == "state":
            return {"entries": [asdict(entry) for entry in answer]}
        return {"text": answer}
    except InspectError as error:
        # A reader takes whatever a strange file makes of it for damage; this isn't.
        is_short = task["module"] in FILES and error.__cause__ is not None and _is_short(error.__cause__)
        return _error(_out_of_memory(task, request) if is_short else error, error)
    except BaseException as error:
        if not apart:
            raise
        return _error(_told(task, request, error), error)


def _told(task: dict[str, Any], request: Request, error: BaseException) -> InspectError:
    """What becomes of an error that nobody expected, from users' code or in a strange file."""
    name = Path(request.model).name if task["module"] in FILES else request.model
    said = first_line(error)
    if _is_short(error):
        return _out_of_memory(task, request)
    if isinstance(error, SystemExit):
        return ModelError(f"{name}: its code ends the program (exit code {error.code!r:.20})")
    kind = "" if said == type(error).__name__ else f"{type(error).__name__}: "
    if task["module"] in FILES:
        what = f"holds something that can't be read ({kind}{said}). If it is sound, please report this"
        return ModelError(f"{name} is damaged, or {what}")
    return ModelError(f"{name}: {kind}{said}")


def _is_short(error: BaseException) -> bool:
    """Whether memory ran out."""
    return isinstance(error, MemoryError) or any(words in first_line(error) for words in _NO_MEMORY)


def _out_of_memory(task: dict[str, Any], request: Request) -> ModelError:
    memory = task["memory"]
    if memory is None:
        return ModelError("not enough memory for this model and input")
    name = Path(request.model).name if task["module"] in FILES else request.model
    more = units.binary(2 * memory).replace(" ", "").replace(".00", "")
    return ModelError(f"{name} needs more than {units.binary(memory)} of memory: --max-memory {more} allows more")


def _error(error: InspectError, cause: BaseException | None = None) -> dict[str, Any]:
    trace = ""
    with contextlib.suppress(BaseException):  # what an exception says of itself is code, too
        trace = "".join(traceback.format_exception(cause or error))[-_TRACEBACK:]
    return {
        "error": type(error).__name__,
        "message": str(error),
        "layer": getattr(error, "layer", None),
        "traceback": trace,
    }


@functools.cache
def _backend(module: str) -> str | None:
    if module.startswith("resnet_inspect.batch"):
        return None  # whose place nobody need ask the installed packages for
    backend = of_module(module)
    return backend.name if backend else None


def _load(backend: str | None, module: str) -> Any:
    if backend:
        return load_framework(backend, module)
    if module.startswith("resnet_inspect."):
        return importlib.import_module(module)
    with process.importing():
        return importlib.import_module(module)


def _request(fields: dict[str, Any]) -> Request:
    arguments: Attributes = tuple((key, frozen_value(value)) for key, value in fields["arguments"])
    inputs = from_fields(fields["inputs"])
    return Request(**{**fields, "arguments": arguments, "inputs": inputs})


def _send(writing: int, document: Any) -> None:
    write(writing, json.dumps(document).encode() + b"\n")
