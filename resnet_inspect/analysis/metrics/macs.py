"""Multiply-adds of one forward pass. Where a layer's are unknown, people see what the others have."""

from __future__ import annotations

from ... import units
from ...ir import sum_known
from ..facts import Facts
from .metric import Metric, Total


def _detail(facts: Facts) -> str:
    uncounted = facts.totals.uncounted
    return units.in_short(facts.totals.macs) + (f", not counted: {units.few(uncounted)}" if uncounted else "")


METRIC: Metric[int | None] = Metric(
    key="macs",
    title="MACs",
    of_layer=lambda layer, facts: layer.macs,
    fold=sum_known,
    word=units.si,
    known=lambda layer: layer.macs_at_least,
)
TOTAL = Total(
    label="MACs",
    unit="MACs",
    of=lambda facts: facts.totals.macs,
    name="macs",
    detail=_detail,
)
