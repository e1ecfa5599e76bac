"""Zip archives as models are kept in: an archive is opened only if it is built as an honest one, and unpacks no bombs.

Nothing is ever extracted to a folder, so names with ``..`` in them lead nowhere.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import IO, Any

#: How many times smaller text and weights get by packing, at most; a bomb is packed a thousand times.
_PACKED = 100
#: Entries of an archive: torch writes one for each tensor, and the largest models have a hundred thousand.
_MOST_ENTRIES = 2**18
#: Bytes of the directory at an archive's end, which zipfile reads in one go.
_LONGEST_DIRECTORY = 2**25
#: Bytes that are unpacked from one archive, all entries together.
_MOST_UNPACKED = 2**28
#: Bytes of an entry's own header, in front of its name.
_HEADER = 30
_ENCRYPTED = 1
#: What a damaged archive makes of reading it. Encrypted and unknown kinds of entries are RuntimeErrors.
DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError)


class SwollenError(ValueError):
    """An entry says to be larger than it may be."""


class Archive(zipfile.ZipFile):
    """An archive of a stranger's, open for reading. ``file`` is its path, or is open already.

    Raises:
        zipfile.BadZipFile: it is damaged, has two entries of one name or in one place, encrypted or too many ones.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._left = _MOST_UNPACKED
        guarded = _Guarded(file)
        super().__init__(guarded)
        guarded.longest = None
        items = self.infolist()
        if len(items) > _MOST_ENTRIES:
            raise zipfile.BadZipFile(f"it has {len(items)} entries, more than the {_MOST_ENTRIES} that are read")
        if len(self.NameToInfo) < len(items):
            raise zipfile.BadZipFile("it has two entries of the same name")
        end = 0
        for item in sorted(items, key=lambda item: item.header_offset):
            if item.flag_bits & _ENCRYPTED:
                raise zipfile.BadZipFile(f"its entry {item.filename[:100]!r} is encrypted")
            if item.header_offset < end:
                raise zipfile.BadZipFile("its entries overlap")
            if item.header_offset and not end:
                raise zipfile.BadZipFile("something else comes before its entries")
            end = item.header_offset + _HEADER + item.compress_size

    def content(self, name: str, most: int | None = None) -> bytes:
        """An entry's content, as ``bounded`` has it; all of them together are bounded as well."""
        self._left -= self.getinfo(name).file_size
        if self._left < 0:
            raise SwollenError(f"its entries would have more than the {_MOST_UNPACKED} bytes that are unpacked")
        return bounded(self, name, most)

    def window(self, name: str) -> IO[bytes]:
        """An entry as a file of its own. One that isn't packed is read where it stands, however large it is."""
        item = self.getinfo(name)
        if item.compress_type != zipfile.ZIP_STORED:
            return io.BytesIO(self.content(name))
        assert self.fp is not None
        self.fp.seek(item.header_offset)
        lengths = struct.unpack("<HH", self.fp.read(_HEADER)[-4:])  # of the name, and of what else there is
        return io.BufferedReader(_Window(self.fp, item.header_offset + _HEADER + sum(lengths), item.compress_size))


def is_swollen(item: zipfile.ZipInfo) -> bool:
    """Whether an entry is packed tighter than text and weights ever are: such files fill the memory."""
    return item.file_size > item.compress_size * _PACKED + 2**20


def bounded(archive: zipfile.ZipFile, name: str, most: int | None = None) -> bytes:
    """An entry's content, of ``most`` bytes if that is said.

    Raises:
        SwollenError: it is larger, or packed too tightly.
        zipfile.BadZipFile: it is damaged, or packed by other means than models are.
        KeyError: there is no such entry.
    """
    item = archive.getinfo(name)
    if is_swollen(item) or (most is not None and item.file_size > most):
        raise SwollenError(f"{name} would have {item.file_size} bytes, packed into {item.compress_size}")
    if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"its entry {name} is packed by a method that no model file uses")
    return archive.read(item)


class _Guarded:
    """A file that refuses to read more than ``longest`` bytes in one go, which an archive's end can ask for."""

    def __init__(self, file: IO[bytes]) -> None:
        self.longest: int | None = _LONGEST_DIRECTORY
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def read(self, count: int = -1) -> bytes:
        if self.longest is not None and count > self.longest:
            raise zipfile.BadZipFile(f"its directory has {count} bytes, more than the {self.longest} that are read")
        return self._read(count)

    def seekable(self) -> bool:
        return True


class _Window(io.RawIOBase):
    """Some bytes of a file as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
