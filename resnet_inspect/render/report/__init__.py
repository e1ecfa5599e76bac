"""Rows and totals of any kind in one of four formats: ``residual``, ``identity``, ``compare`` and ``sweep``.

They share columns, rows, facts and a JSON document, and each has a file for what it says. ``plot.py`` draws by
matplotlib and plotille, and ``plot_labels.py`` finds places for names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ... import units
from ...analysis.metrics import metric, total
from ...visible import cleaned, in_json
from ..grid import grid, hidden_columns, labelled

FORMATS = ("table", "json", "csv", "markdown", "html")
#: File name endings that name a format.
ENDINGS = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
    ".html": "html",
    ".htm": "html",
}


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """The key of a row's exact value, and how people read it. A low ``priority`` goes first where room is scarce."""

    key: str
    title: str
    show: Callable[[Any], str] = units.plain
    number: bool = True
    priority: int = 0


def measured(key: str) -> ReportColumn:
    """A column of amounts of whole networks, titled and worded as a metric's column of layers."""
    found = metric(key)
    return ReportColumn(found.key, found.title, found.word)


def peak() -> ReportColumn:
    """The column of the inference peak, which of a layer is called live memory."""
    found = total("live_bytes")
    return ReportColumn("peak_bytes", found.label, found.word)


def cache() -> ReportColumn:
    """The column of what a step of decoding keeps for the next one, which no layer has an amount of."""
    found = total("kv_cache_bytes")
    return ReportColumn("kv_cache_bytes", found.label, found.word)


@dataclass(frozen=True, repr=False)
class Report:
    """``rows`` have an exact value for every column; ``facts`` are what stands below; ``document`` is the JSON.

    ``answer`` is the sentence that somebody asked for, and stands first. ``footnotes`` explain a column, by its key:
    they go where it goes. A report prints itself, and shows itself in a notebook.
    """

    columns: tuple[ReportColumn, ...]
    rows: tuple[Mapping[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    document: Mapping[str, Any]
    footnotes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    answer: str = ""

    def __str__(self) -> str:
        return render(self, "table")

    def __repr__(self) -> str:
        return f"<Report of {len(self.rows)} rows>"

    def _repr_html_(self) -> str:
        from ..notebook import report

        return report(self)


def render(
    report: Report,
    output_format: str,
    *,
    width: int | None = None,
    color: bool = False,
    ascii: bool = False,  # noqa: A002
) -> str:
    """The document, with a newline at its end."""
    if output_format == "json":
        return in_json(json.dumps(report.document, indent=2, ensure_ascii=False)) + "\n"
    if output_format == "html":
        from ..html.report import render as page

        return page(report)
    report = cleaned(report)
    if output_format == "csv":
        return _csv(report)
    lines = [[column.show(row[column.key]) for column in report.columns] for row in report.rows]
    if output_format == "markdown":
        return _markdown(report, lines)
    if ascii:
        lines = [[cell.replace("→", "->") for cell in line] for line in lines]
    text, hidden = grid(report.columns, lines, width=width, color=color, ascii_only=ascii) if lines else ("", ())
    notes = footnotes(report, {column.key for column in hidden})
    first = f"{report.answer}\n" if report.answer else ""
    return first + text + labelled([*report.facts, *notes, *hidden_columns(hidden)], width)


def footnotes(report: Report, hidden: Collection[str] = ()) -> list[tuple[str, str]]:
    """What explains the columns that are shown, each explanation once."""
    shown = [column.key for column in report.columns if column.key not in hidden]
    return list(dict.fromkeys(report.footnotes[key] for key in shown if key in report.footnotes))


def _csv(report: Report) -> str:
    from ..csv import document

    values = ([row[column.key] for column in report.columns] for row in report.rows)
    return document(
        [column.key for column in report.columns],
        ([_joined(value) if isinstance(value, (tuple, list)) else value for value in line] for line in values),
    )


def _joined(values: Sequence[Any]) -> str:
    return "; ".join(map(str, values))


def _markdown(report: Report, lines: Sequence[Sequence[str]]) -> str:
    from ..markdown import escape, table_row

    text = [f"**{escape(report.answer)}**", ""] if report.answer else []
    if lines:
        text.append(table_row([column.title for column in report.columns]))
        text.append(table_row(["---:" if column.number else ":---" for column in report.columns]))
        text += [table_row([escape(cell) for cell in line]) for line in lines]
    if facts := [*report.facts, *footnotes(report)]:
        text += ["", *(f"- {escape(label.strip())}: {escape(value)}" for label, value in facts)]
    return "\n".join(text).lstrip("\n") + "\n"
