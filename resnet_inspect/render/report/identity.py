"""The identity experiment as a report.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ... import units
from ...shape import format_shape
from . import Report, ReportColumn, measured

SCHEMA_VERSION = 1


def _number(value: float | None) -> str:
    return units.NOT_AVAILABLE if value is None else f"{value:.3g}"


_COLUMNS = (
    ReportColumn("name", "Variant", number=False),
    ReportColumn("identical", "Bit for bit", lambda same: "yes" if same else "no", number=False),
    ReportColumn("max_difference", "Largest difference", _number),
    ReportColumn("relative_difference", "Relative difference", _number),
)
_OF_NETWORKS = (
    ReportColumn("agreement", "Same class", lambda part: units.share(part)),
    ReportColumn("spread", "Spread of logits", _number),
    measured("params"),
    measured("macs"),
)


def report(experiment: Any) -> Report:
    """The variants of an ``Experiment`` (``readers/identity.py``)."""
    rows = tuple(asdict(case) for case in experiment.cases)
    network = any(row["params"] is not None for row in rows)
    expected = f"the logits of {experiment.model}" if network else "the input"
    if not network and "preactivation" not in experiment.model:
        expected = "the input, rectified"
    facts = [
        ("Experiment", f"{experiment.backend}: {experiment.model}, seed {experiment.seed}"),
        ("Input", f"{format_shape(experiment.shape)}, normally distributed"),
        ("Expected", expected),
    ]
    if network:
        first, *others = experiment.cases
        facts += [
            (
                "Inserted blocks",
                f"{units.exact(others[0].params - first.params)} params, {_more_macs(first, others[0])}",
            ),
            ("Spread", "0 where every input gives the same logits: the signal is destroyed"),
        ]
    document = {
        "schema_version": SCHEMA_VERSION,
        "backend": experiment.backend,
        "model": experiment.model,
        "seed": experiment.seed,
        "input": list(experiment.shape),
        "cases": list(rows),
    }
    return Report(_COLUMNS + (_OF_NETWORKS if network else ()), rows, tuple(facts), document)


def _more_macs(before: Any, after: Any) -> str:
    known = before.macs is not None and after.macs is not None
    return f"{units.si(after.macs - before.macs) if known else units.NOT_AVAILABLE} MACs"
