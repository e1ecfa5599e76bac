"""Depth and paths of a network: residual networks behave like ensembles of many paths (Veit, Wilber, Belongie 2016).

Additions and concatenations join paths. Products (gates, attention) don't: there, the longest path is followed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ..ir import Layer, Summary
from .graph import data_inputs
from .residual import is_addition
from .weighted import is_weighted


@dataclass(frozen=True, slots=True)
class Paths:
    """From inputs to output: weighted layers on the longest and the shortest path, and how many paths there are.

    ``by_blocks[n]`` paths go through n residual branches, ``by_layers[n]`` through n weighted layers.
    """

    longest: int
    shortest: int
    count: int
    by_blocks: tuple[int, ...]
    by_layers: tuple[int, ...]


def paths(summary: Summary, branches: Collection[tuple[str, str]]) -> Paths:
    """All paths; ``branches`` are the edges (layer, addition) that end a residual branch."""
    by_id = {layer.id: layer for layer in summary.layers}
    edges = data_inputs(summary.layers)
    if not edges:
        return Paths(0, 0, 0, (), ())
    weights = {name: int(is_weighted(by_id[name])) for name in edges}
    longest: dict[str, int] = {}
    followed: dict[str, tuple[str, ...]] = {}
    for name, sources in edges.items():
        longest[name] = weights[name] + max((longest[source] for source in sources), default=0)
        joins = is_addition(by_id[name]) or by_id[name].op == "concat"
        followed[name] = sources if joins else tuple(sorted(sources, key=lambda s: longest[s])[-1:])
    end = _last(summary.layers, edges)
    shortest: dict[str, int] = {}
    for name, sources in followed.items():
        shortest[name] = weights[name] + min((shortest[source] for source in sources), default=0)
    counts = _polynomial(followed, end, 0, lambda _source, _name: 0)
    bits = 8 * (counts.bit_length() // 8 + 1)  # whole bytes are quick to take apart
    by_blocks = _polynomial(followed, end, bits, lambda source, name: int((source, name) in branches))
    by_layers = _polynomial(followed, end, bits, lambda _source, name: weights[name])
    return Paths(longest[end], shortest[end], counts, _digits(by_blocks, bits), _digits(by_layers, bits))


def _last(layers: Sequence[Layer], edges: dict[str, tuple[str, ...]]) -> str:
    """The last layer that the inputs lead to: where a network with several outputs gives its last one."""
    return next(layer.id for layer in reversed(layers) if layer.id in edges)


def _polynomial(edges: dict[str, tuple[str, ...]], end: str, bits: int, step: Callable[[str, str], int]) -> int:
    """The paths to ``end`` by length, as a polynomial's value at 2**bits: an integer that holds one number a digit.

    ``step(source, layer)`` is what an edge adds to the length. Numbers that nobody reads any more are let go: they are
    long.
    """
    readers: dict[str, int] = {}
    for sources in edges.values():
        for source in sources:
            readers[source] = readers.get(source, 0) + 1
    found: dict[str, int] = {}
    for name, sources in edges.items():
        found[name] = sum(found[source] << (bits * step(source, name)) for source in sources) if sources else 1
        if name == end:
            break
        for source in sources:
            readers[source] -= 1
            if not readers[source]:
                del found[source]
    return found[end]


def _digits(value: int, bits: int) -> tuple[int, ...]:
    """The numbers in an integer of ``bits`` (whole bytes) a digit, the lowest first."""
    data = value.to_bytes(-(-value.bit_length() // 8), "little")
    return tuple(int.from_bytes(data[at : at + bits // 8], "little") for at in range(0, len(data), bits // 8))
