"""Rows and totals of any kind in one of four formats: ``residual``, ``identity``, ``compare`` and ``sweep``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import units
from ..visible import cleaned, in_json
from .csv import document
from .grid import grid, hidden_columns, labelled
from .markdown import escape, table_row

FORMATS = ("table", "json", "csv", "markdown")
#: File name endings that name a format.
ENDINGS = {".json": "json", ".csv": "csv", ".md": "markdown", ".markdown": "markdown", ".txt": "table"}


def plain(value: Any) -> str:
    """A value as people read it: exact numbers with separators, words as they are, unknown as n/a."""
    return value if isinstance(value, str) else units.exact(value)


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """The key of a row's exact value, and how people read it."""

    key: str
    title: str
    show: Callable[[Any], str] = plain
    number: bool = True


@dataclass(frozen=True)
class Report:
    """``rows`` have an exact value for every column; ``facts`` are what stands below; ``document`` is the JSON."""

    columns: tuple[ReportColumn, ...]
    rows: tuple[Mapping[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    document: Mapping[str, Any]


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
    report = cleaned(report)
    if output_format == "csv":
        return _csv(report)
    lines = [[column.show(row[column.key]) for column in report.columns] for row in report.rows]
    if output_format == "markdown":
        return _markdown(report, lines)
    if ascii:
        lines = [[cell.replace("→", "->") for cell in line] for line in lines]
    text, hidden = grid(report.columns, lines, width=width, color=color, ascii_only=ascii) if lines else ("", ())
    return text + labelled([*report.facts, *hidden_columns(hidden)])


def _csv(report: Report) -> str:
    values = ([row[column.key] for column in report.columns] for row in report.rows)
    return document(
        [column.key for column in report.columns],
        ([_joined(value) if isinstance(value, (tuple, list)) else value for value in line] for line in values),
    )


def _joined(values: Sequence[Any]) -> str:
    return "; ".join(map(str, values))


def _markdown(report: Report, lines: Sequence[Sequence[str]]) -> str:
    text = []
    if lines:
        text.append(table_row([column.title for column in report.columns]))
        text.append(table_row(["---:" if column.number else ":---" for column in report.columns]))
        text += [table_row([escape(cell) for cell in line]) for line in lines]
    if report.facts:
        text += ["", *(f"- {escape(label.strip())}: {escape(value)}" for label, value in report.facts)]
    return "\n".join(text).lstrip("\n") + "\n"
