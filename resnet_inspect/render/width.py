"""Room that texts take on a terminal: wide characters two columns, combining ones none."""

from __future__ import annotations

_MOST = 1000


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # most names need no table of widths

    return cell_len(text)


def padded(text: str, columns: int) -> str:
    """A text with as many spaces behind it as make it ``columns`` wide, or ``_MOST``: beside a name of a million
    letters, the others stay short.
    """
    return text + " " * (min(columns, _MOST) - width(text))
