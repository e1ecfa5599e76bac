"""Bytes of statistics and buffers: what a layer keeps beside its parameters."""

from __future__ import annotations

from ... import units
from ...ir import HELD, sum_known
from .metric import Metric

METRIC: Metric[int | None] = Metric(
    key="statistics_bytes",
    title="Statistics memory",
    of_layer=lambda layer, facts: sum_known(p.bytes for p in layer.parameters if p.role in HELD),
    fold=sum_known,
    word=units.binary,
)
