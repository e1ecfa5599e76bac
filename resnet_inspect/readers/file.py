"""The backend of models in files: each kind, told from the content, has a reader, and loading runs no code.

The command opens files in a child process, whose walls (``sandbox``) are raised between ``prepare`` and the rest.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from .. import process
from ..analysis.checkpoint_match import Entry
from ..errors import BadRequestError, ModelError
from .chatter import held_back
from .format import Format
from .frameworks import load_framework
from .kind import formats, kind_of
from .protocols import Reader, State
from .request import Answer, Request

#: Bytes among which an HDF5 file that Keras wrote has the name of its first attribute.
_FIRST = 2**16


def prepare(request: Request) -> list[tuple[str, str]]:
    """Imports what the reader of a file needs: modules, each with the backend that it is of.

    Raises:
        ModelError: as ``summarize``.
    """
    found = _probable_format(request)
    needed = [(found.backend, name) for name in (found.reader, *found.late)]
    for backend, name in needed:
        load_framework(backend, name)
    return needed


def prepare_alone(request: Request) -> bool:
    """Imports what reads a file without its framework, if most of its kind can be read so.

    Raises:
        ModelError: as ``summarize``.
    """
    found = _probable_format(request)
    if found.alone is not None:
        importlib.import_module(found.alone)
    return found.alone is not None


def summarize_alone(request: Request) -> Answer | None:
    """The answer that ``summarize`` would give, without the framework; None if that takes the framework."""
    alone = _probable_format(request).alone
    if alone is None:
        return None
    with process.uncollected():
        answer: Answer | None = importlib.import_module(alone).summarize(request)
        return answer


def _probable_format(request: Request) -> Format:
    found = _format_of(request)
    if found.kind == "hdf5" and _holds_model(Path(request.model)):
        return _of_kind("keras", Path(request.model).name)
    return found


def _holds_model(path: Path) -> bool:
    """Whether an HDF5 file seems to hold a whole model, whose configuration is the first thing in it.

    That is only for what is imported beforehand: the reader looks properly, behind the walls.
    """
    with path.open("rb") as file:
        return b"model_config" in file.read(_FIRST)


def summarize(request: Request) -> Answer:
    """Summarises the model, or the tensors, in the file or folder of the path ``request.model``.

    Raises:
        ModelError: there is no such file, it is damaged, of no known kind, or would run code.
        BadRequestError: the request doesn't go with what the file holds.
        InputError: the input doesn't fit.
    """
    with held_back(), process.uncollected():
        return _reader(request).summarize(request)


def state(request: Request) -> Sequence[Entry]:
    """The tensors that the file's model has.

    Raises:
        BadRequestError: files of this kind say nothing of their weights' names.
    """
    reader = _reader(request)
    if not isinstance(reader, State):
        raise BadRequestError(f"{request.model}: weights are compared with a built model, not with a file")
    with held_back(), process.uncollected():
        return reader.state(request)


def _reader(request: Request) -> Reader:
    found = _format_of(request)
    reader: Reader = load_framework(found.backend, found.reader)
    return reader


def _format_of(request: Request) -> Format:
    path = Path(request.model)
    if not path.exists():
        raise ModelError(f"no such file: {path}")
    return _of_kind(kind_of(path), path.name)


def _of_kind(kind: str | None, file: str) -> Format:
    for format_ in formats():
        if format_.kind == kind:
            return format_
    known = ", ".join(format_.title for format_ in formats())
    raise ModelError(f"{file} is not a model in a supported format: {known}")
