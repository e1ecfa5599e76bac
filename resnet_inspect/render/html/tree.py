"""A network as a tree of modules that a page can fold: each node stands before the nodes inside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ...analysis.facts import Facts
from ...analysis.named_blocks import with_blocks
from ...analysis.rows import Row, kind_of_row
from ...ir import Layer, Summary

#: So many modules stand inside of one another at most. What is nested deeper stands in the deepest of these.
_MOST_LEVELS = 64
#: So many nodes stand in a module at most. Where there are more, neighbours are held together, so that a page can fold
#: a network without modules.
_MOST_INSIDE = 120


@dataclass(frozen=True, slots=True)
class Node:
    """A layer, a module, or several equal modules in a row.

    ``parent`` is the position of the node around it, -1 of the whole network's. ``row`` has its layers. ``count`` is
    the number of modules in a run of equal ones, else 0; ``is_run``: the node only holds neighbours together.
    """

    parent: int
    label: str
    row: Row
    count: int = 0
    is_layer: bool = False
    is_run: bool = False


@dataclass(slots=True)
class _Module:
    """A module while the tree grows; ``inside`` are modules and layers in the order of their first call."""

    path: str
    inside: list[_Module | Layer] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Run:
    """Nodes in a row that are folded to one."""

    label: str
    members: list[_Module | Layer | _Run]
    count: int = 0

    @property
    def path(self) -> str:
        """The paths of the first and of the last one."""
        return f"{_first(self)} … {_last(self)}"

    @property
    def layers(self) -> list[Layer]:
        """Those of all members."""
        return [layer for member in self.members for layer in _layers(member)]


def tree(summary: Summary, states: Mapping[str, str] | None = None, facts: Facts | None = None) -> list[Node]:
    """The nodes in the order of a table that is unfolded whole; the network itself is the first.

    A module that holds a single node is left out, as it would be a frame around a frame. Equal modules in a row are
    held by a node of their own. Networks without modules have those that their layers' names say.

    ``states`` are of a comparison, by layer: then it isn't equal modules that are held together, but those in which
    nothing differs (``same``), or no more than follows from what does elsewhere (``follows``).
    """
    # Analyses are of the network as it is: where outputs end follows from the modules that it was called with.
    facts = facts or Facts(summary)
    summary = with_blocks(summary)
    kinds = dict(summary.modules)
    nodes: list[Node] = []
    waiting: list[tuple[_Module | Layer | _Run, int, str]] = [(_grown(summary), -1, "")]
    while waiting:
        item, parent, around = waiting.pop()
        place = len(nodes)
        if isinstance(item, Layer):
            row = Row(item.id, item.path, item.type, (item,), item.inputs, 0, facts)
            nodes.append(Node(parent, _below(around, item.id), row, is_layer=True))
        elif isinstance(item, _Module):
            row = _row(item, kinds, facts)
            nodes.append(Node(parent, _below(around, item.path), row))
            runs = _equal(item, kinds, facts) if states is None else _undisturbed(item, states)
            waiting += [(each, place, item.path) for each in reversed(_few(item.path, list(runs)))]
        else:
            first = item.members[0]
            kind = kinds.get(first.path, "") if item.count and isinstance(first, _Module) else ""
            row = Row(item.path, item.path, kind, tuple(item.layers), (), 0, facts)
            nodes.append(Node(parent, item.label, row, item.count, is_run=True))
            waiting += [(member, place, around) for member in reversed(_few(around, item.members))]
    return nodes


def _grown(summary: Summary) -> _Module:
    """The whole network with its modules inside."""
    known = {path for path, _ in summary.modules}
    root = _Module("")
    modules = {"": root}
    for layer in summary.layers:
        parts = layer.path.split(".")[:_MOST_LEVELS]
        around = root
        around.layers.append(layer)
        for end in range(1, min(len(parts), layer.path.count(".") + 1)):
            path = ".".join(parts[:end])
            if path not in known:
                continue
            module = modules.get(path)
            if module is None:
                module = modules[path] = _Module(path)
                around.inside.append(module)
            around = module
            around.layers.append(layer)
        around.inside.append(layer)
    for path in sorted(modules, key=len, reverse=True):
        modules[path].inside = [_only(item) for item in modules[path].inside]
    while len(root.inside) == 1 and isinstance(root.inside[0], _Module):
        root.inside = root.inside[0].inside
    return root


def _only(item: _Module | Layer) -> _Module | Layer:
    """What a module holds, where that is a single thing; else the module."""
    return item.inside[0] if isinstance(item, _Module) and len(item.inside) == 1 else item


def _equal(module: _Module, kinds: dict[str, str], facts: Facts) -> Iterator[_Module | Layer | _Run]:
    """The nodes in a module, equal modules in a row as a run, unless a few of them are all that the module holds."""
    for _, group in groupby(module.inside, lambda item: _kind(item, kinds, facts)):
        members = list(group)
        if 1 < len(members) < len(module.inside) or len(members) > 3:
            yield _Run(_ends(module.path, members), [*members], len(members))
        else:
            yield from members


def _undisturbed(module: _Module, states: Mapping[str, str]) -> Iterator[_Module | Layer | _Run]:
    """The nodes in a module, those in which nothing was edited as runs, unless a run is all that the module holds.

    The whole network can't be folded: in it, a run may be all.
    """

    def state(item: _Module | Layer) -> str:
        found = {states.get(layer.id, "same") for layer in _layers(item)}
        return "same" if found == {"same"} else "follows" if found <= {"same", "follows"} else "edited"

    for kind, group in groupby(module.inside, state):
        members = list(group)
        if kind == "edited" or len(members) == 1 or (module.path and len(members) == len(module.inside)):
            yield from members
            continue
        count = sum(len(_layers(member)) for member in members)
        yield _Run(f"{count:,} equal layers" if kind == "same" else f"{count:,} layers that follow", [*members])


def _few(around: str, items: Sequence[_Module | Layer | _Run]) -> Sequence[_Module | Layer | _Run]:
    """The nodes, or as many runs of neighbours as each run has of them, until they are no more than a page draws."""
    while len(items) > _MOST_INSIDE:
        size = math.isqrt(len(items) - 1) + 1
        groups = [list(items[start : start + size]) for start in range(0, len(items), size)]
        items = [_Run(_ends(around, group), group) if len(group) > 1 else group[0] for group in groups]
    return items


def _ends(around: str, items: Sequence[_Module | Layer | _Run]) -> str:
    return f"{_below(around, _first(items[0]))} … {_below(around, _last(items[-1]))}"


def _first(item: _Module | Layer | _Run) -> str:
    return _first(item.members[0]) if isinstance(item, _Run) else _path(item)


def _last(item: _Module | Layer | _Run) -> str:
    return _last(item.members[-1]) if isinstance(item, _Run) else _path(item)


def _layers(item: _Module | Layer | _Run) -> Sequence[Layer]:
    return [item] if isinstance(item, Layer) else item.layers


def _path(item: _Module | Layer) -> str:
    return item.id if isinstance(item, Layer) else item.path


def _kind(item: _Module | Layer, kinds: dict[str, str], facts: Facts) -> object:
    return item.id if isinstance(item, Layer) else kind_of_row(_row(item, kinds, facts))


def _row(module: _Module, kinds: dict[str, str], facts: Facts) -> Row:
    return Row(module.path, module.path, kinds.get(module.path, ""), tuple(module.layers), (), 0, facts)


def _below(around: str, path: str) -> str:
    return path.removeprefix(f"{around}.") if around else path
