"""The memory of a forward pass over time, as a timeline without a backward pass."""

from __future__ import annotations

from ...ir import HELD, Summary, sum_known
from ..memory import live_bytes
from .timeline import PARTS, Step, Timeline


def inference(summary: Summary) -> Timeline:
    """What lives while each layer runs, with all weights in place; outputs are freed after their last reader."""
    held = dict.fromkeys(PARTS, 0)
    for layer in summary.layers:
        for parameter in layer.parameters:
            held["statistics" if parameter.role in HELD else "weights"] += parameter.bytes or 0
    held["input"] = sum_known(tensor.bytes for tensor in summary.inputs) or 0
    steps, unknown = [], 0
    live = live_bytes(summary)
    for layer in summary.layers:
        alive = live[layer.id]
        if not layer.called or layer.op == "input":
            continue
        unknown += alive is None
        outputs = max(0, (alive or 0) - held["input"])
        steps.append(Step("forward", layer.id, tuple({**held, "outputs": outputs}.values())))
    return Timeline(tuple(steps), unknown)
