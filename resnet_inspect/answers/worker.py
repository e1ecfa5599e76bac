"""A backend in a process of its own: what may not share this one, crash it, or be trusted with it.

TensorFlow and torch abort the interpreter when they meet; users' code may end it, and a stranger's file may hold
anything. A child (``server``) answers tasks through a pipe of its own, for its stdout belongs to whatever the
frameworks print, and only whole answers with the task's own number count. It ends when its parent does, however that
ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .. import errors
from ..errors import InspectError, ModelError
from ..host import forks, processes
from ..host.memory import resident
from ..readers.request import UNLIMITED, Answer, Limits, Request
from . import answer_json
from .apart import CLOCK, ENVIRONMENT, FILES, MEMORY, MOST_BYTES, SECONDS, is_apart
from .child_process import ChildProcess, Fork, Interpreter, may_fork, write

if TYPE_CHECKING:
    from ..analysis.checkpoint_match import Entry
    from ..blocks.residual import BlockSpec

#: How much of what a child said goes into an error, in bytes, and how much is kept of it.
_LAST_WORDS, _KEPT = 500, 2**16
#: Seconds that the slowest machine takes to import a framework.
_IMPORT = 300
#: Seconds that a child has to end by itself, with all that it has started.
_GRACE = 0.5
#: The errors that a child may answer with.
_ERRORS = {kind.__name__: kind for kind in (errors.BadRequestError, errors.ModelError, errors.InputError)}


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
    limits: Limits = UNLIMITED

    def summarize(self, request: Request) -> Answer:
        """As the module's own ``summarize``."""
        return answer_of(self._document(Task(self.module, "summarize", request)))

    def summarize_block(self, spec: BlockSpec, request: Request) -> Answer:
        """As the module's own ``summarize_block``."""
        return answer_of(self._document(Task(self.module, "summarize_block", request, spec)))

    def native(self, request: Request) -> str:
        """As the module's own ``native``."""
        return str(self._document(Task(self.module, "native", request))["text"])

    def native_block(self, spec: BlockSpec, request: Request) -> str:
        """As the module's own ``native_block``."""
        return str(self._document(Task(self.module, "native_block", request, spec))["text"])

    def state(self, request: Request) -> tuple[Entry, ...]:
        """As the module's own ``state``."""
        from ..analysis.checkpoint_match import Entry

        found = self._document(Task(self.module, "state", request))["entries"]
        tuples = ("shape", "tied")
        return tuple(Entry(**{**fields, **{name: tuple(fields[name]) for name in tuples}}) for fields in found)

    def _document(self, task: Task) -> dict[str, Any]:
        with Child(task.module) as child:
            return child.ask(task, self.limits)


