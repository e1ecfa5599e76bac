"""Which rows and columns a view shows, and in what order."""

from __future__ import annotations

from dataclasses import dataclass

from ..analysis.facts import Facts
from ..analysis.metrics import ON_DEVICE
from ..analysis.rows import Row, repeats_joined, rows
from ..errors import BadRequestError
from ..ir import Summary
from . import View
from .columns import DEFAULT, STORED, Column, choose
from .rails import LIMIT, gutter

#: Width of a share's bar, in characters.
_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows and columns of a table. ``gutter`` has a text for every row, or is empty without rails.

    ``in_order``: the rows stand in the order of execution.
    """

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    gutter: tuple[str, ...] = ()
    in_order: bool = True


def select(
    summary: Summary, view: View, default: tuple[str, ...] = (), bars: bool = True, facts: Facts | None = None
) -> Selection:
    """What ``view`` shows; a column that rows are sorted by is shown, with its shares of the whole if ``bars``.

    ``facts`` are as in ``rows``.

    Raises:
        BadRequestError: no path matches, there is no such column, or sorted rows were to have rails.
    """
    found = rows(summary, view.depth, view.only, facts or Facts(summary, view.device))
    if view.repeats:
        found = repeats_joined(found, "..." if view.ascii else "…")
    columns = choose(view.columns, default or usual(summary, view))
    if not view.sort and view.top is None:
        # A gutter takes at most a sixth of a terminal; two lanes are the least that shows anything.
        limit = LIMIT if view.width is None else max(2, min(LIMIT, view.width // 12))
        return Selection(found, columns, tuple(gutter(found, view.ascii, limit)) if view.rails else ())
    if view.rails:
        raise BadRequestError("rails go with rows in the order of execution: leave --sort and --top out, or --rails")
    if view.sort:
        (by,) = choose([view.sort])
        share = [_share(by, found, view.ascii)] if bars and by.number else []
        found = _sorted(found, by)
        place = columns.index(by) + 1 if by in columns else len(columns)
        columns = (*columns[:place], *([] if by in columns else [by]), *share, *columns[place:])
    return Selection(found[: view.top], columns, in_order=not view.sort)


def usual(summary: Summary, view: View) -> tuple[str, ...]:
    """The columns that people see without asking."""
    if summary.has_graph:
        return (*DEFAULT[:-1], *ON_DEVICE, DEFAULT[-1]) if view.device else DEFAULT
    # Of a checkpoint alone nobody knows the classes of its modules.
    return (STORED[0], "type", *STORED[1:]) if summary.trace.reason else STORED


def _sorted(found: tuple[Row, ...], by: Column) -> tuple[Row, ...]:
    """Largest numbers first, texts from A to Z, what isn't known last; equal ones stay in order."""

    def key(row: Row) -> tuple[int, int, str]:
        value = by.value(row)
        if isinstance(value, int):
            return 1, -value, ""
        # Of numbers, a text is "all": more than any.
        return (0 if by.number else 1, 0, value) if value else (2, 0, "")

    return tuple(sorted(found, key=key))


def _share(by: Column, found: tuple[Row, ...], ascii_only: bool) -> Column:
    """A percentage, of all rows' sum, and a bar that the largest row fills."""
    values = [value for value in (by.value(row) for row in found) if isinstance(value, int)]
    total, largest = sum(values), max(values, default=0)

    def show(row: Row) -> str:
        value = by.value(row)
        if not isinstance(value, int) or not total:
            return ""
        return f"{bar(value / largest, ascii_only)} {100 * value / total:5.1f} %"

    return Column("share", "Share", show, priority=3)


def bar(share: float, ascii_only: bool) -> str:
    """A share of 1 as a bar of ``_BAR`` characters, to an eighth of one where the terminal can."""
    if ascii_only:
        return f"{'#' * round(share * _BAR):<{_BAR}}"
    full, rest = divmod(round(share * _BAR * 8), 8)
    return f"{_EIGHTHS[8] * full + (_EIGHTHS[rest] if rest else ''):<{_BAR}}"
