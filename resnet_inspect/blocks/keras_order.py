"""The order in which a functional Keras model runs its layers."""

from __future__ import annotations

from collections.abc import Sequence

from .graph import Node


def in_keras_order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """``nodes`` by their distance from the output (the last node), the farthest first.

    Keras 3 (``keras.src.ops.function.map_graph``) measures distances walking back from the output, and keeps nodes
    of one distance in the order in which it met them.
    """
    by_id = {node.id: node for node in nodes}
    finished: dict[str, None] = {}
    stack = [(nodes[-1].id, False)]
    while stack:
        name, inputs_done = stack.pop()
        if inputs_done:
            finished[name] = None
        elif name not in finished:
            stack.append((name, True))
            stack += [(source, False) for source in reversed(by_id[name].inputs) if source in by_id]
    distances: dict[str, int] = {}
    for name in reversed(finished):
        distance = distances.setdefault(name, 0)
        for source in by_id[name].inputs:
            if source in by_id:
                distances[source] = max(distance + 1, distances.get(source, 0))
    return tuple(by_id[name] for name in sorted(distances, key=lambda name: -distances[name]))
