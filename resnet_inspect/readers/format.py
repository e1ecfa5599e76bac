"""A format of files or folders that hold a model or its tensors, and what is seen of one before it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: Bytes of a file that a format is recognised by.
_START = 32


class Glimpse:
    """What is seen of a file or folder without a library: its first bytes, what it contains, its JSON.

    Raises (all of its properties): OSError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()

    @cached_property
    def start(self) -> bytes:
        """The first bytes of a file; none of a folder."""
        if self.is_folder:
            return b""
        with self.path.open("rb") as file:
            return file.read(_START)

    @cached_property
    def names(self) -> frozenset[str]:
        """Of a folder the names in it, of a ZIP archive those of its entries."""
        if self.is_folder:
            return frozenset(item.name for item in self.path.iterdir())
        return self._entries or frozenset()

    @property
    def is_damaged(self) -> bool:
        """Whether it is a ZIP archive that can't be read."""
        return self.is_archive and self._entries is None

    @cached_property
    def _entries(self) -> frozenset[str] | None:
        if not self.is_archive:
            return None
        from . import archive  # every command asks for a kind, few meet an archive

        try:
            with self.path.open("rb") as file, archive.Archive(file) as opened:
                return frozenset(opened.namelist())
        except (OSError, ValueError, *archive.DAMAGES):
            return None

    @property
    def is_archive(self) -> bool:
        """Whether it says that it is a ZIP archive."""
        return self.start.startswith(b"PK")

    @property
    def is_json(self) -> bool:
        """Whether a file begins as JSON does."""
        return self.text.lstrip()[:1] in (b"{", b"[")

    @property
    def text(self) -> bytes:
        """The first bytes as UTF-8 without a mark: PowerShell's ``>`` writes others."""
        if self.start.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.start.decode("utf-16", "ignore").encode()
        return self.start.removeprefix(b"\xef\xbb\xbf")

    @cached_property
    def document(self) -> dict[str, object] | None:
        """The JSON object in a file, or in a folder's ``config.json``; None where there is none."""
        path = self.path / "config.json" if self.is_folder else self.path
        # A pipe or a device would be waited for.
        if not path.is_file() or not (self.is_folder or self.is_json):
            return None
        from .. import stranger_json  # of a summary that we wrote, the first bytes are enough

        try:
            with path.open("rb") as file:
                found = stranger_json.loads(file.read(stranger_json.MOST_BYTES + 1))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of file, which its content tells and not its ending.

    ``title`` is how messages name it, ``endings`` what its files are usually called. ``reader`` is a module that is a
    ``protocols.Reader``, and ``backend`` whose packages that one needs; ``late`` are modules that those packages import
    when they build a model, rather than at first: a second's worth. ``alone`` is a module that reads most files of the
    kind without those packages; its ``summarize`` gives None for the others.
    """

    kind: str
    title: str
    endings: tuple[str, ...]
    recognises: Callable[[Glimpse], bool]
    reader: str
    backend: str = "local"
    late: tuple[str, ...] = ()
    alone: str | None = None
