"""The least milliseconds that a layer takes on a device (--device): a bound, and no prediction."""

from __future__ import annotations

from ... import units
from ...ir import sum_known
from .metric import Metric

METRIC: Metric[int | None] = Metric(
    key="floor_ms",
    title="Floor (ms)",
    of_layer=lambda layer, facts: facts.floors[layer.id].picoseconds,
    fold=sum_known,
    word=units.milliseconds,
    written=units.exact_milliseconds,
)
