"""A network at many input sizes or batches, one row each.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
2. ``over``: what grows, ``size`` or ``batch``; ``training_bytes``: the peak of a training step, null where nobody asked
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ... import units
from ...analysis.memory import inference_peak
from ...errors import InspectError
from ...ir import Summary
from . import Report, ReportColumn, measured, peak
from .plot import Panel, Point

SCHEMA_VERSION = 2

_COLUMNS = (
    ReportColumn("size", "Size", number=False),
    measured("macs"),
    measured("activation_bytes"),
    peak(),
    ReportColumn("fits", "Fits", lambda fits: "yes" if fits else "no", number=False),
)


_TRAINING = ReportColumn("training_bytes", "Training peak", units.binary)
_PLURAL = {"size": "sizes", "batch": "batches"}


@dataclass(frozen=True, slots=True)
class Step:
    """One size or batch (as a person types it), and the network at it or the reason why it doesn't fit.

    ``training`` is the peak of a training step, None where nobody asked or it isn't known.
    """

    size: str
    side: int
    found: Summary | InspectError
    training: int | None = None


def report(name: str, steps: Sequence[Step], over: str = "size", trains: bool = False) -> Report:
    """Every size, and the ranges that don't fit with what the network says of the first size in each.

    ``over`` is what grows, ``size`` or ``batch``; ``trains``: the steps have the memory of training.
    """
    rows = [_row(step) for step in steps]
    fitting = [step.size for step in steps if isinstance(step.found, Summary)]
    facts = [("Model", name), ("Fits", f"{len(fitting)} of {len(steps)} {_PLURAL[over]}")]
    for refused, group in groupby(steps, key=lambda step: isinstance(step.found, InspectError)):
        if refused:
            found = list(group)
            ends = " to ".join(dict.fromkeys((found[0].size, found[-1].size)))
            facts.append(("Doesn't fit", f"{ends}: {' '.join(str(found[-1].found).split())}"))
    document = {"schema_version": SCHEMA_VERSION, "model": name, "over": over, "sizes": rows}
    first, *amounts, fits = _COLUMNS
    columns = (replace(first, title=over.capitalize()), *amounts, *([_TRAINING] if trains else []), fits)
    return Report(columns, tuple(rows), tuple(facts), document)


def panels(steps: Sequence[Step], over: str = "size", trains: bool = False) -> tuple[Panel, ...]:
    """MACs, activations and peaks of memory against the side of the image, or the batch."""
    rows = [(step.side, _row(step)) for step in steps]
    training = [("training_bytes", "Training peak (MiB)", 2**20)] if trains else []
    kinds = (("macs", "MACs (G)", 10**9), ("activation_bytes", "Activations (MiB)", 2**20))
    return tuple(
        Panel(
            over.capitalize(),
            title,
            tuple(Point(side, row[key] / size) for side, row in rows if row[key] is not None),
            line=True,
            missing=tuple(side for side, row in rows if not row["fits"]),
        )
        for key, title, size in (*kinds, ("peak_bytes", "Inference peak (MiB)", 2**20), *training)
    )


def _row(step: Step) -> dict[str, Any]:
    summary = step.found if isinstance(step.found, Summary) else None
    return {
        "size": step.size,
        "macs": None if summary is None or summary.totals.uncounted else summary.totals.macs,
        "activation_bytes": None if summary is None else summary.totals.activation_bytes,
        "peak_bytes": None if summary is None else inference_peak(summary),
        "training_bytes": step.training,
        "fits": summary is not None,
        "problem": str(step.found) if summary is None else None,
    }
