"""The functions that an ONNX file defines, written out where they are called: as far as there is room for what they
stand for, which is counted before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, count
from typing import Any, NamedTuple

from onnx import inliner

from .wire import MOST_NODES, UnsoundError

#: Bytes of all nodes, written out.
_MOST_BYTES = 1 << 26
#: Calls and subgraphs in one another.
_DEEPEST = 100
#: What the nodes say that ``_name_results`` adds.
_ADDED = "added by resnet-inspect"

#: A function's domain, name and overload.
_Key = tuple[str, str, str]


class _Size(NamedTuple):
    nodes: int
    bytes: int
    depth: int


def written_out(model: Any) -> Any:
    """The model with its own functions written out where they are called.

    Raises:
        UnsoundError: a function calls itself, or there are too many nodes.
    """
    _fill_defaults(model)
    _name_results(model.functions)
    if not model.functions:
        return model
    size = _Sizes(model.functions).of(model.graph.node)
    if size.nodes > MOST_NODES:
        raise UnsoundError(f"its functions stand for more than {MOST_NODES} nodes")
    if size.bytes > _MOST_BYTES:
        raise UnsoundError(f"its functions stand for more than {_MOST_BYTES >> 20} MiB of nodes")
    try:
        found = inliner.inline_local_functions(model)
    except Exception:
        return model  # what it can't write out stays a node that nobody knows
    _leave_out_added(found)
    return found


def _fill_defaults(model: Any) -> None:
    """Writes the attributes that calls leave to their function's defaults: the inliner drops these."""
    defaults = {_key(function, function.name): list(function.attribute_proto) for function in model.functions}
    if not any(defaults.values()):
        return
    for function in model.functions:
        if any(attribute.HasField("g") or attribute.graphs for attribute in function.attribute_proto):
            # What it calls would have to be filled in wherever it is written to, without an end if it calls itself.
            raise UnsoundError(f"its function {function.name!r} has a graph as a default, which can't be read")
    room = _MOST_BYTES
    for graph in (model.graph, *model.functions):
        for node in with_inner(graph.node):
            given = {attribute.name for attribute in node.attribute}
            for default in defaults.get(_key(node, node.op_type), ()):
                if default.name not in given:
                    room -= default.ByteSize()
                    if room < 0:
                        raise UnsoundError(
                            f"its functions have more than {_MOST_BYTES >> 20} MiB of default attributes"
                        )
                    node.attribute.add().CopyFrom(default)


def _name_results(functions: Iterable[Any]) -> None:
    """Gives each result of a function, and of the graphs inside of it, a node of its own that makes it.

    onnx's inliner gives each result a new name, and with it all that reads the old one: a result that a loop was given,
    that comes from outside of a branch or that is given twice would be made by nobody.
    """
    numbers = count()
    for function in functions:
        inner = list(inner_graphs(function.node))
        nodes = chain(function.node, *(graph.node for graph in inner))
        names = {*function.input, *(name for node in nodes for name in node.output)}
        names.update(item.name for graph in inner for item in (*graph.input, *graph.initializer))
        fresh = (f"given_back_{number}" for number in numbers if f"given_back_{number}" not in names)
        function.output[:] = list(_made(function, function.output, fresh))
        for graph in inner:
            made = list(_made(graph, [result.name for result in graph.output], fresh, _ADDED))
            for result, name in zip(graph.output, made, strict=True):
                result.name = name


def _made(graph: Any, results: Iterable[str], fresh: Iterator[str], note: str = "") -> Iterator[str]:
    """The names of results, those that a graph's own nodes make once as they are."""
    own = {name for node in graph.node for name in node.output}
    for name in results:
        if name in own:
            own.remove(name)
            yield name
        else:
            new = next(fresh)
            graph.node.add(op_type="Identity", input=[name], output=[new], doc_string=note)
            yield new


def _leave_out_added(model: Any) -> None:
    """Takes the nodes that ``_name_results`` added out of inner graphs, which may give what they are given."""
    for graph in inner_graphs(model.graph.node):
        if added := [node for node in graph.node if node.doc_string == _ADDED]:
            given = {node.output[0]: node.input[0] for node in added}
            kept = [node for node in graph.node if node.doc_string != _ADDED]
            del graph.node[:]
            graph.node.extend(kept)
            for result in graph.output:
                result.name = given.get(result.name, result.name)


