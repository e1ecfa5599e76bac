"""An open folder whose files are those that were checked, as far as the system can see to that.

Where it can, everything is done from the open folder, not by path, a link isn't followed, a pipe isn't waited for, and
owners are compared. Windows has none of this: there a user's own folder is kept by the rights that it has inherited.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":

    class OpenFolder:
        """The folder of a path. Every method raises OSError where the system refuses."""

        def __init__(self, path: Path) -> None:
            if not path.is_dir():
                raise NotADirectoryError(path)
            self._path = path

        def problem(self) -> str | None:
            """Why it isn't this user's alone."""
            return None

        def status(self, name: str) -> os.stat_result:
            """What a file is, or the link that is in its place."""
            return (self._path / name).lstat()

        def is_ours(self, status: os.stat_result) -> bool:
            """Whether it is a regular file of this user's."""
            return stat.S_ISREG(status.st_mode)

        def read(self, name: str) -> int:
            """Opens a file."""
            if not self.is_ours(self.status(name)):
                raise OSError(f"{name} is not a file")
            return os.open(self._path / name, os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)

        def new(self, name: str) -> int:
            """Opens a file that wasn't there."""
            return os.open(self._path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT)

        def touch(self, name: str, descriptor: int) -> None:
            """Makes an open file's time now."""
            os.utime(self._path / name)

        def names(self) -> list[str]:
            """What there is in it."""
            return os.listdir(self._path)  # noqa: PTH208 - names, not paths

        def remove(self, name: str) -> None:
            """Removes a file."""
            (self._path / name).unlink()

        def replace(self, name: str, new: str) -> None:
            """Gives a file another name, whose file it replaces."""
            (self._path / name).replace(self._path / new)

        def add(self, name: str, new: str) -> None:
            """Gives a file another name. FileExistsError: there is one already."""
            (self._path / name).rename(self._path / new)

        def close(self) -> None:
            """Lets go of it."""

else:
    _READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    _NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

    class OpenFolder:
        """The folder of a path. Every method raises OSError where the system refuses."""

        def __init__(self, path: Path) -> None:
            self._path = path
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

        def problem(self) -> str | None:
            """Why it isn't this user's alone."""
            status = os.fstat(self._descriptor)
            if status.st_uid != os.geteuid():
                return f"{self._path} belongs to another user"
            if status.st_mode & 0o077:
                return f"{self._path} is open to other users: chmod 700 {self._path}"
            return None

        def status(self, name: str) -> os.stat_result:
            """What a file is, or the link that is in its place."""
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

        def is_ours(self, status: os.stat_result) -> bool:
            """Whether it is a regular file of this user's."""
            return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()

        def read(self, name: str) -> int:
            """Opens a file."""
            return os.open(name, _READ, dir_fd=self._descriptor)

        def new(self, name: str) -> int:
            """Opens a file that wasn't there."""
            return os.open(name, _NEW, 0o600, dir_fd=self._descriptor)

        def touch(self, name: str, descriptor: int) -> None:
            """Makes an open file's time now."""
            os.utime(descriptor)

        def names(self) -> Iterator[str]:
            """What there is in it."""
            with os.scandir(self._descriptor) as entries:
                for entry in entries:
                    yield entry.name

        def remove(self, name: str) -> None:
            """Removes a file."""
            os.unlink(name, dir_fd=self._descriptor)

        def replace(self, name: str, new: str) -> None:
            """Gives a file another name, whose file it replaces."""
            os.replace(name, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

        def add(self, name: str, new: str) -> None:
            """Gives a file another name. FileExistsError: there is one already."""
            os.link(name, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

        def close(self) -> None:
            """Lets go of it."""
            os.close(self._descriptor)
