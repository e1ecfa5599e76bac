"""What differs in the connections of two networks, and which layers stand elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..ir import Layer
from ..ops import vocabulary
from .align import Pair, in_order
from .result import Change


def depths(layers: Sequence[Layer]) -> dict[str, int]:
    """For each layer's id, the number of layers on the longest path to it."""
    found: dict[str, int] = {}
    for layer in layers:
        found[layer.id] = 1 + max((found[source] for source in layer.inputs), default=0)
    return found


def joins(layer: Layer) -> bool:
    """Whether a layer brings several branches together, as an addition does."""
    return (vocabulary.of(layer.op).commutes or layer.op == "concat") and len(set(layer.inputs)) > 1


class Side:
    """One network: its layers by id, how deep each stands, and which pair each belongs to."""

    def __init__(self, layers: Sequence[Layer], paired: Sequence[int]) -> None:
        self.by_id = {layer.id: layer for layer in layers}
        self.number = {layers[index].id: number for number, index in enumerate(paired)}
        self.depth = depths(layers)
        #: Parameter -> the pair of the layer that counts it, and its place there.
        self.owners = {
            parameter.name: (self.number.get(layer.id, -1), place)
            for layer in layers
            for place, parameter in enumerate(layer.parameters)
        }
        #: What was found already of where edges come from: a trunk of thousands is walked up once.
        self.settled: dict[str, int] = {}

    def skipped_from(self, layer: Layer) -> str | None:
        """Where the skip connection begins that ends in ``layer``: the shallower of the branches that it joins."""
        return min(layer.inputs, key=self.depth.__getitem__) if joins(layer) else None

    def trunk(self, layer: Layer) -> str | None:
        """The input that the longest path comes through."""
        return max(layer.inputs, key=self.depth.__getitem__, default=None)

    def direct(self, layer: Layer) -> list[int]:
        """The pairs that a layer reads, -1 for a layer without a partner."""
        return _ordered(layer, [self.number.get(source, -1) for source in layer.inputs])


class Connections:
    """The edges of two networks, told in the pairs of layers that they have in common."""

    def __init__(self, old: Sequence[Layer], new: Sequence[Layer], pairs: Sequence[Pair], ordered: bool = True) -> None:
        self.old = Side(old, [a for a, _ in pairs])
        self.new = Side(new, [b for _, b in pairs])
        #: Numbers of the pairs that stand elsewhere and read something else; none where order says nothing.
        self.moved: set[int] = set()
        if ordered and len(kept := in_order(pairs, lambda pair: min(old[pair[0]].id, new[pair[1]].id))) < len(pairs):
            self.moved = {
                number
                for number, pair in enumerate(pairs)
                if pair not in kept and self.old.direct(old[pair[0]]) != self.new.direct(new[pair[1]])
            }

    def change(self, old: Layer, new: Layer) -> Change | None:
        """What became of the inputs of a layer, unless layers that came, went or moved in between explain it."""
        if self.old.direct(old) == self.new.direct(new) and -1 not in self.old.direct(old):
            return None
        before = [self._settled(self.old, source) for source in old.inputs]
        after = [self._settled(self.new, source) for source in new.inputs]
        if _ordered(old, before) == _ordered(new, after):
            return None
        gone = [_edge(self.old, old, source) for source in _beyond(old.inputs, before, after)]
        come = [_edge(self.new, new, source) for source in _beyond(new.inputs, after, before)]
        words = [*(f"{edge} removed" for edge in gone), *(f"{edge} added" for edge in come)]
        return Change("inputs", old.inputs, new.inputs, "edges", ", ".join(words) or "inputs in another order")

    def tie(self, old: Layer, new: Layer) -> Change | None:
        """What became of the parameters that a layer uses and another one counts."""
        before = [self.old.owners.get(name) for name in old.shared]
        after = [self.new.owners.get(name) for name in new.shared]
        return Change("shared", old.shared, new.shared, "config") if before != after else None

    def _settled(self, side: Side, source: str | None) -> int:
        """The pair that an edge comes from, followed up the trunk past layers that came, went or moved."""
        passed = []
        while source is not None and source not in side.settled:
            number = side.number.get(source)
            if number is not None and number not in self.moved:
                side.settled[source] = number
                break
            passed.append(source)
            source = side.trunk(side.by_id[source])
        result = -1 if source is None else side.settled[source]
        side.settled.update(dict.fromkeys(passed, result))
        return result


def _beyond(sources: Sequence[str], these: Sequence[int], those: Sequence[int]) -> list[str]:
    """The sources whose pair is among ``these`` more often than among ``those``: the last ones of each."""
    left = Counter(those)
    found = []
    for source, pair in zip(sources, these, strict=True):
        left[pair] -= 1
        if left[pair] < 0:
            found.append(source)
    return found


def _edge(side: Side, layer: Layer, source: str) -> str:
    return f"{'skip connection' if source == side.skipped_from(layer) else 'input'} from {source}"


def _ordered(layer: Layer, numbers: list[int]) -> list[int]:
    return sorted(numbers) if vocabulary.of(layer.op).commutes else numbers
