"""The network as a graph: which layer every path to a layer goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir import Layer


def data_inputs(layers: Sequence[Layer], start: str | None = None) -> dict[str, tuple[str, ...]]:
    """The edges that carry what the network is given: layer -> the different layers that it reads.

    Layers that work on parameters alone (a table of positions) are not in it, nor are edges from them. With ``start``,
    the id of an input, what comes from other inputs isn't either.
    """
    found: dict[str, tuple[str, ...]] = {}
    for layer in layers:
        inputs = tuple(dict.fromkeys(source for source in layer.inputs if source in found))
        if inputs or (layer.op == "input" and start in (None, layer.id)):
            found[layer.id] = inputs
    return found


class Dominators:
    """The tree of immediate dominators: the last layer that every path from the inputs to a layer passes.

    Layers come in execution order, so that one pass finds them (Cooper, Harvey and Kennedy 2001); ancestors at powers
    of two make each step logarithmic. Inputs hang below a root, which isn't a layer.
    """

    _ROOT = 0

    def __init__(self, inputs: Mapping[str, Sequence[str]]) -> None:
        """``inputs``: layer -> the layers that it reads, in execution order."""
        self._names = ["", *inputs]
        self._place = {name: index for index, name in enumerate(self._names)}
        self._depth = [0]
        self._above: list[list[int]] = [[self._ROOT]]
        for sources in inputs.values():
            parents = [self._place[source] for source in sources]
            found = parents[0] if parents else self._ROOT
            for parent in parents[1:]:
                found = self._common(found, parent)
            self._add(found)

    def of(self, name: str) -> str | None:
        """The immediate dominator; None if no layer is on all paths."""
        return self._names[self._above[self._place[name]][0]] or None

    def _add(self, parent: int) -> None:
        self._depth.append(self._depth[parent] + 1)
        above = [parent]
        while len(self._above[above[-1]]) >= len(above) and above[-1] != self._ROOT:
            above.append(self._above[above[-1]][len(above) - 1])
        self._above.append(above)

    def _common(self, one: int, other: int) -> int:
        """The nearest layer above or at both."""
        if self._depth[one] < self._depth[other]:
            one, other = other, one
        one = self._raised(one, self._depth[one] - self._depth[other])
        if one == other:
            return one
        for power in reversed(range(self._depth[one].bit_length())):
            above = self._at(one, power), self._at(other, power)
            if above[0] != above[1]:
                one, other = above
        return self._above[one][0]

    def _raised(self, place: int, steps: int) -> int:
        power = 0
        while steps:
            if steps & 1:
                place = self._at(place, power)
            steps >>= 1
            power += 1
        return place

    def _at(self, place: int, power: int) -> int:
        above = self._above[place]
        return above[power] if power < len(above) else self._ROOT
