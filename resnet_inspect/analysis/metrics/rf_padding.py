"""Rows that the first output's receptive field reaches beyond the input's edge."""

from __future__ import annotations

from ..receptive import one_number, receptive_fields
from .metric import Metric, last

METRIC: Metric[int | str | None] = Metric(
    key="rf_padding",
    title="RF padding",
    of_layer=lambda layer, facts: one_number(facts.of(receptive_fields).get(layer.id), "padding"),
    fold=last,
)
