"""Which layer of one network is which of the other: by path, by what it is, by where it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache

from ..ir import Layer
from ..ops import vocabulary
from .align import Pair, align, in_order
from .edges import Connections, joins
from .names import masked, prefixes_of, renamed_path, renamings, uncounted

Key = Callable[[Layer], Hashable]


def match(old: Sequence[Layer], new: Sequence[Layer], counted: Collection[str] = ()) -> list[Pair]:
    """Positions of the layers that are the same one, in the order of the old side.

    Two ways are tried, and the one that leaves less to report is taken: names first, or the sequence first, which
    is right where layers are only numbered (a Sequential) and one is put in between. The ids that are ``counted``, as
    ``relu_1`` for the second call of a function, say nothing: there the graph decides first.
    """
    if [layer.id for layer in old] == [layer.id for layer in new] and all(
        _family(a) == _family(b) for a, b in zip(old, new, strict=True)
    ):
        by_name = [(index, index) for index in range(len(old))]
        if not any(_cost(old[a], new[b]) for a, b in by_name):
            return by_name
    calls = {layer.id for layer in (*old, *new) if layer.id in counted and layer.op != "input"}
    names = _Matching(old, new, calls)
    names.by_name()

    def ways() -> Iterator[_Matching]:
        if calls:
            forth, back = (names.with_calls(backwards) for backwards in (False, True))
            # Where both ways agree, the rest follows from the one.
            for found in (forth,) if forth.there == back.there else (forth, back):
                found.by_name()
                yield found.without_strays(calls)
        else:
            yield names.without_strays(calls)
        sequence = _Matching(old, new, signature=names.signature)
        sequence.by_sequence()
        sequence.by_id()
        sequence.by_other_names()
        yield sequence.without_strays(calls)

    return _cheapest(ways()).pairs


def by_structure(old: Sequence[Layer], new: Sequence[Layer]) -> list[Pair]:
    """As ``match``, for two networks whose names have nothing to do with one another (two frameworks).

    The layers stand in an order that only the graph decides.
    """
    matching = _Matching(old, new)
    for key in (_what_and_channels, lambda layer: layer.op, _family):
        matching.align(key, in_gaps=True)
    return matching.pairs


def _cheapest(found: Iterator[_Matching]) -> _Matching:
    """The first of those that leave the least to report.

    Edges are compared only where they can still decide, and nothing is tried any more once there is nothing to report.
    """
    best = next(found)
    least = best.cost() + best.changed_edges()
    while least and (other := next(found, None)):
        if other.there == best.there:
            continue
        cost = other.cost()
        if cost < least and (cost := cost + other.changed_edges()) < least:
            best, least = other, cost
    return best


class _Matching:
    """Pairs found so far, and the rounds that find more among the rest."""

    def __init__(
        self,
        old: Sequence[Layer],
        new: Sequence[Layer],
        ignored: Collection[str] = (),
        signature: Callable[[Layer], int] | None = None,
    ) -> None:
        self.old, self.new = old, new
        #: All that a layer is but its name, as a number.
        self.signature = signature or _numbered(_signature)
        #: Ids that are left for later rounds.
        self.ignored = ignored
        self.there: dict[int, int] = {}
        self.back: dict[int, int] = {}

    @property
    def pairs(self) -> list[Pair]:
        return sorted(self.there.items())

    def cost(self) -> int:
        """How much there would be to report: layers that came, went or changed, and each kind of renaming."""
        unmatched = len(self.old) + len(self.new) - 2 * len(self.there)
        sides = ((self.old[a], self.new[b]) for a, b in self.there.items())
        changed = sum(_cost(old, new) for old, new in sides if self.signature(old) != self.signature(new))
        paths = [(uncounted(self.old[a].path), uncounted(self.new[b].path)) for a, b in self.pairs]
        moved = len(self.there) - len(in_order(self.there.items()))
        return unmatched + changed + moved + len(renamings(paths))

    def changed_edges(self) -> int:
        """How many pairs read something else, which is to be reported, too."""
        connections = Connections(self.old, self.new, self.pairs)
        return sum(connections.change(self.old[a], self.new[b]) is not None for a, b in self.pairs)

    def with_calls(self, backwards: bool) -> _Matching:
        """A copy with the ids that were left for later matched, too, by the graph alone."""
        copied = _Matching(self.old, self.new, signature=self.signature)
        copied.there, copied.back = dict(self.there), dict(self.back)
        copied.by_graph(backwards)
        return copied

    def without_strays(self, calls: Collection[str]) -> _Matching:
        """This one, less the pairs that nothing holds together: not weights, not the place, and not a name.

        A block's addition that went and another block's that came are two layers, however alike. A sum is what it adds,
        so a name that counts ``calls`` says nothing of one that stands elsewhere. What moved along with a layer that is
        known by its name or its weights is the same one, too: the addition of a block that moved.
        """
        elsewhere = self.there.items() - in_order(self.there.items(), self._first_name)
        known = [pair for pair in elsewhere if self._is_known(*pair, calls)]
        strays = elsewhere.difference(known)
        if strays:
            beside = _neighbours(self.old), _neighbours(self.new)
            while known:
                a, b = known.pop()
                near = ((other, self.there.get(other, -1)) for other in beside[0][a])
                along = [pair for pair in near if pair in strays and pair[1] in beside[1][b]]
                strays.difference_update(along)
                known += along
        for a, b in strays:
            del self.there[a], self.back[b]
        return self

    def _is_known(self, a: int, b: int, calls: Collection[str]) -> bool:
        """Whether a layer would be the same one wherever it stood."""
        old, new = self.old[a], self.new[b]
        if old.parameters or new.parameters or old.op == "input":
            return True
        if old.id in calls or new.id in calls:
            return not joins(new) and uncounted(old.id) == uncounted(new.id)
        return old.id == new.id

    def _first_name(self, pair: Pair) -> str:
        return min(self.old[pair[0]].id, self.new[pair[1]].id)

    def by_name(self) -> None:
        """Names first, then the sequence, then what was called otherwise."""
        self.by_id()
        self.by_sequence()
        self.by_other_names()

    def by_id(self) -> None:
        """The same path, and something alike under it."""
        rest = self._rest(self.new, self.back)
        places = {(self.new[b].id, _family(self.new[b])): b for b in rest}
        self._add((a, places.get((self.old[a].id, _family(self.old[a])), -1)) for a in self._rest(self.old, self.there))

    def by_graph(self, backwards: bool) -> None:
        """The same name but for its number, on the same inputs or else between the same layers; ``backwards``: read by
        the same layers.
        """

        def key(layer: Layer) -> Hashable:
            return uncounted(layer.id), _family(layer)

        if backwards:
            self._by_readers(key)
        else:
            self._by_inputs(key)
        self.align(key, in_gaps=True)

    def by_sequence(self) -> None:
        """The same but for the numbers in the path, in the same order."""
        self.align(lambda layer: (masked(layer.id), self.signature(layer)))
        self.align(lambda layer: (masked(layer.id), layer.op, layer.attributes), in_gaps=True)

    def by_other_names(self) -> None:
        """Renamed, moved or exchanged layers among those that are left."""
        self.align(lambda layer: (masked(layer.id), _family(layer)), in_gaps=True)
        self.align(self.signature)
        self.align(lambda layer: (layer.path.rpartition(".")[2], layer.op, layer.attributes))
        self._by_renamed_prefix()
        self._anywhere(lambda layer: (masked(layer.id).rpartition(".")[0], self.signature(layer)))
        self._anywhere(lambda layer: self.signature(layer) if layer.parameters else layer.id)
        self._by_inputs(_family)  # another name and other settings
        places = {self.new[b].id: b for b in self._rest(self.new, self.back)}
        self._add((a, places.get(self.old[a].id, -1)) for a in self._rest(self.old, self.there))

    def align(self, key: Key, in_gaps: bool = False) -> None:
        """Pairs what has the same key in the same order; ``in_gaps``: between the same two pairs found before."""
        left, right = self._rest(self.old, self.there), self._rest(self.new, self.back)
        if not left or not right:
            return
        gaps = self._gaps() if in_gaps else None
        keys = [(gaps[0][a] if gaps else 0, key(self.old[a])) for a in left]
        others = [(gaps[1][b] if gaps else 0, key(self.new[b])) for b in right]
        self._add((left[a], right[b]) for a, b in align(keys, others))

    def _by_renamed_prefix(self) -> None:
        """What stands under a prefix that others of it changed."""
        if not (left := self._rest(self.old, self.there)):
            return
        prefixes = dict(prefixes_of(self.old[a].path, self.new[b].path) for a, b in self.pairs)
        places = {(layer.id, _family(layer)): index for index, layer in enumerate(self.new)}
        found = []
        for a in left:
            layer = self.old[a]
            module, _, name = layer.id.rpartition(".")
            path = ".".join(part for part in (renamed_path(prefixes, module), name) if part)
            found.append((a, places.get((path, _family(layer)), -1)))
        self._add(found)

    def _anywhere(self, key: Key) -> None:
        """The same thing at another place: moved, and perhaps renamed."""
        if not (rest := self._rest(self.old, self.there)):
            return
        places: defaultdict[Hashable, list[int]] = defaultdict(list)
        for b in reversed(self._rest(self.new, self.back)):
            places[key(self.new[b])].append(b)
        self._add((a, where.pop()) for a in rest if (where := places.get(key(self.old[a]))))

    def _by_inputs(self, key: Key) -> None:
        """The same key, on the same inputs."""
        if not (left := self._rest(self.old, self.there)):
            return
        new_ids = {layer.id: index for index, layer in enumerate(self.new)}
        old_ids = {layer.id: index for index, layer in enumerate(self.old)}
        readers: dict[Hashable, int] = {}
        for b in self._rest(self.new, self.back):
            layer = self.new[b]
            readers.setdefault((key(layer), tuple(new_ids[source] for source in layer.inputs)), b)
        for a in left:
            layer = self.old[a]
            sources = tuple(self.there.get(old_ids[source], -1) for source in layer.inputs)
            self._add([(a, readers.get((key(layer), sources), -1))] if sources else [])

    def _by_readers(self, key: Key) -> None:
        """The same key, read by the same layers; what none reads is an output."""
        old, new = _readers(self.old), _readers(self.new)
        read: defaultdict[Hashable, list[int]] = defaultdict(list)
        for b in self._rest(self.new, self.back):
            read[key(self.new[b]), tuple(new[b])].append(b)
        for a in reversed(self._rest(self.old, self.there)):
            there = tuple(self.there.get(reader, -1) for reader in old[a])
            if where := read.get((key(self.old[a]), there)):
                self._add([(a, where.pop())])

    def _gaps(self) -> tuple[list[int], list[int]]:
        """For each layer of both sides, how many of the pairs that are in order stand before it."""
        anchors = in_order(self.there.items())
        sides = []
        for side, layers in enumerate((self.old, self.new)):
            at, count, counts = {pair[side] for pair in anchors}, 0, []
            for index in range(len(layers)):
                count += index in at
                counts.append(count)
            sides.append(counts)
        return sides[0], sides[1]

    def _rest(self, layers: Sequence[Layer], taken: dict[int, int]) -> list[int]:
        rest = [index for index in range(len(layers)) if index not in taken]
        return [index for index in rest if layers[index].id not in self.ignored] if self.ignored else rest

    def _add(self, pairs: Iterable[Pair]) -> None:
        for a, b in pairs:
            if b >= 0 and a not in self.there and b not in self.back:
                self.there[a] = b
                self.back[b] = a


def _readers(layers: Sequence[Layer]) -> list[list[int]]:
    """For each layer, the places of those that read it."""
    places = {layer.id: index for index, layer in enumerate(layers)}
    found: list[list[int]] = [[] for _ in layers]
    for index, layer in enumerate(layers):
        for source in layer.inputs:
            found[places[source]].append(index)
    return found


def _neighbours(layers: Sequence[Layer]) -> list[set[int]]:
    """For each layer, the places of those that it reads and of those that read it."""
    found = [set(readers) for readers in _readers(layers)]
    places = {layer.id: index for index, layer in enumerate(layers)}
    for index, layer in enumerate(layers):
        found[index].update(places[source] for source in layer.inputs)
    return found


def _family(layer: Layer) -> str:
    """What may take a layer's place and still be the same one: another activation, another normalisation."""
    return _family_of(layer.op)


