"""Networks side by side, one row each.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import units
from ..analysis.memory import inference_peak
from ..analysis.paths import paths
from ..analysis.receptive import network_field
from ..analysis.residual import residual_blocks
from ..errors import BadRequestError
from ..ir import Summary
from ..shape import format_shape
from .columns import one_number
from .plot import Panel, Point
from .report import Report, ReportColumn

SCHEMA_VERSION = 1

#: The published numbers that stand in a column: of one dataset, so that they compare.
_DATASET = "ImageNet-1K"


def _metric(value: float | None) -> str:
    return units.NOT_AVAILABLE if value is None else f"{value:.2f}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column, and what one unit of it is in a plot: 10**9 MACs are 1 G."""

    column: ReportColumn
    unit: str = ""
    size: int = 1


QUANTITIES = {
    quantity.column.key: quantity
    for quantity in (
        Quantity(ReportColumn("model", "Model", number=False)),
        Quantity(ReportColumn("input", "Input", number=False)),
        Quantity(ReportColumn("layers", "Layers")),
        Quantity(ReportColumn("params", "Params"), "M", 10**6),
        Quantity(ReportColumn("macs", "MACs", units.si), "G", 10**9),
        Quantity(ReportColumn("param_bytes", "Param memory", units.binary), "MiB", 2**20),
        Quantity(ReportColumn("activation_bytes", "Activations", units.binary), "MiB", 2**20),
        Quantity(ReportColumn("peak_bytes", "Inference peak", units.binary), "MiB", 2**20),
        Quantity(ReportColumn("depth", "Depth")),
        Quantity(ReportColumn("blocks", "Residual blocks")),
        Quantity(ReportColumn("rf", "RF")),
        Quantity(ReportColumn("acc1", "Acc@1", _metric), "%"),
        Quantity(ReportColumn("acc5", "Acc@5", _metric), "%"),
    )
}
DEFAULT = ("model", "input", "params", "macs", "activation_bytes", "peak_bytes", "depth", "blocks", "rf", "acc1")


def compared(summary: Summary, metrics: Sequence[Any]) -> dict[str, Any]:
    """One network's values, by the keys of ``QUANTITIES``; ``metrics`` is what its library publishes."""
    totals = summary.totals
    runs = summary.trace.method != "header"  # of tensors in a file, what they cost and how they connect isn't known
    field = network_field(summary)
    published = {(metric.dataset, metric.name): metric.value for metric in metrics}
    return {
        "model": f"{summary.model.backend}:{summary.model.name}",
        "input": " + ".join(format_shape(tensor.shape) for tensor in summary.inputs),
        "layers": totals.layers,
        "params": totals.params,
        "macs": None if totals.uncounted else totals.macs,
        "param_bytes": totals.param_bytes,
        "activation_bytes": totals.activation_bytes if runs else None,
        "peak_bytes": inference_peak(summary) if runs else None,
        "depth": paths(summary, ()).longest if runs else None,
        "blocks": len(residual_blocks(summary)) if runs else None,
        "rf": None if field is None else "all" if field.whole else one_number([axis.size for axis in field.axes]),
        "acc1": published.get((_DATASET, "acc@1")),
        "acc5": published.get((_DATASET, "acc@5")),
        "published": [metric._asdict() for metric in metrics],
    }


def report(rows: Sequence[dict[str, Any]], columns: Sequence[str] = (), sort: str | None = None) -> Report:
    """The rows as a table of ``columns``; sorted, the largest numbers come first and what isn't known last.

    Raises:
        BadRequestError: there is no such column.
    """
    chosen = tuple(quantity(key).column for key in columns or DEFAULT)
    if sort:
        by = quantity(sort).column
        numbers = [row for row in rows if isinstance(row[sort], (int, float))]
        texts = [row for row in rows if isinstance(row[sort], str)]
        unknown = [row for row in rows if row[sort] is None]
        texts.sort(key=lambda row: str(row[sort]))
        numbers.sort(key=lambda row: -row[sort])
        rows = [*texts, *numbers, *unknown] if by.number else [*numbers, *texts, *unknown]
        chosen = chosen if by in chosen else (*chosen, by)
    facts = []
    if any(row[column.key] is not None for column in chosen if column.key in ("acc1", "acc5") for row in rows):
        facts.append(("Accuracy", f"in percent on {_DATASET}, as published for the default weights at their own input"))
    document = {"schema_version": SCHEMA_VERSION, "models": list(rows)}
    return Report(chosen, tuple(rows), tuple(facts), document)


def panel(rows: Sequence[dict[str, Any]], x: str, y: str | None) -> Panel:
    """One quantity against another, a point a network; without ``y`` accuracy where it is published, else parameters.

    Raises:
        BadRequestError: there is no such column, or it has no numbers.
    """
    y = y or ("acc1" if any(row["acc1"] is not None for row in rows) else "params")
    if not_numbers := [key for key in (x, y) if key in ("model", "input")]:
        raise BadRequestError(f"a plot needs numbers, {not_numbers[0]} has none")
    across, up = quantity(x), quantity(y)
    points = [
        Point(row[x] / across.size, row[y] / up.size, row["model"])
        for row in rows
        if isinstance(row[x], (int, float)) and isinstance(row[y], (int, float))
    ]
    return Panel(_title(across), _title(up), tuple(points))


def quantity(key: str) -> Quantity:
    """A column by its key.

    Raises:
        BadRequestError: there is none, with the nearest ones.
    """
    if key not in QUANTITIES:
        nearest = difflib.get_close_matches(key, QUANTITIES, n=2)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"there are {', '.join(QUANTITIES)}"
        raise BadRequestError(f"there is no column {key!r}; {hint}")
    return QUANTITIES[key]


def _title(chosen: Quantity) -> str:
    return f"{chosen.column.title} ({chosen.unit})" if chosen.unit else chosen.column.title
