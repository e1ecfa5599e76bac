"""Comma-separated rows with exact integers; an unknown number is an empty cell."""

from __future__ import annotations

import csv
import io

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .columns import COLUMNS, choose


def render(summary: Summary, view: View) -> str:
    """One line a row, all columns unless some were chosen."""
    columns = choose(view.columns, default=tuple(COLUMNS))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows(summary, view.depth, view.only):
        writer.writerow([column.value(row) for column in columns])
    return out.getvalue()
