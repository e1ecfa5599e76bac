"""Floating-point operations: two for each multiply-add."""

from __future__ import annotations

from ... import units
from ...ir import sum_known
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="flops",
    title="FLOPs",
    of_layer=lambda layer, facts: None if layer.macs is None else 2 * layer.macs,
    fold=sum_known,
    word=units.si,
    known=lambda layer: 2 * layer.macs_at_least,
)
TOTAL = Total(
    label="FLOPs",
    unit="FLOPs",
    of=lambda facts: 2 * facts.totals.macs,
    detail=lambda facts: f"{units.in_short(2 * facts.totals.macs)}, two for each multiply-add; norms count 0",
)