def answer_of(document: dict[str, Any]) -> Answer:
    """The answer that a child has sent.

    Raises:
        ModelError: it is none.
    """
    try:
        return answer_json.from_dict(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the answer of a child process can't be read ({errors.first_line(error)})") from error


class Child:
    """A process for the tasks of one module. Leaving the ``with`` block ends it, whatever happened.

    ``threads`` is how many a framework may compute with, None its own choice: children side by side must share the
    cores, for threads that wait for one another while others run cost five times the work.
    """

    def __init__(self, module: str, threads: int | None = None) -> None:
        self._asked = 0
        tasks, self._tasks = os.pipe()
        answers, writing = os.pipe()
        start = Fork if may_fork() else Interpreter
        self._process: ChildProcess = start(tasks, writing, _environment(threads, is_file=module in FILES))
        os.close(tasks)
        os.close(writing)
        #: Whether the last task was answered, be it with an error: else the child has crashed, or hangs.
        self.answered = True
        #: Whether it ends after the last task: where nothing forks, what is apart has a child to itself.
        self.is_spent = False
        self._said: deque[bytes] = deque()
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=self._listen, args=(self._process.said,), daemon=True),
            threading.Thread(target=self._receive, args=(os.fdopen(answers, "rb"),), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.ended(0) is None

    def _listen(self, said: int) -> None:
        with contextlib.closing(os.fdopen(said, "rb", buffering=0)) as output:
            while block := output.read(_KEPT):
                self._said.append(block)
                while sum(map(len, self._said)) > _KEPT and len(self._said) > 1:
                    self._said.popleft()

    def _receive(self, answers: IO[bytes]) -> None:
        with answers:
            while line := answers.readline(2 * MOST_BYTES):
                try:
                    frame = json.loads(line)
                except ValueError:
                    continue  # it broke off, or is what a package has printed while Python started
                if isinstance(frame, dict):
                    if not forks.POSSIBLE:
                        frame.pop("failure", None)  # there is no server that would say so, only users' code
                    if frame.pop("follows", False):
                        frame |= _following(answers.readline(2 * MOST_BYTES))
                    self._answers.put(frame)
        self._answers.put(None)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends the process and those that it started."""
        with contextlib.suppress(OSError):
            os.close(self._tasks)  # which it takes as the end, and it ends its forks; if it listens
        self._tasks = -1
        self._process.ended(_GRACE if self.answered or self._is_watching else 0)
        self._process.end()
        for reader in self._readers:
            reader.join(timeout=1)

    def ask(self, task: Task, limits: Limits = UNLIMITED) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            InspectError: what the task itself raised.
            ModelError: the child crashed, didn't answer in time, or took more than it may.
        """
        is_file, apart = task.module in FILES, is_apart(task.module, task.request)
        seconds = limits.seconds or (SECONDS if is_file else None)
        memory = limits.memory or (MEMORY if is_file else None)
        self._asked += 1
        self._said.clear()
        self.answered, self._is_watching, self.is_spent = False, apart and forks.POSSIBLE, apart and not forks.POSSIBLE
        fields = {**asdict(task), "number": self._asked, "seconds": seconds, "memory": memory}
        with contextlib.suppress(OSError):  # it has ended; what it said tells why
            write(self._tasks, json.dumps(fields).encode() + b"\n")
        # Apart, a server that forks keeps the time; then this is for one that a stranger has stopped.
        patience = CLOCK * (seconds or 0) + _IMPORT if is_file or self._is_watching else seconds or 0
        until = None if seconds is None else time.monotonic() + patience
        frame = self._answer(until)
        if "began" in frame:  # nobody else keeps the time of a file, which begins here
            frame = self._answer(time.monotonic() + CLOCK * seconds if is_file and seconds else until)
        failure = frame.get("failure", None if "answer" in frame else {"unreadable": 1})
        if failure is None:
            self.answered = True
            document: dict[str, Any] = frame["answer"]
            if "error" in document:
                raise _error(document)
            return document
        self.answered = self._is_watching and "deaf" not in failure
        time.sleep(0.02)  # what was said last is on its way
        name = (
            Path(task.request.model).name
            if is_file
            else task.request.model
            if apart
            else f"the {_called(task.module)} backend"
        )
        if "unreadable" in failure:
            raise ModelError(f"{name} gave no answer that can be read")
        if "large" in failure:
            raise ModelError(f"{name} has more layers than can be shown")
        late = "late" in failure or (is_file and processes.is_out_of_time(failure.get("status", 0)))
        if late and is_file:
            more = f"--timeout {6 * (seconds or 1):g} allows more"
            raise ModelError(f"{name} takes more than {seconds:g} seconds: {more}")
        if late:
            raise ModelError(f"{name} didn't answer within {seconds:g} seconds")
        said = b"".join(self._said)
        if is_file and memory and any(words in said for words in (b"bad_alloc", b"cannot allocate memory")):
            raise ModelError(f"{name} needs more memory than it may take: --max-memory allows more")
        hint = (
            "; if memory ran out, --max-memory allows more" if is_file and processes.is_crash(failure["status"]) else ""
        )
        raise ModelError(f"{name} {processes.told(failure['status'])}{_last_words(said)}{hint}")

    def _answer(self, until: float | None) -> dict[str, Any]:
        """The child's word on the task that was asked last; an older one's is passed over."""
        while True:
            try:
                left = None if until is None else max(until - time.monotonic(), 0)
                frame = self._answers.get(timeout=left)
            except queue.Empty:
                return {"failure": {"late": 1, "deaf": 1}}
            if frame is None:
                self._answers.put(None)  # so it will be for whoever asks again
                status = self._process.ended(_GRACE)
                self._readers[0].join(timeout=1)
                return {"failure": {"status": status or 0, "deaf": 1}}
            if frame.get("number") == self._asked:
                return frame


class Session:
    """A backend's module in one child for many tasks; after a crash the next task gets a new child."""

    def __init__(self, module: str, limits: Limits = UNLIMITED, threads: int | None = None) -> None:
        self.module = module
        self.limits = limits
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
        return resident(self._child.pid) if self._child else 0

    def summarize(self, request: Request) -> Answer:
        """As the module's own ``summarize``."""
        return self.answer(Task(self.module, "summarize", request))

    def answer(self, task: Task) -> Answer:
        """What a task answers that gives a summary."""
        return answer_of(self.ask(task))

    def ask(self, task: Task) -> dict[str, Any]:
        """As ``Child.ask``."""
        with self._lock:
            if self._closed:
                raise ModelError("stopped")
            if self._child is None or not self._child.is_alive:
                self._child = Child(self.module, self.threads)
            child = self._child
        try:
            return child.ask(task, self.limits)
        finally:
            if child.is_spent or not child.answered:
                self.end()


def _called(module: str) -> str:
    """What a person calls the backend of a module: ``torch`` for ``resnet_inspect.readers.torch.reader``."""
    return module.removesuffix(".reader").rpartition(".")[2]


def _environment(threads: int | None, is_file: bool) -> Mapping[str, str]:
    """What a child has besides this process' own variables."""
    if is_file:
        return ENVIRONMENT
    return {"OMP_NUM_THREADS": str(threads)} if threads and "OMP_NUM_THREADS" not in os.environ else {}


def _following(line: bytes) -> dict[str, Any]:
    """What a line of an answer says, or that it says nothing."""
    if len(line) > MOST_BYTES:
        return {"failure": {"large": len(line)}}
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    return {"answer": answer} if isinstance(answer, dict) else {"failure": {"unreadable": 1}}


def _error(document: dict[str, Any]) -> InspectError:
    layer = [document["layer"]] if document.get("layer") else []
    error = _ERRORS.get(document["error"], ModelError)(str(document["message"]), *layer)
    error.traceback = str(document.get("traceback", ""))
    return error


def _last_words(said: bytes) -> str:
    text = " ".join(said.decode(errors="replace").split())
    return f"; it said: {text[-_LAST_WORDS:]}" if text else ""
