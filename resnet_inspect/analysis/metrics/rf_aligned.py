"""Whether the receptive fields of all paths that meet in a layer have the same centre."""

from __future__ import annotations

from ...ir import Layer
from ..facts import Facts
from ..receptive import receptive_fields
from .metric import Metric, last


def _aligned(layer: Layer, facts: Facts) -> str | None:
    field = facts.of(receptive_fields).get(layer.id)
    if field is None or field.whole or field.aligned is None:
        return None
    return "yes" if field.aligned else "no"


METRIC: Metric[str | None] = Metric(
    key="rf_aligned",
    title="RF aligned",
    of_layer=_aligned,
    fold=last,
    number=False,
)
