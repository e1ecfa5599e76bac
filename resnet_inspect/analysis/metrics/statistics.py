"""Elements of moving means and variances, which BatchNorm keeps and no optimizer trains."""

from __future__ import annotations

from ...ir import sum_known
from ..facts import Facts
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="statistics",
    title="Statistics",
    of_layer=lambda layer, facts: layer.count("statistics"),
    fold=sum_known,
)


def _are_parameters(facts: Facts) -> bool:
    """Keras counts them among the parameters, torch among the buffers."""
    return any(p.counted for layer in facts.summary.layers for p in layer.parameters if p.role == "statistics")


TOTAL = Total(
    label="Statistics",
    unit="statistics",
    of=lambda facts: facts.totals.statistics,
    name="statistics",
    detail=lambda facts: "" if _are_parameters(facts) or not facts.totals.statistics else ", buffers and no parameters",
    is_part=_are_parameters,
)
