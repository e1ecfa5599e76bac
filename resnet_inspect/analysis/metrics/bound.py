"""What a layer on a device (--device) waits for at least: its memory, or its arithmetic (compute)."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Layer
from ..facts import Facts
from .metric import Metric


class _Bound(Metric[str]):
    """Of several layers, what holds them for the larger part of their time."""

    def of(self, layers: Sequence[Layer], facts: Facts) -> str:
        times = {"memory": 0, "compute": 0}
        for layer in layers:
            floor = facts.floors[layer.id]
            if floor.bound:
                times[floor.bound] += floor.picoseconds or 0
        return max(times, key=times.__getitem__) if any(times.values()) else ""

    def text(self, layers: Sequence[Layer], facts: Facts) -> str:
        """As it is."""
        return self.of(layers, facts)


METRIC = _Bound(
    key="bound",
    title="Bound",
    of_layer=lambda layer, facts: facts.floors[layer.id].bound,
    fold=" ".join,
    number=False,
)
