"""Zip archives as models are kept in: an entry is unpacked only if it is no larger than an honest one."""

from __future__ import annotations

import struct
import zipfile
import zlib

#: How many times smaller text and weights get by packing, at most; a bomb is packed a thousand times.
_PACKED = 100
#: What a damaged archive makes of reading it. Encrypted and unknown kinds of entries are RuntimeErrors.
DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError)


class SwollenError(ValueError):
    """An entry says to be larger than it may be."""


def is_swollen(item: zipfile.ZipInfo) -> bool:
    """Whether an entry is packed tighter than text and weights ever are: such files fill the memory."""
    return item.file_size > item.compress_size * _PACKED + 2**20


def bounded(archive: zipfile.ZipFile, name: str, most: int | None = None) -> bytes:
    """An entry's content, of ``most`` bytes if that is said.

    Raises:
        SwollenError: it is larger, or packed too tightly.
        KeyError: there is no such entry.
    """
    item = archive.getinfo(name)
    if is_swollen(item) or (most is not None and item.file_size > most):
        raise SwollenError(f"{name} would have {item.file_size} bytes, packed into {item.compress_size}")
    return archive.read(item)
