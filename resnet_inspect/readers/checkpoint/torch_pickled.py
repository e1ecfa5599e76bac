"""State dictionaries in torch's own files, told from a zip archive's directory and the text of a pickle: without torch.

Of a file in torch's old format, a row of pickles with the tensors' data behind it, only the pickles are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from ...analysis.checkpoint_match import WRAPPERS, Entry
from ...errors import ModelError
from ..archive import Archive
from ..bounds import Allowance
from .pickle_opcodes import EndedError, Pickle
from .pickle_values import OPAQUE, ForbiddenNameError, Named, Storage, Tensor

#: Bytes of a pickle: a tensor has 150, so these are half a million.
MOST_BYTES = 2**26
#: How much of an old file is looked at, one after the other, until its pickles end.
_STARTS = (2**18, 2**22, MOST_BYTES)
#: How the old format begins: these numbers, each in a pickle of its own.
_MAGIC = (0x1950A86A20F9469CFC6C, 1001)
#: Dictionaries of the kind ``{"model": {"state_dict": ...}}`` in one another.
_MOST_WRAPPERS = 8


def read(path: Path, file: IO[bytes], allowance: Allowance) -> tuple[Entry, ...]:
    """The tensors of a state dictionary; their data isn't read, and nothing that the file names is run.

    Raises:
        ModelError: it names something that could run code when loaded, or holds no state dictionary.
        Exception: it is damaged.
    """
    try:
        is_archive = file.read(2) == b"PK"
        loaded = _zipped(file, allowance) if is_archive else _old(path, file, allowance)
    except ForbiddenNameError as error:
        raise refused(path.name, error) from error
    tensors = _state_dict(loaded)
    if not tensors:
        kind = "object" if loaded is OPAQUE or isinstance(loaded, Named) else type(loaded).__name__
        raise ModelError(f"{path.name} holds no state dictionary but a {kind}")
    return tuple(Entry(name, tensor.shape, tensor.dtype) for name, tensor in tensors.items())


def refused(file: str, error: ForbiddenNameError) -> ModelError:
    """What to say of a pickle that names what isn't on the list."""
    name = str(error)
    shown = name if name.isprintable() and len(name) < 100 else ascii(name[:100])
    return ModelError(f"{file} is refused: it names {shown}, and loading it could run code")


def pickled(archive: Archive) -> str:
    """The name of the one pickle in an archive that torch wrote.

    Raises:
        ValueError: there is none, or several.
    """
    # torch's own reader makes no difference between small and capital letters.
    found = [name for name in archive.namelist() if name.rpartition("/")[2].lower() == "data.pkl"]
    if len(found) != 1:
        raise ValueError(f"it holds {len(found)} pickles, and torch writes one")
    return found[0]


def _zipped(file: IO[bytes], allowance: Allowance) -> Any:
    with Archive(file) as archive:
        name = pickled(archive)
        allowance.take(archive.getinfo(name).file_size)
        pickle = Pickle(archive.content(name, MOST_BYTES), allowance.steps)
        loaded = pickle.load()
        allowance.steps = pickle.left
        folder = name.removesuffix("data.pkl") + "data/"
        sizes = {item.filename: item.file_size for item in archive.infolist() if item.filename.startswith(folder)}
        for storage in pickle.storages.values():
            if sizes.get(folder + storage.key, -1) < storage.size:
                raise ValueError(f"its storage {storage.key[:50]!r} should have {storage.size} bytes and hasn't")
    return loaded


def _old(path: Path, file: IO[bytes], allowance: Allowance) -> Any:
    size = path.stat().st_size
    for most in _STARTS:
        file.seek(0)
        data = file.read(most)
        try:
            pickle = Pickle(data, allowance.steps)
            if (pickle.load(), pickle.load()) != _MAGIC:
                raise ValueError("it is not a file of torch's: its magic number is another one")
            pickle.load()  # of the machine
            loaded = pickle.load()
            keys = pickle.load()
        except EndedError:
            if len(data) == size or most == MOST_BYTES:
                raise
            continue
        allowance.take(pickle.at)
        allowance.steps = pickle.left
        need = pickle.at + _data_size(keys, pickle.storages)
        if need > size:
            raise ValueError(f"it breaks off: its tensors need {need} bytes, the file has {size}")
        return loaded
    raise AssertionError("the last start either ends or raises")


def _data_size(keys: Iterable[Any], storages: Mapping[str, Storage]) -> int:
    """Bytes of all storages behind the pickles, each with its number of elements in front."""
    if {key if type(key) is str else None for key in keys} != storages.keys():
        raise ValueError("its tensors stand in other storages than it has")
    return sum(8 + storage.size for storage in storages.values())


def _state_dict(loaded: Any) -> dict[str, Tensor]:
    """The tensors under their names, with the keys in front that the dictionary was found under."""
    prefix = ""
    for _ in range(_MOST_WRAPPERS):
        key = next((key for key in WRAPPERS if isinstance(loaded, dict) and isinstance(loaded.get(key), dict)), None)
        if key is None:
            break
        loaded, prefix = loaded[key], f"{prefix}{key}."
    items = loaded.items() if isinstance(loaded, dict) else ()
    return {f"{prefix}{name}": value for name, value in items if isinstance(value, Tensor)}
