"""Comma-separated rows with exact integers; an unknown number is an empty cell, and no text is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..ir import Summary
from . import View
from .columns import every
from .selection import select

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")


def render(summary: Summary, view: View) -> str:
    """One line a row, all columns unless some were chosen."""
    chosen = select(summary, view, default=every(view), bars=False)
    return document(
        [column.key for column in chosen.columns],
        ([column.cell(row) for column in chosen.columns] for row in chosen.rows),
    )


def document(keys: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The lines of a table. A text that a spreadsheet would work out as a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows([f"'{cell}" if _is_formula(cell) else cell for cell in row] for row in rows)
    return out.getvalue()


def _is_formula(cell: Any) -> bool:
    """Whether a text begins as a formula does, in ASCII or in the wide form of East Asian keyboards; -1 doesn't."""
    return isinstance(cell, str) and cell.lstrip()[:1] in _FORMULA and not _NUMBER.fullmatch(cell)
