"""Depth and paths of a network: residual networks behave like ensembles of many paths (Veit, Wilber, Belongie 2016).

Additions and concatenations join paths. Products (gates, attention) don't: there, the longest path is followed alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import prod

from ..ir import Layer, Summary
from .forms import weighted_depth
from .graph import Dominators, data_inputs
from .residual import is_addition

#: Bits of the largest number of paths whose lengths are counted: the numbers together take this much squared.
_LONGEST = 2**11


@dataclass(frozen=True, slots=True)
class Paths:
    """From inputs to output: weighted layers on the longest and the shortest path, and how many paths there are.

    ``by_blocks[n]`` paths go through n residual branches, ``by_layers[n]`` through n weighted layers; both are empty
    where there are more than 2**2048 paths.
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
    weights = {name: weighted_depth(by_id[name]) for name in edges}
    longest: dict[str, int] = {}
    followed: dict[str, tuple[str, ...]] = {}
    for name, sources in edges.items():
        longest[name] = weights[name] + max((longest[source] for source in sources), default=0)
        joins = is_addition(by_id[name]) or by_id[name].op == "concat"
        followed[name] = sources if joins else tuple(sorted(sources, key=lambda s: longest[s])[-1:])
    shortest: dict[str, int] = {}
    for name, sources in followed.items():
        shortest[name] = weights[name] + min((shortest[source] for source in sources), default=0)
    end = _last(summary.layers, edges)
    passed = _on_all_paths(followed, end)
    count = _polynomial(followed, passed, 0, lambda _source, _name: 0)
    bits = 8 * (count.bit_length() // 8 + 1)  # whole bytes are quick to take apart
    if bits > _LONGEST:
        return Paths(longest[end], shortest[end], count, (), ())
    by_blocks = _polynomial(followed, passed, bits, lambda source, name: int((source, name) in branches))
    by_layers = _polynomial(followed, passed, bits, lambda _source, name: weights[name])
    return Paths(longest[end], shortest[end], count, _digits(by_blocks, bits), _digits(by_layers, bits))


def _on_all_paths(edges: dict[str, tuple[str, ...]], end: str) -> set[str]:
    """The layers that every path to ``end`` goes through."""
    tree = Dominators(edges)
    found, above = {end}, tree.of(end)
    while above is not None:
        found.add(above)
        above = tree.of(above)
    return found


def _last(layers: Sequence[Layer], edges: dict[str, tuple[str, ...]]) -> str:
    """The last layer that the inputs lead to: where a network with several outputs gives its last one."""
    return next(layer.id for layer in reversed(layers) if layer.id in edges)


def _polynomial(
    edges: dict[str, tuple[str, ...]], passed: Collection[str], bits: int, step: Callable[[str, str], int]
) -> int:
    """The paths by length, as a polynomial's value at 2**bits: an integer that holds one number a digit.

    ``step(source, layer)`` is what an edge adds to the length. Between two layers that all paths pass (``passed``) they
    are counted apart, and multiplied: a block is a factor, and equal blocks are a power.
    """
    found: dict[str, int] = {}
    factors: Counter[int] = Counter()
    for name, sources in edges.items():
        found[name] = sum(found[source] << (bits * step(source, name)) for source in sources) if sources else 1
        if name in passed:
            factors[found[name]] += 1
            found[name] = 1
    return prod(factor**times for factor, times in sorted(factors.items()))


def _digits(value: int, bits: int) -> tuple[int, ...]:
    """The numbers in an integer of ``bits`` (whole bytes) a digit, the lowest first."""
    data = value.to_bytes(-(-value.bit_length() // 8), "little")
    return tuple(int.from_bytes(data[at : at + bits // 8], "little") for at in range(0, len(data), bits // 8))
