"""A network as a tree of modules that a page can fold: each node stands before the nodes inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ...analysis.facts import Facts
from ...analysis.named_blocks import with_blocks
from ...analysis.rows import Row, kind_of_row
from ...ir import Layer, Summary

#: So many modules stand inside of one another at most. What is nested deeper stands in the deepest of these.
_MOST_LEVELS = 64


@dataclass(frozen=True, slots=True)
class Node:
    """A layer, a module, or several equal modules in a row.

    ``parent`` is the position of the node around it, -1 of the whole network's. ``row`` has its layers. ``count`` is
    the number of modules in a run of equal ones, else 0; ``equal`` marks a run of what two networks have in common.
    """

    parent: int
    label: str
    row: Row
    count: int = 0
    is_layer: bool = False


@dataclass(slots=True)
class _Module:
    """A module while the tree grows; ``inside`` are modules and layers in the order of their first call."""

    path: str
    inside: list[_Module | Layer] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)


def tree(summary: Summary) -> list[Node]:
    """The nodes in the order of a table that is unfolded whole; the network itself is the first.

    A module that holds a single node is left out, as it would be a frame around a frame. Equal modules in a row are
    held by a node of their own. Networks without modules have those that their layers' names say.
    """
    summary = with_blocks(summary)
    facts = Facts(summary)
    kinds = dict(summary.modules)
    nodes: list[Node] = []
    waiting: list[tuple[_Module | Layer | list[_Module], int, str]] = [(_grown(summary), -1, "")]
    while waiting:
        item, parent, around = waiting.pop()
        place = len(nodes)
        if isinstance(item, Layer):
            row = Row(item.id, item.path, item.type, (item,), item.inputs, 0, facts)
            nodes.append(Node(parent, _below(around, item.id), row, is_layer=True))
        elif isinstance(item, _Module):
            row = _row(item, kinds, facts)
            nodes.append(Node(parent, _below(around, item.path), row))
            waiting += [(each, place, item.path) for each in reversed(list(_runs(item.inside, kinds, facts)))]
        else:
            first, last = (_below(around, module.path) for module in (item[0], item[-1]))
            layers = tuple(layer for module in item for layer in module.layers)
            path = f"{item[0].path} … {item[-1].path}"
            row = Row(path, path, kinds.get(item[0].path, ""), layers, (), 0, facts)
            nodes.append(Node(parent, f"{first} … {last}", row, count=len(item)))
            waiting += [(module, place, around) for module in reversed(item)]
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


def _runs(
    inside: Sequence[_Module | Layer], kinds: dict[str, str], facts: Facts
) -> Iterator[_Module | Layer | list[_Module]]:
    """The nodes in a module, equal modules in a row as a list of them, unless the module holds nothing else."""
    for _, group in groupby(inside, lambda item: _kind(item, kinds, facts)):
        members = list(group)
        modules = [item for item in members if isinstance(item, _Module)]
        if 1 < len(modules) < len(inside) or len(modules) > 3:
            yield modules
        else:
            yield from members


def _kind(item: _Module | Layer, kinds: dict[str, str], facts: Facts) -> object:
    return item.id if isinstance(item, Layer) else kind_of_row(_row(item, kinds, facts))


def _row(module: _Module, kinds: dict[str, str], facts: Facts) -> Row:
    return Row(module.path, module.path, kinds.get(module.path, ""), tuple(module.layers), (), 0, facts)


def _below(around: str, path: str) -> str:
    return path.removeprefix(f"{around}.") if around else path
