"""The forward pass of a network, however it is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...ir import HELD, Layer, Summary
from .. import memory


class Forward(NamedTuple):
    """A forward pass of a summary: the layers that ran, which read one another alone, and the place among them of the
    last one during which the memory of each layer that has its own is needed. ``weights`` are the bytes of parameters,
    ``statistics`` those of what is held beside them.
    """

    summary: Summary
    called: Sequence[Layer]
    ends: Mapping[str, int]
    weights: int
    statistics: int


def forward(summary: Summary, before: Forward | None) -> Forward:
    """The layers that ran. A stranger's summary may say that they read others, too: these edges aren't there."""
    if before and before.summary is summary:
        return before
    ran = {layer.id for layer in summary.layers if layer.called}
    called = [
        layer if ran.issuperset(layer.inputs) else replace(layer, inputs=tuple(x for x in layer.inputs if x in ran))
        for layer in summary.layers
        if layer.called
    ]
    if before and len(called) == len(before.called) and all(map(_share_alike, called, before.called)):
        ends = before.ends
    else:
        ends = memory.ends_of(called, memory.owners_of(called, training=True))
    return Forward(summary, called, ends, *weights_of(summary))


def _share_alike(one: Layer, other: Layer) -> bool:
    """Whether two layers need the memory of the same others, and as long as they run."""
    return (one.id, one.path, one.op, one.inputs, one.view, one.attributes) == (
        (other.id, other.path, other.op, other.inputs, other.view, other.attributes)
    )


def weights_of(summary: Summary) -> tuple[int, int]:
    """Bytes of parameters, and of what is held beside them."""
    weights = held = 0
    for layer in summary.layers:
        for parameter in layer.parameters:
            if parameter.role in HELD:
                held += parameter.bytes or 0
            else:
                weights += parameter.bytes or 0
    return weights, held
