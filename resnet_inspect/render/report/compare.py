"""Networks side by side, one row each.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ... import units
from ...analysis.memory import inference_peak
from ...analysis.paths import paths
from ...analysis.receptive import network_field, one_number
from ...analysis.residual import residual_blocks
from ...errors import BadRequestError, closest, listed, meant
from ...ir import Summary
from ...shape import format_shape
from . import Report, ReportColumn, cache, measured, peak
from .plot import Panel, Point

SCHEMA_VERSION = 1

#: What few networks have. A document leaves it out of the others.
_OF_SOME = ("active_params", "kv_cache_bytes")
#: The published numbers that stand in a column: of one dataset, so that they compare.
_DATASET = "ImageNet-1K"
#: Quantities of which much is good; of all others, a network has better little.
_ACCURACIES = ("acc1", "acc5")


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
        Quantity(measured("params"), "M", 10**6),
        Quantity(measured("active_params"), "M", 10**6),
        Quantity(measured("macs"), "G", 10**9),
        Quantity(measured("param_bytes"), "MiB", 2**20),
        Quantity(measured("activation_bytes"), "MiB", 2**20),
        Quantity(cache(), "MiB", 2**20),
        Quantity(peak(), "MiB", 2**20),
        Quantity(ReportColumn("depth", "Depth")),
        Quantity(ReportColumn("blocks", "Residual blocks")),
        Quantity(measured("rf")),
        Quantity(ReportColumn("acc1", "Acc@1 %", _metric, priority=2)),
        Quantity(ReportColumn("acc5", "Acc@5 %", _metric, priority=2)),
    )
}
DEFAULT = ("model", "input", "params", "macs", "activation_bytes", "peak_bytes", "depth", "blocks", "rf", "acc1")


def compared(summary: Summary, metrics: Sequence[Any]) -> dict[str, Any]:
    """One network's values, by the keys of ``QUANTITIES``; ``metrics`` is what its library publishes."""
    totals = summary.totals
    runs = summary.has_graph  # of tensors in a file, what they cost and how they connect isn't known
    published = {(metric.dataset, metric.name): metric.value for metric in metrics}
    return {
        "model": summary.model.title,
        "input": " + ".join(format_shape(tensor.shape) for tensor in summary.inputs),
        "layers": totals.layers,
        "params": totals.params,
        "active_params": totals.active_params,
        "macs": None if totals.uncounted else totals.macs,
        "param_bytes": totals.param_bytes,
        "activation_bytes": totals.activation_bytes if runs else None,
        "kv_cache_bytes": totals.kv_cache_bytes,
        "peak_bytes": inference_peak(summary) if runs else None,
        "depth": paths(summary, ()).longest if runs else None,
        "blocks": len(residual_blocks(summary)) if runs else None,
        "rf": one_number(network_field(summary), "size"),
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
    accuracy = ("Accuracy", f"in percent on {_DATASET}, as published for the default weights at their own input")
    footnotes = {key: accuracy for key in ("acc1", "acc5") if any(row[key] is not None for row in rows)}
    models = [{key: value for key, value in row.items() if value is not None or key not in _OF_SOME} for row in rows]
    document = {"schema_version": SCHEMA_VERSION, "models": models}
    return Report(chosen, tuple(rows), (), document, footnotes)


def check_axes(x: str, y: str | None) -> None:
    """Whether a plot can show these quantities.

    Raises:
        BadRequestError: there is no such column, or it has no numbers.
    """
    for key in filter(None, (x, y)):
        if not quantity(key).column.number:
            raise BadRequestError(f"a plot needs numbers, {key} has none")


def panel(rows: Sequence[dict[str, Any]], x: str, y: str | None) -> tuple[Panel, tuple[str, ...]]:
    """One quantity against another, a point a network, and notes on the networks that aren't drawn.

    Without ``y``, it is the accuracy where one is published of half of the networks or more, else the parameters.
    """
    y = y or _usual(rows)
    across, up = quantity(x), quantity(y)
    at = [(row["model"], _amount(row, x), _amount(row, y)) for row in rows]
    drawn = [(model, one, two) for model, one, two in at if one is not None and two is not None]
    names = _short_names([model for model, _, _ in drawn])
    points = (Point(one / across.size, two / up.size, name) for (_, one, two), name in zip(drawn, names, strict=True))
    notes = []
    for key in dict.fromkeys((x, y)):
        if absent := [row["model"] for row in rows if _amount(row, key) is None]:
            title = _title(quantity(key))
            why = f"its library publishes no {title}" if key in _ACCURACIES else f"its {title} isn't known"
            notes.append(f"not in the plot: {listed(absent)} ({why})")
    has_front = y in _ACCURACIES and x not in _ACCURACIES
    return Panel(_title(across), _title(up), tuple(points), has_front=has_front), tuple(notes)


@dataclass(frozen=True, slots=True)
class Axis:
    """What a page's plot may show of all networks, in the unit of the title; None where it isn't known.

    ``is_accuracy``: much of it is good, as little is of all else.
    """

    key: str
    title: str
    values: tuple[float | None, ...]
    is_accuracy: bool


@dataclass(frozen=True, slots=True)
class Axes:
    """The networks by name and as points, the quantities to choose from, and the keys of the two that are first."""

    models: tuple[str, ...]
    points: tuple[Point, ...]
    choices: tuple[Axis, ...]
    x: str
    y: str


def axes(rows: Sequence[dict[str, Any]], x: str, y: str | None) -> Axes:
    """The choice of both axes: the quantities that are known of some network."""
    names = _short_names([row["model"] for row in rows])
    choices = tuple(
        Axis(
            key,
            _title(found),
            tuple(None if amount is None else amount / found.size for amount in amounts),
            key in _ACCURACIES,
        )
        for key, found in QUANTITIES.items()
        for amounts in [[_amount(row, key) for row in rows]]
        if found.column.number and any(amount is not None for amount in amounts)
    )
    models = tuple(row["model"] for row in rows)
    return Axes(models, tuple(Point(0, 0, name) for name in names), choices, x, y or _usual(rows))


def _amount(row: dict[str, Any], key: str) -> int | float | None:
    """What a plot can show: a receptive field may be a word, that of the whole input."""
    found = row[key]
    return found if isinstance(found, (int, float)) else None


def _usual(rows: Sequence[dict[str, Any]]) -> str:
    known = sum(row["acc1"] is not None for row in rows)
    return "acc1" if known and 2 * known >= len(rows) else "params"


def _short_names(names: Sequence[str]) -> list[str]:
    """Names without their backends, but where two would be called the same."""
    short = [name.rpartition(":")[2] for name in names]
    counted = Counter(map(str.lower, short))
    return [name if counted[end.lower()] > 1 else end for name, end in zip(names, short, strict=True)]


def quantity(key: str) -> Quantity:
    """A column by its key.

    Raises:
        BadRequestError: there is none, with the nearest ones.
    """
    if key not in QUANTITIES:
        hint = meant(closest(key, QUANTITIES, most=2), f"there are {listed(QUANTITIES)}")
        raise BadRequestError(f"no such column: {key!r}; {hint}")
    return QUANTITIES[key]


def _title(chosen: Quantity) -> str:
    return f"{chosen.column.title} ({chosen.unit})" if chosen.unit else chosen.column.title
