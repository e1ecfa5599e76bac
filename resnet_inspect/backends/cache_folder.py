"""A folder that is ours alone, with small files whose content only we can have written.

Everything is done from the open folder, not by path, so that what was checked is what is used. A file is sealed with a
random key that lies beside it: one that came from elsewhere (an unpacked archive, an image of a machine, a folder that
was open to others once) is ignored, and nothing in it is looked at.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The key's file and its bytes; the bytes of a seal, which a file begins with.
KEY, _KEY_BYTES, _SEAL_BYTES = "key", 32, 32
#: Bytes of a sealed file: ten times what the largest network takes.
MOST_BYTES = 2**23
# A link isn't followed, and a pipe isn't waited for.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class NotOursError(OSError):
    """The folder belongs to somebody else, or others may write or read there; the text says what helps."""


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder that was checked. Every method raises OSError where the system refuses."""

    descriptor: int

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
            os.replace(temporary, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def files(self) -> Iterator[tuple[float, int, str]]:
        """When each of our regular files was last used, its size and its name; others may remove them meanwhile."""
        with os.scandir(self.descriptor) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = os.stat(entry.name, dir_fd=self.descriptor, follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
                        yield status.st_mtime, status.st_size, entry.name

    def remove(self, name: str) -> None:
        """Removes a file, if it is still there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def _content(self, name: str, most: int) -> bytes | None:
        """The bytes of a regular file of ours; its time becomes now."""
        try:
            descriptor = os.open(name, _READ, dir_fd=self.descriptor)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_size > most:
                return None
            with contextlib.suppress(OSError):
                os.utime(descriptor)
            return file.read(most)

    def _key(self) -> bytes | None:
        key = self._content(KEY, _KEY_BYTES)
        return key if key is not None and len(key) == _KEY_BYTES else None

    def _new_key(self) -> bytes:
        """The key that is used from now on: ours, or that of another process which was first."""
        self.remove(KEY)  # if it is damaged: what it has sealed is written again
        mine = os.urandom(_KEY_BYTES)
        with self._written(KEY, mine) as temporary, contextlib.suppress(FileExistsError):
            os.link(temporary, KEY, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        return self._key() or mine

    @contextlib.contextmanager
    def _written(self, name: str, content: bytes) -> Iterator[str]:
        """A temporary file with a content, which is gone in the end."""
        temporary = f".{name}.{os.urandom(8).hex()}"
        try:
            with os.fdopen(os.open(temporary, _NEW, 0o600, dir_fd=self.descriptor), "wb") as file:
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
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        raise NotOursError(f"{path} can't be read") from None
    except (OSError, ValueError):
        yield None
        return
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise NotOursError(f"{path} belongs to another user")
        if status.st_mode & 0o077:
            raise NotOursError(f"{path} is open to other users: chmod 700 {path}")
        yield Folder(descriptor)
    finally:
        os.close(descriptor)


def _seal(key: bytes, name: str, content: bytes) -> bytes:
    from hashlib import blake2b  # nothing kept, nothing to check

    sealed = blake2b(name.encode() + b"\0", key=key, digest_size=_SEAL_BYTES)
    sealed.update(content)
    return sealed.digest()
