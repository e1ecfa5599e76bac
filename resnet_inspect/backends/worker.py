"""A backend in a process of its own: TensorFlow and torch abort the interpreter when they meet in one.

A child answers one request a line, each as JSON, through a pipe of its own (its stdout belongs to whatever the
frameworks print). It ends when its parent does, however that ends.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from .. import errors, process
from ..analysis.fit import Entry
from ..blocks.residual import BlockSpec
from ..errors import InspectError, ModelError
from ..ir import Attributes, frozen_value
from . import BACKENDS, LIBRARIES, answer_json, load_framework, module_of
from .request import Answer, Request

#: How much of what a child said goes into an error.
_LAST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Task:
    """A function of a backend's module, called ``function(request)`` or ``function(spec, request)``.

    Tasks of different ``process`` are run apart, though their module be the same.
    """

    module: str
    function: str
    request: Request
    spec: BlockSpec | None = None
    process: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """A backend's module as seen from here, with each call in a child."""

    module: str
    timeout: float | None = None

    def summarize(self, request: Request) -> Answer:
        """As the module's own ``summarize``."""
        return answer_json.from_dict(self._document(Task(self.module, "summarize", request)))

    def summarize_block(self, spec: BlockSpec, request: Request) -> Answer:
        """As the module's own ``summarize_block``."""
        return answer_json.from_dict(self._document(Task(self.module, "summarize_block", request, spec)))

    def native(self, request: Request) -> str:
        """As the module's own ``native``."""
        return str(self._document(Task(self.module, "native", request))["text"])

    def native_block(self, spec: BlockSpec, request: Request) -> str:
        """As the module's own ``native_block``."""
        return str(self._document(Task(self.module, "native_block", request, spec))["text"])

    def state(self, request: Request) -> tuple[Entry, ...]:
        """As the module's own ``state``."""
        found = self._document(Task(self.module, "state", request))["entries"]
        tuples = ("shape", "tied")
        return tuple(Entry(**{**fields, **{name: tuple(fields[name]) for name in tuples}}) for fields in found)

    def _document(self, task: Task) -> dict[str, Any]:
        with Child(task.module) as child:
            return child.ask(task, self.timeout)


class Child:
    """A process for the tasks of one module. Leaving the ``with`` block ends it, whatever happened.

    ``threads`` is how many a framework may compute with, None its own choice: children side by side must share the
    cores, for threads that wait for one another while others run cost five times the work.
    """

    def __init__(self, module: str, threads: int | None = None) -> None:
        self._name = module.rpartition(".")[2].removeprefix("from_")
        reading, writing = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(writing)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            env={"OMP_NUM_THREADS": str(threads), **os.environ} if threads else None,
            # Ctrl-C reaches the parent alone, which then ends the child.
            start_new_session=True,
        )
        os.close(writing)
        self.pid = self._process.pid
        #: Whether the last task was answered, be it with an error: else the child has crashed, or hangs.
        self.answered = True
        self._said: list[bytes] = []
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._receive, args=(os.fdopen(reading, "rb"),), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _listen(self, stdout: IO[bytes]) -> None:
        with stdout:
            self._said.extend(stdout)

    def _receive(self, answers: IO[bytes]) -> None:
        with answers:
            for line in answers:
                self._answers.put(line)
        self._answers.put(None)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends the process and those that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # the session is the child's own
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=5)
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def ask(self, task: Task, timeout: float | None = None) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            InspectError: what the task itself raised.
            ModelError: the child crashed, or didn't answer in ``timeout`` seconds.
        """
        assert self._process.stdin is not None
        self.answered = False
        with contextlib.suppress(BrokenPipeError):  # it has ended; what it said tells why
            self._process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise ModelError(f"the {self._name} backend didn't answer within {timeout:g} seconds") from None
        if line is None:
            code = self._process.wait()
            self._readers[0].join(timeout=5)
            raise ModelError(f"the {self._name} backend {_end(code)}{_last_words(b''.join(self._said))}")
        document: dict[str, Any] = json.loads(line)
        self.answered = True
        if "error" in document:
            layer = [document["layer"]] if document.get("layer") else []
            raise getattr(errors, document["error"], ModelError)(document["message"], *layer)
        return document


class Session:
    """A backend's module in one child for many tasks; after a crash or a timeout the next task gets a new child."""

    def __init__(self, module: str, timeout: float | None = None, threads: int | None = None) -> None:
        self.module = module
        self.timeout = timeout
        self.threads = threads
        self._child: Child | None = None
        self._lock = threading.Lock()
        self._closed = False

    def end(self) -> None:
        """Ends the child, if there is one."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def close(self) -> None:
        """Ends the child, and there won't be another: whoever asks is told so."""
        with self._lock:
            self._closed = True
        self.end()

    def resident_bytes(self) -> int:
        """The memory that the child holds by now; 0 if there is no child, or the system doesn't tell."""
        try:
            statm = Path(f"/proc/{self._child.pid}/statm").read_text() if self._child else "0 0"
        except OSError:
            return 0
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def summarize(self, request: Request) -> Answer:
        """As the module's own ``summarize``."""
        return self.answer(Task(self.module, "summarize", request))

    def answer(self, task: Task) -> Answer:
        """What a task answers that gives a summary."""
        return answer_json.from_dict(self.ask(task))

    def ask(self, task: Task) -> dict[str, Any]:
        """As ``Child.ask``."""
        with self._lock:
            if self._closed:
                raise ModelError("stopped")
            child = self._child = self._child or Child(self.module, self.threads)
        try:
            return child.ask(task, self.timeout)
        except InspectError:
            if not child.answered:
                self.end()
            raise


def _end(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed, probably because memory ran out"
    return f"crashed with {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code} and no answer"


def _last_words(said: bytes) -> str:
    text = " ".join(said.decode(errors="replace").split())
    return f"; it said: {text[-_LAST_WORDS:]}" if text else ""


def main() -> NoReturn:
    """The child: requests in, answers out, a line each."""
    process.own()
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as out:
        for line in sys.stdin:
            out.write(json.dumps(_handle(json.loads(line))) + "\n")
            out.flush()
    sys.stdout.flush()
    # Frameworks' own clean-up at exit takes time and can crash; everything has been said.
    os._exit(0)


def end_with_parent(parent: int) -> None:
    """Ends this process as soon as its parent isn't that one any more."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _handle(task: dict[str, Any]) -> dict[str, Any]:
    arguments: list[Any] = [_request(task["request"])]
    if task["spec"]:
        arguments.insert(0, BlockSpec(**{**task["spec"], "image": tuple(task["spec"]["image"])}))
    try:
        backend = next((name for name in (*BACKENDS, *LIBRARIES) if module_of(name) == task["module"]), None)
        module = load_framework(backend, task["module"]) if backend else importlib.import_module(task["module"])
        answer = getattr(module, task["function"])(*arguments)
    except InspectError as error:
        return {"error": type(error).__name__, "message": str(error), "layer": getattr(error, "layer", None)}
    if isinstance(answer, Answer):
        return answer_json.to_dict(answer)
    if task["function"] == "state":
        return {"entries": [asdict(entry) for entry in answer]}
    return {"text": answer}


def _request(fields: dict[str, Any]) -> Request:
    arguments: Attributes = tuple((key, frozen_value(value)) for key, value in fields["arguments"])
    inputs = tuple(tuple(sizes) for sizes in fields["inputs"])
    return Request(**{**fields, "arguments": arguments, "inputs": inputs})


if __name__ == "__main__":
    main()
