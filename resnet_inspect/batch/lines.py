"""From a request line to its result line. Nothing that a line says stops the run: it is that line's error."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from .. import ir_json, stranger_json
from ..answers.source import Source
from ..errors import BadRequestError, InspectError, ModelError
from ..ir import Summary
from ..readers import UNLIMITED, Limits, module_of
from ..readers.local import reader as from_local
from ..version import __version__
from ..visible import in_json
from .sessions import Sessions

#: A line of the requests, with its number.
Line = tuple[int, bytes]

#: Bytes of a line that is looked at, and of one that ends the run.
_MOST_BYTES, _ENDLESS = 2**20, 2**30
#: How the line begins that stands for one that is too long: no JSON does so.
_TOO_LONG = b"\0too long: "

#: Of this process, whichever worker it is.
SESSIONS = Sessions()

_module = functools.cache(module_of)


@dataclass(frozen=True, slots=True)
class Result:
    """A result line with its line feed, and whether it is an error."""

    text: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The results of some lines, and how long they took."""

    results: tuple[Result, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with lines, in whichever process: ``read`` is a function of a module, so that it can be sent.

    ``read`` makes of a request's fields what a backend is asked, or raises an ``InspectError``.
    """

    read: Callable[[Mapping[str, Any]], Source]
    full: bool = False
    limits: Limits = UNLIMITED
    version: str = __version__

    def __call__(self, lines: Sequence[Line]) -> Done:
        """The results, in order.

        Raises:
            ModelError: another version of this package sent the lines, whose results mustn't be mixed with these.
        """
        if self.version != __version__:
            raise ModelError(f"a worker has resnet-inspect {__version__}, but here it is {self.version}: update one")
        begun = time.perf_counter()
        results = tuple(self._result(number, line) for number, line in lines)
        return Done(results, time.perf_counter() - begun)

    def _result(self, number: int, line: bytes) -> Result:
        document = {"line": number, "request": key_of(line)}
        try:
            fields = _fields(line)
            if "id" in fields:
                document["id"] = fields.pop("id")
            summary = self._summary(self.read(fields))
            answer = {"summary": ir_json.to_dict(summary)} if self.full else ir_json.outline(summary)
            return Result(_text({**document, **answer}), failed=False)
        except InspectError as error:
            told = _told(error, str(error))
        except OSError as error:
            told = _told(ModelError(), f"{error.filename or 'the model'}: {error.strerror or error}")
        except MemoryError:
            told = _told(ModelError(), "not enough memory for this model and input")
        except Exception as error:
            told = _told(ModelError(), f"internal error: {type(error).__name__}: {error}. Please report it")
        return Result(_text({**document, "error": told}), failed=True)

    def _summary(self, source: Source) -> Summary:
        if source.backend == "local":
            # Needs no framework and can't hang, so it needs no child either.
            return from_local.summarize(source.request).summary
        module = _module(source.backend)
        with SESSIONS.lent((module, source.process), self.limits) as session:
            return session.summarize(source.request).summary


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file. In place of one that is too long comes a short line that says so, and tells it from others.

    Raises:
        BadRequestError: a line doesn't end: this is not a file of requests.
    """
    while line := file.readline(_MOST_BYTES + 1):
        if len(line) > _MOST_BYTES:
            digest, length = hashlib.sha256(line), len(line)
            while not line.endswith(b"\n") and (line := file.readline(_MOST_BYTES)):
                digest.update(line)
                if (length := length + len(line)) > _ENDLESS:
                    raise BadRequestError(
                        f"a line has more than {_ENDLESS // 2**20} MiB: this is not a file of requests"
                    )
            line = _TOO_LONG + digest.hexdigest().encode() + b"\n"
        yield line


def key_of(line: bytes) -> str:
    """What tells a request line from another, whatever its line ends with."""
    return hashlib.sha256(line.rstrip(b"\r\n")).hexdigest()[:16]


def _fields(line: bytes) -> dict[str, Any]:
    if line.startswith(_TOO_LONG):
        raise BadRequestError(f"the line has more than {_MOST_BYTES // 2**20} MiB, which no request needs")
    if not line.strip():
        raise BadRequestError('the line is empty: a request is an object, {"model": "resnet50"}')
    try:
        found = stranger_json.loads(line, parse_float=_finite, parse_constant=_finite)
    except ValueError as error:
        raise BadRequestError(f"the line can't be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadRequestError('the line is not an object: a request is {"model": "resnet50"}')
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a number that JSON can hold")
    return value


def _told(error: InspectError, message: str) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "exit_code": error.exit_code,
        "message": " ".join(message.split()),
        "layer": getattr(error, "layer", None),
    }


def _text(document: Mapping[str, Any]) -> str:
    return in_json(json.dumps(document, allow_nan=False)) + "\n"
