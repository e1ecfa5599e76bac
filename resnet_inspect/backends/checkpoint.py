"""What a checkpoint holds: names, shapes and element types, from its header where it has one.

The kind of a file is told from its content. Reading one never runs code that is in it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ..analysis.fit import Entry
from ..errors import ModelError
from .archive import DAMAGES, SwollenError, bounded

#: safetensors' names of element types.
_SAFETENSORS = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "I64": "int64",
    "U64": "uint64",
    "F64": "float64",
}
#: The format's own limit of a header.
_LONGEST_HEADER = 100_000_000
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read(path: Path) -> tuple[str, tuple[Entry, ...]]:
    """The kind of a checkpoint (``safetensors``, ``torch``, ``keras``, ``legacy keras``) and what it holds.

    Of a checkpoint in several files, ``path`` is the index (``model.safetensors.index.json``) or their folder.

    Raises:
        ModelError: there is no such file, it is damaged, of no known kind, or would run code when loaded.
    """
    return _folder(path) if path.is_dir() else _file(path)


def _file(path: Path, is_part: bool = False) -> tuple[str, tuple[Entry, ...]]:
    """What one file holds. A part of a checkpoint is a file of tensors, and names no others."""
    try:
        with path.open("rb") as file:
            kind = _kind(file)
            if kind is None:
                raise ModelError(
                    f"{path.name} is no checkpoint that is known: safetensors, torch (.pth, .pt) and Keras "
                    "(.weights.h5, .keras) are"
                )
            if kind == "index" and is_part:
                raise ModelError(f"{path.name} is an index itself, where a checkpoint's tensors should be")
            file.seek(0)
            return _READERS[kind](path, file)
    except OSError as error:
        raise ModelError(f"{path.name} can't be read: {error.strerror or error}") from error


def _kind(file: IO[bytes]) -> str | None:
    start = file.read(16)
    if start.startswith(_HDF5):
        return "hdf5"
    if start.startswith(b"PK"):
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        except zipfile.BadZipFile as error:
            raise ModelError(f"{Path(file.name).name} is damaged: {error}") from error
        if any(name.endswith("data.pkl") for name in names):
            return "torch"
        return "keras" if "model.weights.h5" in names else None
    if start[8:9] == b"{":
        return "safetensors"
    if start.lstrip()[:1] == b"{":
        return "index"
    # A pickle of protocol 2 and newer, as torch wrote before version 1.6.
    return "torch" if start[:1] == b"\x80" else None


def _safetensors(path: Path, file: IO[bytes]) -> tuple[str, tuple[Entry, ...]]:
    size = path.stat().st_size
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, _LONGEST_HEADER):
        raise ModelError(f"{path.name} is damaged: its header should have {length} bytes, the file has {size}")
    try:
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        entries = tuple(_safetensors_entry(name, item) for name, item in header.items())
        end = 8 + length + max((item["data_offsets"][1] for item in header.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path.name} is damaged: its header can't be read ({error})") from error
    if end > size:
        raise ModelError(f"{path.name} is truncated: its tensors need {end} bytes, the file has {size}")
    return "safetensors", entries


def _safetensors_entry(name: str, item: dict[str, Any]) -> Entry:
    shape, known = tuple(int(size) for size in item["shape"]), _SAFETENSORS.get(item["dtype"])
    if known is not None:
        return Entry(name, shape, known)
    start, end = item["data_offsets"]
    return Entry(name, shape, str(item["dtype"]).lower(), stored_bytes=end - start)


def _index(path: Path, file: IO[bytes]) -> tuple[str, tuple[Entry, ...]]:
    """The parts of a checkpoint that an index names, in the order of the index' first mention."""
    try:
        parts = list(dict.fromkeys(json.loads(file.read())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path.name} is no index of a checkpoint: it has no weight_map") from error
    for part in parts:
        if not _is_beside(path, part):
            raise ModelError(f"{path.name} names {part!r}, which is no file of tensors beside it")
    return _together([path.parent / part for part in parts])


def _is_beside(index: Path, part: Any) -> bool:
    """Whether an index names a file in its own folder; one that isn't there is another's error."""
    if not isinstance(part, str) or Path(part).name != part or part == ".." or not part.isprintable():
        return False
    path = index.parent / part
    return path.is_file() or not path.exists()


def _folder(path: Path) -> tuple[str, tuple[Entry, ...]]:
    indices = sorted(path.glob("*.index.json"))
    files = sorted(path.glob("*.safetensors"))
    if not indices and not files:
        raise ModelError(f"{path.name} has no checkpoint in it: no .safetensors, no .index.json")
    return _file(indices[0]) if indices else _together(files)


def _together(paths: list[Path]) -> tuple[str, tuple[Entry, ...]]:
    found = [_file(path, is_part=True) for path in paths]
    return found[0][0] if found else "safetensors", tuple(entry for _, entries in found for entry in entries)


def _torch(path: Path, _file: IO[bytes]) -> tuple[str, tuple[Entry, ...]]:
    from . import load_framework

    reader = load_framework("torch", "resnet_inspect.backends.torch_checkpoint")
    entries: tuple[Entry, ...] = reader.read(path)
    return "torch", entries


def _hdf5(path: Path, file: IO[bytes]) -> tuple[str, tuple[Entry, ...]]:
    try:
        import h5py
    except ImportError as error:
        raise ModelError(f"reading {path.name} needs h5py: pip install 'resnet-inspect[tensorflow]'") from error
    try:
        with h5py.File(file, "r") as root:
            layers = root.get("model_weights", root)
            if "layer_names" in layers.attrs:
                return "legacy keras", _legacy(layers)
            names: list[str] = []
            root.visit(names.append)
            return "keras", tuple(
                Entry(name, tuple(root[name].shape), str(root[name].dtype)) for name in names if _is_weight(name, root)
            )
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(f"{path.name} is damaged: {' '.join(str(error).split())}") from error


def _is_weight(name: str, root: Any) -> bool:
    """Whether a name in Keras' file is a layer's variable; the optimizer's and the random generators' aren't."""
    folders = name.split("/")
    state = folders[0] == "optimizer" or any(folder.startswith("seed_generator") for folder in folders)
    return "vars" in folders and not state and hasattr(root[name], "shape")


def _legacy(layers: Any) -> tuple[Entry, ...]:
    """Keras 2's order: layers by name, each with the names of its weights."""
    entries = []
    for layer in layers.attrs["layer_names"]:
        group = layers[_text(layer)]
        for weight in group.attrs["weight_names"]:
            item = group[_text(weight)]
            entries.append(Entry(_text(weight).rpartition(":")[0] or _text(weight), tuple(item.shape), str(item.dtype)))
    return tuple(entries)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _keras(path: Path, file: IO[bytes]) -> tuple[str, tuple[Entry, ...]]:
    """The weights in a ``.keras`` archive; its configuration, which may name code to run, isn't looked at."""
    import io

    with zipfile.ZipFile(file) as archive:
        try:
            weights = io.BytesIO(bounded(archive, "model.weights.h5"))
        except (SwollenError, *DAMAGES) as error:
            raise ModelError(f"{path.name} is damaged: {error}") from error
    return _hdf5(path, weights)


_READERS: dict[str, Callable[[Path, IO[bytes]], tuple[str, tuple[Entry, ...]]]] = {
    "safetensors": _safetensors,
    "index": _index,
    "torch": _torch,
    "hdf5": _hdf5,
    "keras": _keras,
}
