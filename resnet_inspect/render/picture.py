"""What every drawing of the graph shows: boxes, the arrows between them, and the modules around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from .. import units
from ..analysis.metrics import metric
from ..analysis.residual import Block, is_addition, residual_blocks
from ..analysis.rows import Row
from ..ir import UNKNOWN, Layer, Summary
from ..shape import format_shape
from .columns import Column, choose
from .kinds import kind

#: What a tooltip says of a box.
_DETAILS = ("path", "type", "attributes", "input", "output", "params", "macs")


@dataclass(frozen=True, slots=True)
class Family:
    """The colours of one kind of operations, in light and in dark."""

    fill: str
    stroke: str
    dark_fill: str
    dark_stroke: str


FAMILIES = {
    "conv": Family("#ddf4ff", "#54aeff", "#0f2d4d", "#388bfd"),
    "norm": Family("#f1f3f5", "#afb8c1", "#1c2128", "#545d68"),
    "activation": Family("#dafbe1", "#4ac26b", "#0f3320", "#2ea043"),
    "pool": Family("#fff8c5", "#d4a72c", "#362a08", "#9e6a03"),
    "merge": Family("#ffe7d6", "#e16f24", "#472309", "#db6d28"),
    "dense": Family("#fbefff", "#c297ff", "#2b1b4d", "#8957e5"),
    "module": Family("#e7ecf0", "#8c959f", "#262c36", "#768390"),
    "other": Family("#ffffff", "#afb8c1", "#0d1117", "#545d68"),
}
#: Shortcuts, in light and in dark.
ACCENT, DARK_ACCENT = "#d1570b", "#f0883e"


@dataclass(frozen=True, slots=True)
class Node:
    """One row as a box. ``id`` is the row's own, which edges name.

    ``label`` leaves out what the innermost of ``groups`` (the modules drawn around it, outermost first) says already.
    ``shape`` are the output shapes, n/a if unknown. ``macs`` is None if those of a layer aren't known. ``residual``
    counts the residual blocks that are folded in it.
    """

    id: str
    label: str
    type: str
    family: str
    shape: str
    params: int
    macs: int | None
    residual: int
    details: tuple[tuple[str, str], ...]
    groups: tuple[str, ...] = ()

    @property
    def heading(self) -> tuple[str, ...]:
        """The label and the type; once where they are the same."""
        return tuple(dict.fromkeys(filter(None, (self.label, self.type))))

    @property
    def cost(self) -> tuple[str, ...]:
        """Parameters and multiply-adds in short, as far as there are any."""
        params = f"{units.si(self.params)} params" if self.params else ""
        return tuple(filter(None, (params, "" if self.macs == 0 else f"{units.si(self.macs)} MACs")))

    @property
    def note(self) -> str:
        """What is folded away: ``residual``, or how many such blocks."""
        return "" if not self.residual else "residual" if self.residual == 1 else f"{self.residual} residual blocks"


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two rows' ids.

    ``skip``: it leaves out layers that another path to its end goes through. ``shortcut`` is the kind of the shortcut
    it belongs to (``identity``, ``projection``, ``other``), None of any other edge: a projection's is the skip to the
    first layer on the shortcut, and the edges from there to the addition.
    """

    source: str
    target: str
    skip: bool = False
    shortcut: str | None = None


