"""The nodes of an ONNX graph in order, and the graphs that they run themselves. Each value has a name of its own."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...rows.identities import Identities
from .functions import named_subgraphs
from .stored import Stored, held_by, is_constant
from .wire import UnsoundError


class Use(NamedTuple):
    """A value that is read, and the node that reads it at which position (-1: it is a subgraph's result)."""

    name: str
    reader: Any
    position: int


class Node(NamedTuple):
    """A node with what it reads: its own inputs by position ("" for one that is left out), and what its subgraphs read.

    ``kind`` is the op type, with its domain where that isn't ONNX's own; ``reads`` are the names of all that it reads.
    ``bodies`` are its subgraphs (of If, Loop, Scan). What they read from outside or hold themselves, their node reads.
    """

    proto: Any
    uses: tuple[Use, ...]
    kind: str
    inputs: tuple[str, ...]
    reads: tuple[str, ...]
    outputs: tuple[str, ...]
    bodies: tuple[Body, ...]

    @classmethod
    def of(cls, proto: Any, uses: tuple[Use, ...], bodies: tuple[Body, ...]) -> Node:
        """The node of a proto."""
        return cls(
            proto,
            uses,
            f"{proto.domain}.{proto.op_type}" if proto.domain else str(proto.op_type),
            tuple([use.name for use in uses if use.reader is proto and use.position >= 0]),
            tuple([use.name for use in uses if use.name]),
            tuple(filter(None, proto.output)),
            bodies,
        )


@dataclass(frozen=True, slots=True)
class Body:
    """A graph that a node runs: its nodes in order, the names of what it is given and of what it gives.

    ``role`` is the node's attribute that holds it: ``then_branch``, ``body``.
    """

    role: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names of what is in a graph: of the values that are made there, and of the tensors that it holds."""

    made: Mapping[str, str]
    stored: Mapping[str, str]


def nodes_of(graph: Any, inputs: Collection[str], stored: dict[str, Stored], hints: dict[str, Any]) -> list[Node]:
    """The nodes of a network's graph in order. Tensors that subgraphs hold join ``stored``, types that they claim
    ``hints``.

    Raises:
        UnsoundError: a value is made twice, or read and never made.
    """
    opener = _Opener(graph, inputs, stored, hints)
    nodes = [opener.node(node, ()) for node in graph.node if not is_constant(node)]
    same: dict[str, str] = {}
    kept = []
    for node in _sorted(nodes, inputs | stored.keys()):
        node = _renamed(node, same)
        if node.kind == "Identity" and node.reads and node.reads[0] in stored and node.outputs:
            same[node.outputs[0]] = node.reads[0]  # torch's exporter writes equal weights once
        else:
            kept.append(node)
    return kept


class _Opener:
    """Opens subgraphs: each is read once, and its values get names that no other graph has."""

    def __init__(self, graph: Any, inputs: Collection[str], stored: dict[str, Stored], hints: dict[str, Any]) -> None:
        self._stored, self._hints = stored, hints
        self._unique = Identities({*stored, *inputs, *(name for node in graph.node for name in node.output)})

    def node(self, proto: Any, scopes: tuple[_Scope, ...]) -> Node:
        """A node of a graph that stands inside of ``scopes``."""
        uses = []
        for position, name in enumerate(proto.input):
            if scopes:
                name = proto.input[position] = _meant(name, scopes)
            uses.append(Use(name, proto, position))
        if scopes:
            for position, name in enumerate(proto.output):
                proto.output[position] = scopes[-1].made.get(name, name)
        bodies = []
        for role, graph in named_subgraphs(proto):
            body, made = self._body(role, graph, scopes)
            bodies.append(body)
            uses += [use for node in body.nodes for use in node.uses if use.name and use.name not in made]
            uses += [Use(name, proto, -1) for name in body.outputs if name not in made]
        return Node.of(proto, tuple(uses), tuple(bodies))

    def _body(self, role: str, graph: Any, scopes: tuple[_Scope, ...]) -> tuple[Body, Collection[str]]:
        """A subgraph, and the names of the values that are made in it."""
        held = {}
        for name, tensor in held_by(graph):
            held[name] = self._unique.next(name)
            self._stored[held[name]] = tensor._replace(name=held[name])
        nodes = [node for node in graph.node if not is_constant(node)]
        names = (value.name for value in graph.input), *(node.output for node in nodes)
        made = {name: self._unique.next(name) for some in names for name in some if name and name not in held}
        self._hints |= {
            made[value.name]: value.type for value in (*graph.value_info, *graph.output) if value.name in made
        }
        inside = (*scopes, _Scope(made, held))
        body = Body(
            role,
            tuple(_sorted([self.node(node, inside) for node in nodes], None)),
            tuple(_meant(value.name, inside) for value in graph.input),
            tuple(_meant(value.name, inside) for value in graph.output),
        )
        return body, frozenset(made.values())


def _meant(name: str, scopes: tuple[_Scope, ...]) -> str:
    """The name that a value has in all graphs."""
    for scope in reversed(scopes):
        if name in scope.stored:
            return scope.stored[name]
        if name in scope.made:
            return scope.made[name]
    return name


def _renamed(node: Node, same: Mapping[str, str]) -> Node:
    """The node, reading other values in place of those that are the ``same``."""
    if same.keys().isdisjoint(node.reads):
        return node
    for position, name in enumerate(node.proto.input):
        node.proto.input[position] = same.get(name, name)
    bodies = tuple(
        replace(
            body,
            nodes=tuple(_renamed(inner, same) for inner in body.nodes),
            outputs=tuple(same.get(name, name) for name in body.outputs),
        )
        for body in node.bodies
    )
    return Node.of(node.proto, tuple(use._replace(name=same.get(use.name, use.name)) for use in node.uses), bodies)


def _sorted(nodes: Sequence[Node], known: Collection[str] | None) -> Iterator[Node]:
    """The nodes in an order in which every value is made before it is read: the file's own, if that is one.

    ``known`` are the values that aren't made by any of them; None if they may be anything.
    """
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.outputs:
            if (known is not None and name in known) or makers.setdefault(name, index) != index:
                raise UnsoundError(f"the value {name!r} is made twice")
    readers: dict[int, list[int]] = {}
    missing = []
    for index, node in enumerate(nodes):
        sources = set()
        for name in node.reads:
            if name in makers:
                sources.add(makers[name])
            elif known is not None and name not in known:
                raise UnsoundError(f"{node.kind} {node.proto.name!r} reads {name!r}, which nothing makes")
        missing.append(len(sources))
        for source in sources:
            readers.setdefault(source, []).append(index)
    ready = [index for index, count in enumerate(missing) if not count]
    found = 0
    while ready:
        index = heapq.heappop(ready)
        found += 1
        yield nodes[index]
        for reader in readers.get(index, ()):
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, reader)
    if found < len(nodes):
        raise UnsoundError("its nodes read one another in a circle")
