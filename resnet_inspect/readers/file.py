"""The backend of models in files: each kind, told from the content, has a reader, and loading runs no code.

The command opens files in a child process, whose walls (``sandbox``) are raised between ``prepare`` and the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..analysis.fit import Entry
from ..errors import BadRequestError, ModelError
from . import load_framework
from .chatter import held_back
from .kind import kind_of
from .request import Answer, Request

#: Bytes among which an HDF5 file that Keras wrote has the name of its first attribute.
_FIRST = 2**16
#: Kind of a file -> whose packages its reader needs, and the module with its ``summarize(request)``.
_READERS = {
    "state": ("local", "checkpoint.summary"),
    "hdf5": ("local", "keras.hdf5_model"),
    "pt2": ("local", "pt2.reader"),
    "onnx": ("onnx", "onnx.reader"),
    "torchscript": ("torch", "torchscript.reader"),
    "keras": ("keras", "keras.file"),
    "savedmodel": ("keras", "savedmodel.reader"),
    "transformers": ("transformers", "libraries.transformers"),
}
#: What a backend's library imports when it builds any model, rather than at first: a second's worth.
_LATE = {"transformers": ("transformers.modeling_utils",)}


def prepare(request: Request) -> list[tuple[str, str]]:
    """Imports what the reader of a file needs: modules, each with the backend that it is of.

    Raises:
        ModelError: as ``summarize``.
    """
    backend, module = _reader_of(request)
    if module.endswith(".hdf5_model") and _holds_model(Path(request.model)):
        backend, module = "keras", f"{__package__}.keras.file"
    needed = [(backend, module), *((backend, name) for name in _LATE.get(backend, ()))]
    for _, name in needed:
        load_framework(backend, name)
    return needed


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
    with held_back():
        answer: Answer = _reader(request).summarize(request)
    return answer


def state(request: Request) -> Sequence[Entry]:
    """The tensors that the file's model has.

    Raises:
        BadRequestError: files of this kind say nothing of their weights' names.
    """
    reader = _reader(request)
    if not hasattr(reader, "state"):
        raise BadRequestError(f"{request.model}: weights are compared with a built model, not with a file")
    with held_back():
        entries: Sequence[Entry] = reader.state(request)
    return entries


def _reader(request: Request) -> Any:
    return load_framework(*_reader_of(request))


def _reader_of(request: Request) -> tuple[str, str]:
    path = Path(request.model)
    if not path.exists():
        raise ModelError(f"there is no file {path}")
    kind = kind_of(path)
    if kind not in _READERS:
        known = ".keras, .h5, .onnx, .pt2, TorchScript, safetensors, .pth, SavedModel folder, transformers' config.json"
        raise ModelError(f"{path.name} is not a model in a supported format: {known}")
    backend, module = _READERS[kind]
    return backend, f"{__package__}.{module}"
