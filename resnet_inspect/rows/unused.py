"""Places for what no call was seen to use, so that the rows sum to the framework's own count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..ir import HELD, Attributes, Parameter
from .builder import Rows


def place_unused(
    rows: Rows[Any], parameters: Iterable[Parameter], describe: Callable[[str], tuple[str, str, Attributes]]
) -> tuple[str, ...]:
    """Finds a place for those of the ``parameters`` that no layer counts; returns their names, without the buffers'.

    A parameter's place is the first layer inside its owner, or else a layer of its own, not called; a buffer's is the
    first layer inside whatever its owner is part of. ``describe`` tells the type, op and attributes of a module.
    """
    unclaimed = rows.unclaimed(parameters)
    placed = rows.layers
    first: dict[str, int] = {}
    for index, layer in enumerate(placed if unclaimed else ()):
        if layer.op != "input":
            for owner in _within(layer.path):
                if owner in first:
                    break  # and so are all around it
                first[owner] = index
    by_owner: dict[str, list[Parameter]] = {}
    for parameter in unclaimed:
        owner = parameter.name.rpartition(".")[0]
        if parameter.role == "buffer":
            owner = next((name for name in _within(owner) if name in first), owner)
        by_owner.setdefault(owner, []).append(parameter)
    for owner, items in by_owner.items():
        if owner in first:
            layer = placed[first[owner]]
            placed[first[owner]] = replace(layer, parameters=(*layer.parameters, *items))
            continue
        kind, op, attributes = describe(owner)
        rows.add_uncalled(owner or kind, kind, op, items, attributes)
    return tuple(p.name for p in unclaimed if p.role not in HELD)


def _within(path: str) -> Iterator[str]:
    """A path and the modules around it, the nearest first, down to the whole model."""
    yield path
    while path:
        path = path.rpartition(".")[0]
        yield path
