"""Comma-separated rows with exact integers; an unknown number is an empty cell."""

from __future__ import annotations

import csv
import io

from ..ir import Summary
from . import View
from .columns import COLUMNS
from .selection import select


def render(summary: Summary, view: View) -> str:
    """One line a row, all columns unless some were chosen."""
    chosen = select(summary, view, default=tuple(COLUMNS), bars=False)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in chosen.columns])
    for row in chosen.rows:
        writer.writerow([column.value(row) for column in chosen.columns])
    return out.getvalue()