class Mark(NamedTuple):
    """What an edge between layers is on a shortcut: of which kind, whether it skips, and the position of its block.

    The position is -1 of a skip around no residual block: U-Net, DenseNet.
    """

    kind: str
    skip: bool
    block: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Nodes in execution order; ``groups`` are the drawn modules, path -> title; ``facts`` are of the whole network."""

    title: str
    facts: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: dict[str, str]


def picture(summary: Summary, rows: Sequence[Row]) -> Picture:
    """The picture of a summary's rows."""
    owner = {layer.id: row.id for row in rows for layer in row.layers}
    folded = dict.fromkeys((row.id for row in rows), 0)
    blocks = residual_blocks(summary)
    for block in blocks:
        around = {owner.get(member) for member in (*block.branch, *block.shortcut, block.join)}
        if len(around) == 1 and (only := around.pop()) is not None:
            folded[only] += 1
    columns = choose(_DETAILS)
    nodes = tuple(_node(row, columns, folded[row.id]) for row in rows)
    groups = _groups(nodes, summary)
    return Picture(
        title=summary.model.title,
        facts=_facts(summary, sum(len(row.layers) for row in rows)),
        nodes=tuple(_within(node, groups) for node in nodes),
        edges=_edges(rows, owner, shortcuts(summary, blocks)),
        groups={path: f"{path} {title}".rstrip() for path, title in groups.items()},
    )


def _facts(summary: Summary, drawn: int) -> str:
    """Of the whole network, and how much of it is ``drawn``."""
    totals = summary.totals
    parts = [units.NOT_AVAILABLE if t == UNKNOWN else format_shape(t.shape) for t in summary.inputs]
    parts += [f"{units.si(totals.params)} params", f"{units.si(None if totals.uncounted else totals.macs)} MACs"]
    parts += ["no connections known"] if not summary.has_graph else []
    parts += [f"{drawn} of {len(summary.layers)} layers drawn"] if drawn < len(summary.layers) else []
    return " · ".join(parts)


def notes(summary: Summary) -> tuple[str, ...]:
    """Why a drawing has no arrows."""
    if summary.has_graph:
        return ()
    return (f"{summary.model.name} holds tensors and no graph: there are no connections to draw",)


def nested(nodes: Sequence[Node]) -> Iterator[tuple[int, tuple[str, ...], Node]]:
    """For each node in the given order: how many groups end before it, which begin, and the node."""
    running: tuple[str, ...] = ()
    for node in nodes:
        pairs = zip(running, node.groups, strict=False)
        same = next(
            (place for place, (old, new) in enumerate(pairs) if old != new), min(len(running), len(node.groups))
        )
        yield len(running) - same, node.groups[same:], node
        running = node.groups


def outlined(
    nodes: Sequence[Node], begin: Callable[[str], str], end: str, line: Callable[[Node], str], indent: str
) -> list[str]:
    """The nodes inside their groups as lines of text: ``begin`` opens the group of a path, ``end`` closes it."""
    lines, depth = [], 0
    for ends, begins, node in nested(by_group(nodes)):
        for _ in range(ends):
            lines.append(indent * depth + end)
            depth -= 1
        for path in begins:
            depth += 1
            lines.append(indent * depth + begin(path))
        lines.append(indent * (depth + 1) + line(node))
    return lines + [indent * level + end for level in range(depth, 0, -1)]


