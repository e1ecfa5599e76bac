"""The order in which a functional Keras model runs its layers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from .graph import Node

_Key = TypeVar("_Key", bound=Hashable)


def in_keras_order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """``nodes`` by their distance from the output (the last node), the farthest first."""
    by_id = {node.id: node for node in nodes}
    reads = {node.id: [name for name in node.inputs if name in by_id] for node in nodes}
    return tuple(by_id[name] for name in by_distance([nodes[-1].id], reads.__getitem__, lambda name: name))


def by_distance(
    outputs: Iterable[_Key], reads: Callable[[_Key], Sequence[_Key]], layer: Callable[[_Key], Hashable]
) -> list[_Key]:
    """The calls that ``outputs`` need, by their distance from these, the farthest first; each ``reads`` others.

    Keras 3 (``keras.src.ops.function.map_graph``) measures distances walking back from the outputs, and keeps calls
    of one distance in the order in which it met them. No call of a ``layer`` is nearer than those met before.
    """
    finished: dict[_Key, None] = {}
    for output in outputs:
        stack = [(output, False)]
        while stack:
            name, inputs_done = stack.pop()
            if inputs_done:
                finished[name] = None
            elif name not in finished:
                stack.append((name, True))
                stack += [(source, False) for source in reversed(reads(name))]
    distances: dict[_Key, int] = {}
    of_layers: dict[Hashable, int] = {}
    for name in reversed(finished):
        own = layer(name)
        distance = max(distances.get(name, 0), of_layers.get(own, 0))
        distances[name] = of_layers[own] = distance
        for source in reads(name):
            distances[source] = max(distance + 1, distances.get(source, 0))
    return sorted(distances, key=lambda name: -distances[name])
