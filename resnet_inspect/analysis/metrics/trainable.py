"""Trainable parameters; unknown where a file doesn't say which parameters are trained."""

from __future__ import annotations

from ...ir import sum_known
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="trainable",
    title="Trainable",
    of_layer=lambda layer, facts: layer.count("trainable"),
    fold=sum_known,
)
TOTAL = Total(
    label="  trainable",
    unit="trainable parameters",
    of=lambda facts: facts.totals.trainable_params,
    name="trainable_params",
)
