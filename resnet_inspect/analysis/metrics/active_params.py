"""Parameters that one token uses: all of them, embeddings too, but for the experts that it doesn't take.

Known of transformers' models, whose configurations tell which experts there are.
"""

from __future__ import annotations

from ... import units
from ...ir import Layer, Summary, sum_known
from ..facts import Facts
from .metric import Metric, Total


def _inactive(summary: Summary) -> dict[str, int] | None:
    return None if summary.inactive is None else dict(summary.inactive)


def _of_layer(layer: Layer, facts: Facts) -> int | None:
    inactive = facts.of(_inactive)
    return None if inactive is None else layer.params - sum(inactive.get(p.name, 0) for p in layer.parameters)


METRIC: Metric[int | None] = Metric(
    key="active_params",
    title="Active params",
    of_layer=_of_layer,
    fold=sum_known,
)
TOTAL = Total(
    label="  active",
    unit="active parameters",
    of=lambda facts: facts.totals.active_params,
    name="active_params",
    detail=lambda facts: f" ({units.si(facts.totals.active_params)}), as one token uses",
    is_shown=lambda facts: bool(facts.summary.inactive),
)
