"""What kind of a model a file or folder holds, told from its content and not from its ending."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

#: What a summary that we wrote begins with, spaces aside.
_OURS = b'{"schema_version":'
#: ONNX' own versions of its format; a protobuf has no other mark.
_ONNX_VERSIONS = range(1, 40)
#: The fields of an ONNX model that may follow its version: producer, domain, graph, opset, metadata ...
_ONNX_FIELDS = frozenset([0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72])


def kind_of(path: Path) -> str | None:
    """``summary``, ``state`` (tensors by name), ``hdf5`` (weights or a whole model), ``transformers``, ``keras``,
    ``savedmodel``, ``pt2``, ``torchscript``, ``onnx``, or None for anything else and for what can't be read.

    Only regular files are opened, and no library in C sees them: that is for each kind's reader.
    """
    try:
        if path.is_dir():
            return _of_folder(path)
        if path.exists() and not path.is_file():
            # A pipe, as of <(resnet-inspect ...), can be read only once; a device never ends.
            return "summary" if path.is_fifo() and path.suffix in ("", ".json") else None
        with path.open("rb") as file:
            start = file.read(32)
    except OSError:
        return None
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if start.startswith(b"PK"):
        about = path.stat()
        return _of_zip(path, about.st_size, about.st_mtime_ns)
    if start[8:9] == b"{" or start[:1] == b"\x80":
        return "state"  # safetensors; a pickle, as torch wrote before version 1.6
    if start[:1] == b"\x08" and path.name == "saved_model.pb":
        return "savedmodel"
    if len(start) > 2 and start[0] == 0x08 and start[1] in _ONNX_VERSIONS and start[2] in _ONNX_FIELDS:
        return "onnx"
    if b"".join(start.split()).startswith(_OURS):
        return "summary"  # as we write them: nothing more to read
    return _of_json(path) if start.lstrip()[:1] in (b"{", b"[") else None


def _of_folder(path: Path) -> str | None:
    names = {item.name for item in path.iterdir()}
    if "saved_model.pb" in names:
        return "savedmodel"
    if "config.json" in names and _of_json(path / "config.json") == "transformers":
        return "transformers"
    return "state" if any(name.endswith((".safetensors", ".index.json")) for name in names) else None


@lru_cache(16)
def _of_zip(path: Path, _size: int, _changed: int) -> str | None:
    """A command asks several times, and a directory of many entries takes seconds; a file that changed is another."""
    from . import archive  # every command asks for a kind, few meet an archive

    try:
        with path.open("rb") as file, archive.Archive(file) as opened:
            names = opened.namelist()
    except (OSError, ValueError, *archive.DAMAGES):
        return "state"  # whose reader says what is damaged
    if {"config.json", "model.weights.h5"} <= set(names):
        return "keras"
    if {"serialized_exported_program.json", "archive_format"} & {Path(name).name for name in names}:
        return "pt2"
    folders = _folders(names)
    if "code" in folders and any(name.endswith("constants.pkl") for name in names):
        return "torchscript"
    return "state" if any(name.endswith("data.pkl") for name in names) else None


def _folders(names: Iterable[str]) -> set[str]:
    return {part for name in names for part in Path(name).parts[:-1]}


def _of_json(path: Path) -> str | None:
    try:
        document = _document(path)
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):  # whose reader says what is damaged
        return "state" if path.name.endswith(".index.json") else "summary" if path.suffix == ".json" else None
    if "weight_map" in document:
        return "state"
    if "schema_version" not in document and ("model_type" in document or "architectures" in document):
        return "transformers"
    return "summary"


def _document(path: Path) -> object:
    from .. import stranger_json  # of a summary that we wrote, the first bytes are enough

    if not path.is_file():
        raise ValueError("a pipe or a device would be waited for")
    with path.open("rb") as file:
        return stranger_json.loads(file.read(stranger_json.MOST_BYTES + 1))
