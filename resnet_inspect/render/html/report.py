"""The page of a report: its table, which can be sorted, its plots, and the network that it is about, if it is one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ... import ir_json
from ...ir import Summary
from ...visible import cleaned, in_json
from ..report import Report, footnotes
from ..report.plot import Panel
from .markup import facts
from .network import network
from .page import page

if TYPE_CHECKING:
    from ..report.compare import Axes


def render(
    report: Report,
    title: str = "Report",
    panels: Sequence[Panel] = (),
    notes: Sequence[str] = (),
    summary: Summary | None = None,
    axes: Axes | None = None,
) -> str:
    """The page, with ``panels`` and notes on them. It holds the report's JSON document, and that of a ``summary``.

    With ``axes``, its reader chooses what the first panel shows.
    The graph of the summary is drawn; the report has a row for each of its residual blocks.
    """
    shown, panels, notes, title = cleaned((report, tuple(panels), tuple(notes), title))
    data: dict[str, Any] = {
        "table": {
            "columns": [{"title": column.title, "number": column.number} for column in shown.columns],
            "rows": [
                [_cell(column.show(row[column.key]), row[column.key]) for column in shown.columns] for row in shown.rows
            ],
        },
        "notes": notes,
        "panels": [
            {
                "x": panel.x_title,
                "y": panel.y_title,
                "points": [
                    [point.x, point.y, point.label, point.family if point.label else ""] for point in panel.points
                ],
                "line": panel.line,
                "missing": list(panel.missing),
                "front": [[point.x, point.y] for point in panel.front],
            }
            for panel in panels
        ],
    }
    if axes is not None:
        axes = cleaned(axes)
        data["axes"] = {
            "models": list(axes.models),
            "names": [point.label for point in axes.points],
            "families": [point.family for point in axes.points],
            "choices": [[axis.key, axis.title, list(axis.values), axis.is_accuracy] for axis in axes.choices],
            "x": axes.x,
            "y": axes.y,
        }
    documents = {"document": in_json(json.dumps(report.document, ensure_ascii=False))}
    if summary is not None:
        data["network"] = network(cleaned(summary))
        documents["network"] = ir_json.dumps(summary)
    sources = [] if summary is None else [("Source", summary.model)]
    answer = [("Answer", shown.answer)] if shown.answer else []
    return page("report", title, facts([*answer, *shown.facts, *footnotes(shown)]), data, documents, sources)


def _cell(text: str, value: object) -> list[str | float | None]:
    """What people read, and what the column is sorted by: a number, or the text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [text, float(value)]
    return [text, None if value is None else text]
