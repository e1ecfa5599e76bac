"""Rows under the module that they belong to: its path stands above them, and not before each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..analysis.rows import Row

#: Modules that only hold others. What they hold is called by its whole path.
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict")
#: So many rows at most stand under one heading: who reads the last still sees it.
_MOST = 32


@dataclass(frozen=True, slots=True)
class Line:
    """A row by the name that it has below its heading, or, where ``row`` is None, a heading and its type.

    ``row`` is a position. ``scope`` is shared by the lines among which a name must be the only one.
    """

    name: str
    row: int | None
    type: str = ""
    scope: int = 0


def under_headings(rows: Sequence[Row], modules: Mapping[str, str]) -> list[Line]:
    """The rows in their order, those of a block below its path: ``layer1.0``, then ``conv1``.

    A heading is the outermost module around a row that is no mere container and has at most ``_MOST`` rows. ``modules``
    are the types of all modules by path.
    """
    sizes = Counter(module for row in rows for module in _around(row.path))
    seen: Counter[str] = Counter()
    lines: list[Line] = []
    above = ""
    for index, row in enumerate(rows):
        heading = next((m for m in _around(row.path) if _heads(m, modules, sizes)), "")
        if heading and heading != above:
            again = f" (continued, {seen[heading]})" if seen[heading] else ""
            seen[heading] += 1
            lines.append(Line(heading + again, None, modules[heading]))
        above = heading
        # Of rows that are one, the first and the last are named: both stand below the heading.
        below = f"  {row.id[len(heading) + 1 :]}".replace(f" {heading}.", " ")
        lines.append(Line(below, index, scope=seen.total()) if heading else Line(row.id, index))
    return lines


def _around(path: str) -> list[str]:
    """The modules around a path, the outermost first."""
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _heads(module: str, modules: Mapping[str, str], sizes: Mapping[str, int]) -> bool:
    return 1 < sizes[module] <= _MOST and modules.get(module, "Sequential") not in _CONTAINERS
