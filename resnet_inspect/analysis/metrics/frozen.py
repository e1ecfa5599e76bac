"""Frozen parameters; unknown where a file doesn't say which parameters are trained."""

from __future__ import annotations

from ...ir import sum_known
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="frozen",
    title="Frozen",
    of_layer=lambda layer, facts: layer.count("frozen"),
    fold=sum_known,
)
TOTAL = Total(
    label="  frozen",
    unit="frozen parameters",
    of=lambda facts: facts.totals.frozen_params,
    name="frozen_params",
)
