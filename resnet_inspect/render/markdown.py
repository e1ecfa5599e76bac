"""A GitHub-flavoured Markdown table, for pull requests."""

from __future__ import annotations

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .columns import choose
from .totals import totals


def render(summary: Summary, view: View) -> str:
    """The rows as a table, the totals as another."""
    columns = choose(view.columns)
    lines = [table_row([column.title for column in columns])]
    lines.append(table_row(["---:" if column.number else ":---" for column in columns]))
    lines += [
        table_row([escape(column.text(row)) for column in columns]) for row in rows(summary, view.depth, view.only)
    ]
    lines += ["", table_row(["Total", ""]), table_row([":---", ":---"])]
    lines += [table_row([label.strip(), escape(value)]) for label, value in totals(summary)]
    return "\n".join(lines) + "\n"


def table_row(cells: list[str]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def escape(text: str) -> str:
    """Text that Markdown takes as it stands."""
    for special in "\\|`*_<>[]":
        text = text.replace(special, f"\\{special}")
    return text
