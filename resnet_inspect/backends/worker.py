"""A backend in a process of its own: TensorFlow and torch abort the interpreter when they meet in one.

The child reads one request as JSON from its stdin, answers in the IR's JSON through a pipe of its own (its stdout
belongs to whatever the frameworks print), and ends when its stdin does: no child outlives its parent.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from .. import errors, ir_json
from ..blocks.residual import BlockSpec
from ..errors import InspectError, ModelError
from ..ir import Attributes, frozen_value
from . import BACKENDS, load_framework
from .request import Answer, Request

#: How much of what a child said goes into an error.
_LAST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Task:
    """A function of a backend's module, called ``function(request)`` or ``function(spec, request)``."""

    module: str
    function: str
    request: Request
    spec: BlockSpec | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """A backend's module as seen from here, with each call in a child."""

    module: str
    timeout: float | None = None

    def summarize(self, request: Request) -> Answer:
        """As the module's own ``summarize``."""
        return self._call(Task(self.module, "summarize", request))

    def summarize_block(self, spec: BlockSpec, request: Request) -> Answer:
        """As the module's own ``summarize_block``."""
        return self._call(Task(self.module, "summarize_block", request, spec))

    def native(self, request: Request) -> str:
        """As the module's own ``native``."""
        return self._text(Task(self.module, "native", request))

    def native_block(self, spec: BlockSpec, request: Request) -> str:
        """As the module's own ``native_block``."""
        return self._text(Task(self.module, "native_block", request, spec))

    def _call(self, task: Task) -> Answer:
        with Child(task) as child:
            return child.answer(self.timeout)

    def _text(self, task: Task) -> str:
        with Child(task) as child:
            return str(child.document(self.timeout)["text"])


class Child:
    """A running task. Leaving the ``with`` block ends it, whatever happened."""

    def __init__(self, task: Task) -> None:
        self._name = task.module.rpartition(".")[2].removeprefix("from_")
        self._reading, writing = os.pipe()
        command = [sys.executable, "-m", __name__, str(writing)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            # Ctrl-C reaches the parent alone, which then ends the child.
            start_new_session=True,
        )
        os.close(writing)
        self._said: list[bytes] = []
        self._answered: list[bytes] = []
        assert self._process.stdout is not None
        self._readers = [
            threading.Thread(target=_drain, args=(source, into), daemon=True)
            for source, into in ((self._process.stdout.fileno(), self._said), (self._reading, self._answered))
        ]
        for reader in self._readers:
            reader.start()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended at once; what it said tells why
            self._process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            self._process.stdin.flush()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            # The session is the child's own: its children go with it.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=5)
        os.close(self._reading)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def answer(self, timeout: float | None = None) -> Answer:
        """Waits for a summary; raises what ``document`` raises."""
        document = self.document(timeout)
        return Answer(ir_json.loads(document["summary"]), tuple(document["notes"]))

    def document(self, timeout: float | None = None) -> dict[str, Any]:
        """Waits for whatever the task answers.

        Raises:
            InspectError: what the task itself raised.
            ModelError: the child crashed, or didn't answer in ``timeout`` seconds.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ModelError(f"the {self._name} backend didn't answer within {timeout:g} seconds") from None
        for reader in self._readers:
            reader.join(timeout=5)
        if not self._answered:
            raise ModelError(f"the {self._name} backend {_end(code)}{_last_words(b''.join(self._said))}")
        document: dict[str, Any] = json.loads(b"".join(self._answered))
        if "error" in document:
            kind = getattr(errors, document["error"], ModelError)
            raise kind(document["message"])
        return document


def answers(tasks: Iterable[Task], timeout: float | None = None, at_once: int = 2) -> Iterator[Answer | InspectError]:
    """What each task answers, in order, or the error that it ended with; ``at_once`` run side by side."""
    waiting = list(tasks)
    running: list[Child] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(Child(waiting.pop(0)))
            child = running[0]
            try:
                with child:
                    yield child.answer(timeout)
            except InspectError as error:
                yield error
            running.remove(child)
    finally:
        for child in running:
            child.__exit__()


def _end(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed, probably because memory ran out"
    return f"crashed with {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code} and no answer"


def _last_words(said: bytes) -> str:
    text = " ".join(said.decode(errors="replace").split())
    return f"; it said: {text[-_LAST_WORDS:]}" if text else ""


def _drain(source: int, into: list[bytes]) -> None:
    while block := os.read(source, 65536):
        into.append(block)


def main() -> NoReturn:
    """The child: one request in, one answer out."""
    answering = int(sys.argv[1])
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    arguments: list[Any] = [_request(task["request"])]
    if task["spec"]:
        arguments.insert(0, BlockSpec(**{**task["spec"], "image": tuple(task["spec"]["image"])}))
    try:
        backend = next((name for name, path in BACKENDS.items() if path == task["module"]), None)
        module = load_framework(backend, task["module"]) if backend else importlib.import_module(task["module"])
        answer = getattr(module, task["function"])(*arguments)
        if isinstance(answer, Answer):
            document = {"summary": ir_json.dumps(answer.summary), "notes": answer.notes}
        else:
            document = {"text": answer}
    except InspectError as error:
        document = {"error": type(error).__name__, "message": str(error)}
    with os.fdopen(answering, "w", encoding="utf-8") as out:
        json.dump(document, out)
    sys.stdout.flush()
    # Frameworks' own clean-up at exit takes time and can crash; everything has been said.
    os._exit(0)


def _end_with_parent() -> None:
    while os.read(0, 65536):
        time.sleep(0)
    os._exit(1)


def _request(fields: dict[str, Any]) -> Request:
    arguments: Attributes = tuple((key, frozen_value(value)) for key, value in fields["arguments"])
    inputs = tuple(tuple(sizes) for sizes in fields["inputs"])
    return Request(**{**fields, "arguments": arguments, "inputs": inputs})


if __name__ == "__main__":
    main()
