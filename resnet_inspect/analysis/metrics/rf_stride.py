"""The step between the receptive fields of two neighbours, in rows of the input."""

from __future__ import annotations

from ..receptive import one_number, receptive_fields
from .metric import Metric, last

METRIC: Metric[int | str | None] = Metric(
    key="rf_stride",
    title="RF stride",
    of_layer=lambda layer, facts: one_number(facts.of(receptive_fields).get(layer.id), "stride"),
    fold=last,
)