@lru_cache
def _family_of(op: str) -> str:
    family = vocabulary.of(op).family
    return family if family in ("activation", "norm") else op


def _numbered(key: Key) -> Callable[[Layer], int]:
    """A key as a number, worked out once for each layer: rounds ask for it again, and compare it with all others."""
    numbers: dict[Hashable, int] = {}
    of_layers: dict[int, int] = {}

    def numbered(layer: Layer) -> int:
        number = of_layers.get(id(layer))
        if number is None:
            number = of_layers[id(layer)] = numbers.setdefault(key(layer), len(numbers))
        return number

    return numbered


def _signature(layer: Layer) -> Hashable:
    """All that a layer is but its name."""
    weights = tuple((p.shape, p.dtype, p.role, p.counted) for p in layer.parameters)
    return (layer.type, layer.op, layer.attributes, layer.input_tensors, layer.output_tensors, weights, layer.called)


def _cost(old: Layer, new: Layer) -> int:
    """0 for the same layer, 1 for another configuration, 2 for another thing altogether."""
    if old.op != new.op and _family(old) != _family(new):
        return 2
    return int(old.op != new.op or old.attributes != new.attributes or _weights(old) != _weights(new))


def _weights(layer: Layer) -> Hashable:
    return tuple((p.shape, p.dtype, p.role) for p in layer.parameters)


def _what_and_channels(layer: Layer) -> Hashable:
    """Not the sizes: frameworks differ in where a stride stands. Channels are second in channels-first layout."""
    channels = [tensor.shape[1:2] for tensor in (*layer.input_tensors, *layer.output_tensors)]
    return (layer.op, layer.attribute("kernel_size"), *channels)
