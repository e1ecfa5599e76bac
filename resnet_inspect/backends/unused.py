"""Places for what no call was seen to use, so that the rows sum to the framework's own count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..ir import HELD, Attributes, Layer, Parameter
from .identities import Identities


def place_unused(
    layers: Sequence[Layer], parameters: Iterable[Parameter], describe: Callable[[str], tuple[str, str, Attributes]]
) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """All layers, with a place for those of the ``parameters`` that no layer counts, and the names of these.

    A parameter's place is the first layer inside its owner, or else a layer of its own, not called; a buffer's is the
    first layer inside whatever its owner is part of. ``describe`` tells the type, op and attributes of a module.
    """
    claimed = {p.name for layer in layers for p in layer.parameters}
    unclaimed = [p for p in parameters if p.name not in claimed]
    placed = list(layers)
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
    identities = Identities(layer.id for layer in placed)
    for owner, items in by_owner.items():
        if owner in first:
            layer = placed[first[owner]]
            placed[first[owner]] = replace(layer, parameters=(*layer.parameters, *items))
            continue
        kind, op, attributes = describe(owner)
        path = owner or kind
        placed.append(
            Layer(identities.next(path), path, kind, op, parameters=tuple(items), attributes=attributes, called=False)
        )
    return tuple(placed), tuple(p.name for p in unclaimed if p.role not in HELD)


def _within(path: str) -> Iterator[str]:
    """A path and the modules around it, the nearest first, down to the whole model."""
    yield path
    while path:
        path = path.rpartition(".")[0]
        yield path
