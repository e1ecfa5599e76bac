"""Paths as a person types them: ``net.py:Net``, ``.\\net.py:Net``, ``C:\\models\\net.py:Net``."""

from __future__ import annotations

import sys

#: Whether paths may have a drive's letter and backslashes.
WINDOWS = sys.platform == "win32"


def has_drive(text: str, windows: bool = WINDOWS) -> bool:
    """Whether a text begins with a drive and a folder, ``C:\\`` or ``C:/``, whose colon separates nothing."""
    return windows and text[:1].isascii() and text[:1].isalpha() and text[1:3] in (":\\", ":/")


def has_folder(text: str, windows: bool = WINDOWS) -> bool:
    """Whether a text names a folder, so that it is a path and not the name of a model."""
    return "/" in text or (windows and "\\" in text)


def split_reference(text: str, windows: bool = WINDOWS) -> tuple[str, str]:
    """The file or module and the name in it, of ``net.py:Net`` or ``package.module:Net``.

    The first is empty where there is no colon but a drive's.
    """
    start = 2 if has_drive(text, windows) else 0
    place, separator, name = text[start:].rpartition(":")
    return (text[:start] + place if separator and place else place), name
