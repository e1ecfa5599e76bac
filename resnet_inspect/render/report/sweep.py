"""A network at many input sizes, one row each.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ...analysis.memory import inference_peak
from ...errors import InspectError
from ...ir import Summary
from . import Report, ReportColumn, measured, peak
from .plot import Panel, Point

SCHEMA_VERSION = 1

_COLUMNS = (
    ReportColumn("size", "Size", number=False),
    measured("macs"),
    measured("activation_bytes"),
    peak(),
    ReportColumn("fits", "Fits", lambda fits: "yes" if fits else "no", number=False),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One size (as a person types it), and the network at it or the reason why it doesn't fit."""

    size: str
    side: int
    found: Summary | InspectError


def report(name: str, steps: Sequence[Step]) -> Report:
    """Every size, and the ranges that don't fit with what the network says of the first size in each."""
    rows = [_row(step) for step in steps]
    fitting = [step.size for step in steps if isinstance(step.found, Summary)]
    facts = [("Model", name), ("Fits", f"{len(fitting)} of {len(steps)} sizes")]
    for refused, group in groupby(steps, key=lambda step: isinstance(step.found, InspectError)):
        if refused:
            found = list(group)
            ends = " to ".join(dict.fromkeys((found[0].size, found[-1].size)))
            facts.append(("Doesn't fit", f"{ends}: {' '.join(str(found[-1].found).split())}"))
    document = {"schema_version": SCHEMA_VERSION, "model": name, "sizes": rows}
    return Report(_COLUMNS, tuple(rows), tuple(facts), document)


def panels(steps: Sequence[Step]) -> tuple[Panel, ...]:
    """MACs, activations and the inference peak against the side of the image."""
    rows = [(step.side, _row(step)) for step in steps]
    kinds = (("macs", "MACs (G)", 10**9), ("activation_bytes", "Activations (MiB)", 2**20))
    return tuple(
        Panel(
            "Size",
            title,
            tuple(Point(side, row[key] / size) for side, row in rows if row[key] is not None),
            line=True,
            missing=tuple(side for side, row in rows if not row["fits"]),
        )
        for key, title, size in (*kinds, ("peak_bytes", "Inference peak (MiB)", 2**20))
    )


def _row(step: Step) -> dict[str, Any]:
    summary = step.found if isinstance(step.found, Summary) else None
    return {
        "size": step.size,
        "macs": None if summary is None or summary.totals.uncounted else summary.totals.macs,
        "activation_bytes": None if summary is None else summary.totals.activation_bytes,
        "peak_bytes": None if summary is None else inference_peak(summary),
        "fits": summary is not None,
        "problem": str(step.found) if summary is None else None,
    }
