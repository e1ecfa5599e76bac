"""The rows of a table: every layer, or whole modules below a depth, with exact subtotals; equal ones as one."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby

from ..errors import BadRequestError
from ..ir import UNKNOWN, Layer, Parameter, Shape, Summary
from .facts import Facts


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a layer, or all layers of a module. ``metrics`` compute its numbers from ``layers``.

    ``id`` is what the edges in ``connected_to`` call it: the layer's id, or the module's path.
    """

    id: str
    path: str
    type: str
    layers: tuple[Layer, ...]
    connected_to: tuple[str, ...]
    depth: int
    facts: Facts

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters that these layers count."""
        return tuple(p for layer in self.layers for p in layer.parameters)

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """What the first layer reads."""
        return tuple(t.shape for t in self.layers[0].input_tensors if t != UNKNOWN)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """What the last called layer gives; empty if none was called."""
        called = [layer for layer in self.layers if layer.called]
        return tuple(t.shape for t in called[-1].output_tensors if t != UNKNOWN) if called else ()


_NUMBER = re.compile(r"\d+")


def rows(
    summary: Summary, depth: int | None = None, only: Sequence[str] = (), facts: Facts | None = None
) -> tuple[Row, ...]:
    """Rows in execution order, folded below ``depth`` path components, of the paths that match ``only``.

    ``facts`` are of the same network without the modules that only its layers' names say: nothing was called in those,
    and what a module was called with lives until it returns.

    Raises:
        BadRequestError: no path matches.
    """
    layers = [layer for layer in summary.layers if not only or any(_matches(layer.path, pattern) for pattern in only)]
    if only and not layers:
        from .nearest import nearest  # only the message needs it

        raise BadRequestError(
            f"no layer matches {' or '.join(map(repr, only))}; {nearest(summary, only[0].rstrip('.*'))}"
        )
    kinds = dict(summary.modules)
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(_group(layer, depth), []).append(layer)
    by_id = {layer.id: _group(layer, depth) for layer in summary.layers}
    facts = facts or Facts(summary)
    result = []
    for key, members in groups.items():
        single = len(members) == 1 and (depth is None or members[0].path.count(".") < depth)
        sources = [by_id[source] for layer in members for source in layer.inputs]
        path = members[0].path if single else key
        result.append(
            Row(
                id=key,
                path=path,
                type=members[0].type if single else kinds.get(key, members[0].type),
                layers=tuple(members),
                connected_to=tuple(sources if single else dict.fromkeys(s for s in sources if s != key)),
                depth=path.count("."),
                facts=facts,
            )
        )
    return tuple(result)


def _matches(path: str, pattern: str) -> bool:
    """Whether a path is meant: as a pattern says, or inside of a module that is named whole."""
    return fnmatchcase(path, pattern) or path.startswith(f"{pattern}.")


def _group(layer: Layer, depth: int | None) -> str:
    """The key of the row that a layer belongs to: its own id, or the path of its module at ``depth``."""
    if depth is None or layer.op == "input":
        return layer.id
    parts = layer.path.split(".")
    return layer.id if len(parts) <= depth else ".".join(parts[:depth])


def repeats_joined(found: Sequence[Row], mark: str = "…") -> tuple[Row, ...]:
    """Rows of which equal ones that follow one another are one: ``layer3.1 … layer3.5  x5``, with their sums."""
    joined: list[Row] = []
    names: dict[str, str] = {}
    for _, group in groupby(found, kind_of_row):
        members = list(group)
        first, last = members[0], members[-1]
        if len(members) == 1:
            joined.append(first)
            continue
        name = f"{first.id} {mark} {last.id}  x{len(members)}"
        names |= dict.fromkeys((row.id for row in members), name)
        layers = tuple(layer for row in members for layer in row.layers)
        sources = tuple(source for row in members for source in row.connected_to)
        joined.append(replace(first, id=name, path=name, layers=layers, connected_to=sources))
    return tuple(
        replace(row, connected_to=tuple(dict.fromkeys(n for s in row.connected_to if (n := names.get(s, s)) != row.id)))
        for row in joined
    )


def kind_of_row(row: Row) -> Hashable:
    """What two rows share that are the same thing twice: all but the numbers in their names."""
    layers = tuple(
        (layer.type, layer.op, layer.attributes, layer.output_tensors, tuple(p.shape for p in layer.parameters))
        for layer in row.layers
    )
    return _NUMBER.sub("#", row.path), row.type, layers
