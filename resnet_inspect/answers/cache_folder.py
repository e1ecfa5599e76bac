"""A folder that is ours alone, with small files whose content only we can have written.

What was checked is what is used (``host.folders``). A file is sealed with a random key that lies beside it: one that
came from elsewhere (an unpacked archive, an image of a machine, a folder that was open to others once) is ignored, and
nothing in it is looked at.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..host.folders import OpenFolder

#: The key's file and its bytes; the bytes of a seal, which a file begins with.
KEY, _KEY_BYTES, _SEAL_BYTES = "key", 32, 32
#: Bytes of a sealed file: ten times what the largest network takes.
MOST_BYTES = 2**23


class NotOursError(OSError):
    """The folder belongs to somebody else, or others may write or read there; the text says what helps."""


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder that was checked. Every method raises OSError where the system refuses."""

    there: OpenFolder

    def read(self, name: str) -> bytes | None:
        """What ``write`` was given for a name; None where there is no file, or one that isn't from us."""
        key = self._key()
        sealed = self._content(name, MOST_BYTES) if key else None
        if key is None or sealed is None:
            return None
        content = sealed[_SEAL_BYTES:]
        return content if sealed[:_SEAL_BYTES] == _seal(key, name, content) else None

    def write(self, name: str, content: bytes) -> None:
        """Keeps a content, whole or not at all. One that is too large isn't kept."""
        if len(content) + _SEAL_BYTES > MOST_BYTES:
            return
        sealed = _seal(self._key() or self._new_key(), name, content) + content
        with self._written(name, sealed) as temporary:
            self.there.replace(temporary, name)

    def files(self) -> Iterator[tuple[float, int, str]]:
        """When each of our regular files was last used, its size and its name; others may remove them meanwhile."""
        for name in self.there.names():
            with contextlib.suppress(FileNotFoundError):
                status = self.there.status(name)
                if self.there.is_ours(status):
                    yield status.st_mtime, status.st_size, name

    def remove(self, name: str) -> None:
        """Removes a file, if it is still there."""
        with contextlib.suppress(FileNotFoundError):
            self.there.remove(name)

    def _content(self, name: str, most: int) -> bytes | None:
        """The bytes of a regular file of ours; its time becomes now."""
        try:
            descriptor = self.there.read(name)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not self.there.is_ours(status) or status.st_size > most:
                return None
            with contextlib.suppress(OSError):
                self.there.touch(name, descriptor)
            return file.read(most)

    def _key(self) -> bytes | None:
        key = self._content(KEY, _KEY_BYTES)
        return key if key is not None and len(key) == _KEY_BYTES else None

    def _new_key(self) -> bytes:
        """The key that is used from now on: ours, or that of another process which was first."""
        self.remove(KEY)  # if it is damaged: what it has sealed is written again
        mine = os.urandom(_KEY_BYTES)
        with self._written(KEY, mine) as temporary, contextlib.suppress(FileExistsError):
            self.there.add(temporary, KEY)
        return self._key() or mine

    @contextlib.contextmanager
    def _written(self, name: str, content: bytes) -> Iterator[str]:
        """A temporary file with a content, which is gone in the end."""
        temporary = f".{name}.{os.urandom(8).hex()}"
        try:
            with os.fdopen(self.there.new(temporary), "wb") as file:
                file.write(content)
            yield temporary
        finally:
            self.remove(temporary)


@contextlib.contextmanager
def opened(path: Path, make: bool = False) -> Iterator[Folder | None]:
    """The folder, or None where there is none (or nothing that a folder can be made of); ``make`` makes it.

    Raises:
        NotOursError: it isn't ours alone.
        OSError: it can't be made.
    """
    if make:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        there = OpenFolder(path)
    except PermissionError:
        raise NotOursError(f"{path} can't be read") from None
    except (OSError, ValueError):
        yield None
        return
    try:
        if problem := there.problem():
            raise NotOursError(problem)
        yield Folder(there)
    finally:
        there.close()


def _seal(key: bytes, name: str, content: bytes) -> bytes:
    from hashlib import blake2b  # nothing kept, nothing to check

    sealed = blake2b(name.encode() + b"\0", key=key, digest_size=_SEAL_BYTES)
    sealed.update(content)
    return sealed.digest()
