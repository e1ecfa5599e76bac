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
    lines = [_line([column.title for column in columns])]
    lines.append(_line(["---:" if column.number else ":---" for column in columns]))
    lines += [_line([_escape(column.text(row)) for column in columns]) for row in rows(summary, view.depth, view.only)]
    lines += ["", _line(["Total", ""]), _line([":---", ":---"])]
    lines += [_line([label.strip(), _escape(value)]) for label, value in totals(summary)]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    for special in "\\|`*_<>[]":
        text = text.replace(special, f"\\{special}")
    return text