def with_inner(nodes: Collection[Any]) -> Iterator[Any]:
    """Nodes, and those of their subgraphs."""
    return chain(nodes, *(graph.node for graph in inner_graphs(nodes)))


def inner_graphs(nodes: Iterable[Any]) -> Iterator[Any]:
    """The graphs that nodes run, and those that these run."""
    for node in nodes:
        for _, graph in named_subgraphs(node):
            yield graph
            yield from inner_graphs(graph.node)


def named_subgraphs(node: Any) -> Iterator[tuple[str, Any]]:
    """The graphs that a node runs, each with the name of its attribute."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.name, attribute.g
        for graph in attribute.graphs:
            yield attribute.name, graph


class _Sizes:
    """How large nodes are once the functions that they call are written out: each function is measured once.

    A graph that a call gives to a function is written wherever the function refers to it.
    """

    def __init__(self, functions: Iterable[Any]) -> None:
        self._functions: dict[_Key, Any] = {}
        for function in functions:
            # Had two one name, the one that is measured might be another than the one that is written out.
            if self._functions.setdefault(_key(function, function.name), function) is not function:
                raise UnsoundError(f"it has two functions called {function.name!r}")
        self._known: dict[_Key, _Size] = {}
        self._open: set[_Key] = set()
        #: Function and attribute -> how often the function writes what it is given as that.
        self._copies: dict[tuple[_Key, str], int] = {}
        #: Function -> attribute -> where it refers to it: nodes by what they call, and attributes of theirs.
        self._references: dict[_Key, dict[str, list[tuple[_Key, str]]]] = {}

    def of(self, nodes: Iterable[Any], level: int = 0) -> _Size:
        if level > _DEEPEST:
            raise UnsoundError("its functions call one another too deeply")
        total = size = depth = 0
        for node in nodes:
            key = _key(node, node.op_type)
            inside = []
            for name, graph in named_subgraphs(node):
                once, times = self.of(graph.node, level + 1), self._written(key, name, level)
                inside.append(_Size(once.nodes * times, (graph.ByteSize() + once.bytes) * times, once.depth))
            if key in self._functions:
                inside.append(self._function(key, level + 1))
            total += 1 + sum(part.nodes for part in inside)
            # What stands in its subgraphs counts more than once, which does no harm.
            size += node.ByteSize() + sum(part.bytes for part in inside)
            depth = max(depth, *(1 + part.depth for part in inside), 0)
        if level + depth > _DEEPEST:
            raise UnsoundError("its functions call one another too deeply")
        return _Size(total, size, depth)

    def _written(self, key: _Key, name: str, level: int) -> int:
        """How often what a call gives as an attribute is written: once if it calls no function of the file's own."""
        if key not in self._functions:
            return 1
        if level > _DEEPEST:
            raise UnsoundError("its functions call one another too deeply")
        if key not in self._references:
            found = self._references[key] = {}
            for node in with_inner(self._functions[key].node):
                for attribute in node.attribute:
                    if attribute.ref_attr_name:
                        place = _key(node, node.op_type), attribute.name
                        found.setdefault(attribute.ref_attr_name, []).append(place)
        if (key, name) not in self._copies:
            self._copies[key, name] = 0  # meanwhile, for a function that calls itself: that is told later
            places = self._references[key].get(name, ())
            self._copies[key, name] = sum(self._written(*place, level + 1) for place in places)
        return self._copies[key, name]

    def _function(self, key: _Key, level: int) -> _Size:
        if key in self._open:
            raise UnsoundError(f"its function {key[1]!r} calls itself")
        if key not in self._known:
            self._open.add(key)
            self._known[key] = self.of(self._functions[key].node, level)
            self._open.remove(key)
        return self._known[key]


def _key(item: Any, name: str) -> _Key:
    return "" if item.domain == "ai.onnx" else item.domain, name, getattr(item, "overload", "")
