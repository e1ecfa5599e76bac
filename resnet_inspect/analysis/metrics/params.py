"""Parameters as the framework counts them: Keras counts statistics, torch doesn't."""

from __future__ import annotations

from ... import units
from ...ir import sum_known
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="params",
    title="Params",
    of_layer=lambda layer, facts: layer.params,
    fold=sum_known,
)
TOTAL = Total(
    label="Parameters",
    unit="parameters",
    of=lambda facts: facts.totals.params,
    name="params",
    detail=lambda facts: units.in_short(facts.totals.params),
)
