"""The file of results: written line by line by one run at a time, and gone on with after its last complete line."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import BadRequestError
from ..host.locks import lock
from .lines import Line, Result, key_of

#: What a power failure may cost, in seconds of work; against a kill, every line is safe as soon as it is written.
_SYNC = 2.0
#: How every result begins; then comes its number.
_HEAD = '{{"line": {}, "request": "'


@dataclass(frozen=True, slots=True)
class There:
    """How many lines an earlier run has written, and how many of them are errors."""

    lines: int = 0
    failed: int = 0


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, for this process alone; made if it isn't there.

    Raises:
        BadRequestError: it is not a file, has no folder, or another run is writing it.
    """
    if path.exists() and not path.is_file():
        raise BadRequestError(f"{path} is not a file that can hold results; without -o, they go to stdout")
    if not path.resolve().parent.is_dir():
        raise BadRequestError(f"{path} can't be written: no such folder: {path.parent}")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        if not lock(file.fileno()):
            raise BadRequestError(f"another run is writing {path}: wait for it, or give another -o")
        yield file


def resume(file: IO[bytes], name: str, lines: Iterator[Line], full: bool) -> There:
    """Checks what is there against ``lines``, whose iterator then stands at the first that isn't, as the file does.

    A torn last line is cut off.

    Raises:
        BadRequestError: the file holds something else than results of these lines; nothing has been changed.
    """
    count = failed = end = 0
    _check_ours(file, name)
    for text in file:
        number = count + 1
        if not text.endswith(b"\n"):
            # After a power failure, a file may end with zeros.
            if not _may_begin(text.rstrip(b"\0"), number):
                raise _other(name, number, "is not a result")
            break
        _, request = next(lines, (0, None))
        if request is None:
            raise _other(name, number, "is one more than there are requests")
        failed += _failed(text, name, number, request, full)
        count = number
        end += len(text)
    file.seek(end)
    file.truncate()
    return There(count, failed)


def clear(file: IO[bytes], name: str) -> None:
    """Empties a file of results, whatever requests they are of.

    Raises:
        BadRequestError: the file holds something else, which isn't ours to delete.
    """
    _check_ours(file, name)
    file.truncate(0)


def written(file: IO[bytes], results: Iterable[Result]) -> Iterator[Result]:
    """The results, each as soon as it is written."""
    regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    synced = time.monotonic()
    for result in results:
        file.write(result.text.encode())
        file.flush()
        if regular and time.monotonic() > synced + _SYNC:
            os.fsync(file.fileno())
            synced = time.monotonic()
        yield result
    if regular:
        os.fsync(file.fileno())


def _check_ours(file: IO[bytes], name: str) -> None:
    first = file.readline()
    if first and not _may_begin(first, 1):
        raise BadRequestError(f"{name} holds no results of a batch, and is left alone: give another -o")
    file.seek(0)


def _may_begin(text: bytes, number: int) -> bool:
    """Whether a line, torn or not, can be the result of a number."""
    head = _HEAD.format(number).encode()
    return text.startswith(head) or head.startswith(text)


def _failed(text: bytes, name: str, number: int, request: bytes, full: bool) -> bool:
    try:
        found: Any = json.loads(text)
    except ValueError:
        raise _other(name, number, "is damaged") from None
    if not isinstance(found, dict) or (found.get("line"), found.get("request")) != (number, key_of(request)):
        raise _other(name, number, "is not the result of that line of the requests")
    if "error" in found:
        return True
    if ("summary" in found) != full:
        raise _other(name, number, f"was written with{'out' if full else ''} --full")
    return False


def _other(name: str, number: int, problem: str) -> BadRequestError:
    return BadRequestError(f"{name}: line {number:,} {problem}; --restart begins the file again")
