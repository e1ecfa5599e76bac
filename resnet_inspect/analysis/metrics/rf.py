"""The receptive field: rows of the input that one output reads; ``all`` of what reads everything."""

from __future__ import annotations

from ..receptive import one_number, receptive_fields
from .metric import Metric, last

METRIC: Metric[int | str | None] = Metric(
    key="rf",
    title="RF",
    of_layer=lambda layer, facts: one_number(facts.of(receptive_fields).get(layer.id), "size"),
    fold=last,
)
