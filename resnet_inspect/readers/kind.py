"""What kind of a model a file or folder holds, told from its content and not from its ending."""

from __future__ import annotations

import importlib
from functools import cache, lru_cache
from pathlib import Path

from .format import Format, Glimpse

#: The folders with ``FORMATS``, in the order in which these are asked.
_FOLDERS = ("keras", "pt2", "torchscript", "savedmodel", "libraries", "checkpoint", "onnx")
#: What a summary that we wrote begins with, spaces aside.
_OURS = b'{"schema_version":'
#: What a page begins with, as we and browsers write it. Reading it tells whether it is a report.
_PAGE = b"<!doctype html"


def kind_of(path: Path) -> str | None:
    """The kind of a ``Format``, ``summary``, or None for anything else and for what can't be read.

    Only regular files are opened, and no library in C sees them: that is for each kind's reader.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A pipe, as of <(resnet-inspect ...), can be read only once; a device never ends.
            return "summary" if path.is_fifo() and path.suffix in ("", ".json", ".html", ".htm") else None
        seen = Glimpse(path)
        if b"".join(seen.text.split()).startswith(_OURS):
            return "summary"  # as we write them: nothing more to read
        if seen.text.lstrip().lower().startswith(_PAGE):
            return "summary"
        if seen.is_archive:
            about = path.stat()
            return _of_archive(path, about.st_size, about.st_mtime_ns)
        return _of(seen)
    except OSError:
        return None


@cache
def formats() -> tuple[Format, ...]:
    """Every format that has a reader."""
    folders = (importlib.import_module(f"{__package__}.{folder}") for folder in _FOLDERS)
    return tuple(format_ for folder in folders for format_ in folder.FORMATS)


def endings() -> tuple[str, ...]:
    """What files of all formats are usually called: of one that exists, the content tells what it is."""
    return tuple(dict.fromkeys(ending for format_ in formats() for ending in format_.endings))


@lru_cache(16)
def _of_archive(path: Path, _size: int, _changed: int) -> str | None:
    """A command asks several times, and a directory of many entries takes seconds; a file that changed is another."""
    return _of(Glimpse(path))


def _of(seen: Glimpse) -> str | None:
    for format_ in formats():
        if format_.recognises(seen):
            return format_.kind
    # JSON that is damaged is a damaged summary by its ending alone.
    return "summary" if seen.is_json and (seen.document is not None or seen.path.suffix == ".json") else None
