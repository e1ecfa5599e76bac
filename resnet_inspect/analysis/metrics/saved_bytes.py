"""Bytes that training keeps for the backward pass because of a layer."""

from __future__ import annotations

from ... import units
from ...ir import sum_known
from ..memory import saved_bytes
from .metric import Metric

METRIC: Metric[int | None] = Metric(
    key="saved_bytes",
    title="Saved for backward",
    of_layer=lambda layer, facts: facts.of(saved_bytes)[layer.id],
    fold=sum_known,
    word=units.binary,
)