def by_group(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with those of a group side by side, where a module ran more than once too."""
    first: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for group in node.groups:
            first.setdefault(group, index)
    keys = [(*(first[group] for group in node.groups), index) for index, node in enumerate(nodes)]
    return [nodes[i] for i in sorted(range(len(nodes)), key=keys.__getitem__)]


def _node(row: Row, columns: Sequence[Column], residual: int) -> Node:
    details = {column.key: (column.title, column.text(row)) for column in columns}
    return Node(
        id=row.id,
        label=row.id,
        type=details["type"][1],
        family=family(row.layers),
        shape=_shape(row),
        params=metric("params").of(row.layers, row.facts),
        macs=metric("macs").of(row.layers, row.facts),
        residual=residual,
        details=tuple((title, text) for title, text in details.values() if text),
    )


def _shape(row: Row) -> str:
    """The output shapes, n/a where they aren't known; nothing where nothing is given."""
    given = any(layer.called and layer.output_tensors for layer in row.layers)
    return ", ".join(map(format_shape, row.output_shapes)) or (units.NOT_AVAILABLE if given else "")


def family(layers: tuple[Layer, ...]) -> str:
    """Which of ``FAMILIES`` the box of these layers has the colours of."""
    if len(layers) > 1:
        return "module"
    if is_addition(layers[0]) or layers[0].op == "mul":
        return "merge"
    return kind(layers[0].op)


def _groups(nodes: Sequence[Node], summary: Summary) -> dict[str, str]:
    """Modules that hold at least two rows, unless one inside holds them all."""
    known = {path for path, _ in summary.modules}
    held: dict[str, int] = {}
    inner: dict[str, int] = {}
    for node in nodes:
        parts = node.id.split(".")
        around = [path for end in range(1, len(parts)) if (path := ".".join(parts[:end])) in known]
        for path in around:
            held[path] = held.get(path, 0) + 1
        for outer, path in pairwise(around):
            inner[outer] = max(inner.get(outer, 0), held[path])
    kinds = dict(summary.modules)
    return {path: kinds[path] for path, count in held.items() if count > 1 and inner.get(path) != count}


def _within(node: Node, groups: dict[str, str]) -> Node:
    parts = node.id.split(".")
    around = tuple(path for end in range(1, len(parts)) if (path := ".".join(parts[:end])) in groups)
    return replace(node, label=node.id[len(around[-1]) + 1 :] if around else node.id, groups=around)


def _edges(rows: Sequence[Row], owner: dict[str, str], marks: dict[tuple[str, str], Mark]) -> tuple[Edge, ...]:
    """Each edge between rows once. Where it stands for several between layers, it is a skip if all of them are."""
    made_of: dict[tuple[str | None, str], list[Mark | None]] = {}
    for row in rows:
        for layer in row.layers:
            for source in layer.inputs:
                pair = owner.get(source), row.id
                made_of.setdefault(pair, []).append(marks.get((source, layer.id)))
    result = []
    for pair in connections(rows):
        found = made_of.get(pair, [None])
        on = [mark for mark in found if mark is not None]
        whole = len(on) == len(found)
        result.append(Edge(*pair, whole and all(mark.skip for mark in on), on[0].kind if whole else None))
    return tuple(result)


def connections(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The ends of each edge of a picture of these rows."""
    shown = {row.id for row in rows}
    pairs = ((source, row.id) for row in rows for source in row.connected_to)
    return [pair for pair in dict.fromkeys(pairs) if pair[0] in shown and pair[0] != pair[1]]


def shortcuts(summary: Summary, blocks: Sequence[Block]) -> dict[tuple[str, str], Mark]:
    """The edges on shortcuts, by their ends."""
    found = dict.fromkeys(_jumps(summary), Mark("identity", True, -1))
    reads = {layer.id: layer.inputs for layer in summary.layers}
    for index, block in enumerate(blocks):
        on = {block.fork, *block.shortcut}
        for target in (*block.shortcut, block.join):
            for source in reads[target]:
                if source in on:
                    found[source, target] = Mark(block.kind, source == block.fork, index)
    return found


def _jumps(summary: Summary) -> Iterator[tuple[str, str]]:
    """Edges to an addition or a concatenation from what another of its inputs is made of: U-Net, DenseNet."""
    # Sets as the bits of whole numbers: of 10,000 layers, each takes a kilobyte.
    place = {layer.id: index for index, layer in enumerate(summary.layers)}
    last = {source: layer.id for layer in summary.layers for source in layer.inputs}
    behind: dict[str, int] = {}
    for layer in summary.layers:
        sources = [source for source in dict.fromkeys(layer.inputs) if source in behind]
        everything = 0
        for source in sources:
            everything |= behind[source]
        if (is_addition(layer) or layer.op == "concat") and len(sources) > 1:
            # None of them is made of itself: what others are made of needs no look at each other one.
            yield from ((source, layer.id) for source in sources if everything >> place[source] & 1)
        for source in sources:
            everything |= 1 << place[source]
        behind[layer.id] = everything
        for source in sources:
            if last[source] == layer.id:
                del behind[source]
