"""What a checkpoint holds: names, shapes and element types, from its header or directory. Tensors' data isn't read.

The kind of a file is told from its content. Reading one never runs code that is in it. Everything is read in this
process and without a framework, except HDF5, whose reader is a library in C: that is done in a child.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ... import process, stranger_json
from ...analysis.checkpoint_match import Entry
from ...errors import ModelError
from ..archive import Archive
from ..bounds import Allowance, check_regular, door
from ..request import Request
from . import safetensors as safetensors_header
from . import torch_pickled
from .pickle_opcodes import MOST_STEPS

_HDF5 = b"\x89HDF\r\n\x1a\n"
#: Bytes of headers and pickles that are read, of all parts of a checkpoint together.
_MOST_READ = 2**26
#: What each part takes of it at least.
_PART = 2**14
#: What a part takes that is opened in a child.
_CHILD = 2**23
#: Tensors of a checkpoint: the largest models have ninety thousand.
MOST_TENSORS = 100_000
#: Characters of a tensor's name, and of all names together with those of the modules that they stand in.
_LONGEST_NAME = 1000
_MOST_NAMES = 2**26


def read(path: Path) -> tuple[str, tuple[Entry, ...]]:
    """The kind of a checkpoint (``safetensors``, ``torch``, ``keras``, ``legacy keras``) and what it holds.

    Of a checkpoint in several files, ``path`` is the index (``model.safetensors.index.json``) or their folder. Its
    parts stand beside the index; links are followed, for a hub's cache is made of them.

    Raises:
        ModelError: there is no such file, it is damaged, of no known kind, or would run code when loaded.
    """
    allowance = Allowance(_MOST_READ, MOST_STEPS)
    with door(path):
        kind, entries = _folder(path, allowance) if path.is_dir() else _file(path, allowance)
        check(entries)
    return kind, entries


def check(entries: tuple[Entry, ...]) -> None:
    """Raises ValueError for more tensors, or longer names, than any checkpoint has, and for two of one name."""
    if len(entries) > MOST_TENSORS:
        raise ValueError(f"it has more than the {MOST_TENSORS} tensors that are read")
    for entry in entries:
        check_name(entry.name)
    if sum(len(entry.name) * (1 + entry.name.count(".") + entry.name.count("/")) for entry in entries) > _MOST_NAMES:
        raise ValueError("its tensors' names are nested too deeply")
    names: set[str] = set()
    for entry in entries:
        if entry.name in names:
            raise ValueError(f"two of its tensors have the name {entry.name[:100]!r}")
        entry.name.encode()  # as every output will
        names.add(entry.name)


def check_name(name: str) -> None:
    """Raises ValueError for a longer name than any checkpoint has."""
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"a tensor's name has more than {_LONGEST_NAME} characters")


def _file(path: Path, allowance: Allowance, is_part: bool = False) -> tuple[str, tuple[Entry, ...]]:
    """What one file holds. A part of a checkpoint is a file of tensors, and names no others."""
    check_regular(path)
    with door(path), path.open("rb") as file:
        kind = _kind(file)
        if kind is None:
            raise ModelError(
                f"{path.name} is not a checkpoint in a supported format: safetensors, torch (.pth, .pt) or Keras "
                "(.weights.h5, .keras)"
            )
        if kind == "index" and is_part:
            raise ModelError(f"{path.name} is an index itself, where a checkpoint's tensors should be")
        file.seek(0)
        return _READERS[kind](path, file, allowance)


def _kind(file: IO[bytes]) -> str | None:
    start = file.read(16)
    if start.startswith(_HDF5):
        return "hdf5"
    if start.startswith(b"PK"):
        with Archive(file) as archive:
            names = archive.namelist()
        if any(name.endswith("data.pkl") for name in names):
            return "torch"
        return "hdf5" if "model.weights.h5" in names else None
    if start[8:9] == b"{":
        return "safetensors"
    if start.lstrip()[:1] == b"{":
        return "index"
    # A pickle of protocol 2 and newer, as torch wrote before version 1.6.
    return "torch" if start[:1] == b"\x80" else None


def _safetensors(path: Path, file: IO[bytes], allowance: Allowance) -> tuple[str, tuple[Entry, ...]]:
    return "safetensors", safetensors_header.read(path.stat().st_size, file, allowance)


def _torch(path: Path, file: IO[bytes], allowance: Allowance) -> tuple[str, tuple[Entry, ...]]:
    return "torch", torch_pickled.read(path, file, allowance)


def _hdf5(path: Path, _file: IO[bytes], allowance: Allowance) -> tuple[str, tuple[Entry, ...]]:
    """A Keras file: its weights alone, a whole model, or an archive with the weights in it."""
    allowance.take(_CHILD)
    request = Request(model=str(path))
    if process.is_confined():  # this is the child
        from . import hdf5

        entries = tuple(hdf5.state(request))
    else:
        from ...answers.worker import Remote

        entries = Remote("resnet_inspect.readers.checkpoint.hdf5").state(request)
    # Keras 3 has a folder ``vars`` in every name.
    is_new = all("vars" in entry.name.split("/") for entry in entries)
    return "keras" if is_new else "legacy keras", entries


def _index(path: Path, file: IO[bytes], allowance: Allowance) -> tuple[str, tuple[Entry, ...]]:
    """The parts of a checkpoint that an index names, in the order of the index' first mention."""
    document = stranger_json.loads(file.read(_MOST_READ + 1))
    if not isinstance(document, dict) or not isinstance(document.get("weight_map"), dict):
        raise ModelError(f"{path.name} is not an index of a checkpoint: it has no weight_map")
    parts = list(dict.fromkeys(document["weight_map"].values()))
    for part in parts:
        if not _is_beside(path, part):
            raise ModelError(f"{path.name} names {part!r:.200}, which is not a file of tensors beside it")
    return _together([path.parent / part for part in parts], allowance)


def _is_beside(index: Path, part: Any) -> bool:
    """Whether an index names a file in its own folder; one that isn't there is another's error."""
    if not isinstance(part, str) or Path(part).name != part or part == ".." or not part.isprintable():
        return False
    path = index.parent / part
    return path.is_file() or not path.exists()


def _folder(path: Path, allowance: Allowance) -> tuple[str, tuple[Entry, ...]]:
    indices = sorted(path.glob("*.index.json"))
    files = sorted(path.glob("*.safetensors"))
    if not indices and not files:
        raise ModelError(f"{path.name} has no checkpoint in it: no .safetensors, no .index.json")
    return _file(indices[0], allowance) if indices else _together(files, allowance)


def _together(paths: list[Path], allowance: Allowance) -> tuple[str, tuple[Entry, ...]]:
    kind = "safetensors"
    entries: list[Entry] = []
    for number, path in enumerate(paths):
        allowance.take(_PART)
        found, more = _file(path, allowance, is_part=True)
        kind = kind if number else found
        entries += more
    return kind, tuple(entries)


_READERS: dict[str, Callable[[Path, IO[bytes], Allowance], tuple[str, tuple[Entry, ...]]]] = {
    "safetensors": _safetensors,
    "index": _index,
    "torch": _torch,
    "hdf5": _hdf5,
}
