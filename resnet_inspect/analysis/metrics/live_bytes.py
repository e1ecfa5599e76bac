"""Bytes that are alive while a layer runs in inference. The most of all layers is the inference peak."""

from __future__ import annotations

from ... import units
from ..facts import Facts
from ..memory import live_bytes
from .metric import Metric, Total, largest


def _peak(facts: Facts) -> int | None:
    return largest(facts.of(live_bytes).values())


def _detail(facts: Facts) -> str:
    peak = _peak(facts)
    return next((f" of outputs, at {name}" for name, size in facts.of(live_bytes).items() if peak and size == peak), "")


METRIC: Metric[int | None] = Metric(
    key="live_bytes",
    title="Live memory",
    # A layer that is never called keeps nothing alive.
    of_layer=lambda layer, facts: facts.of(live_bytes)[layer.id] if layer.called else 0,
    fold=largest,
    word=units.binary,
)
TOTAL = Total(
    label="Inference peak",
    unit="of live outputs",
    of=_peak,
    word=units.binary,
    detail=_detail,
)
