"""What the nodes of a TensorFlow graph or function say by themselves: read once, however often a function is called."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from math import prod
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

#: An operation's sizes as the file says them: -1 is open, and None a number of dimensions that is.
Dims = tuple[int, ...] | None

#: Dimensions of a tensor, as TensorFlow has it; scopes around a name; elements of a constant that is kept.
RANK, _SCOPES, _ELEMENTS = 254, 100, 64


@dataclass(frozen=True, slots=True)
class Reference:
    """An output of a node, or an argument of the function."""

    node: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A node: what it reads, what it gives, and its elements, an array, where it is a constant of a few."""

    node: Any
    reads: tuple[Reference, ...]
    outputs: tuple[tuple[Dims, str], ...]
    constant: Any


@dataclass(frozen=True, slots=True)
class Body:
    """The nodes that a function's results need, in order; ``cost`` is how many it has, with what they read and give."""

    steps: tuple[Step, ...]
    results: tuple[Reference, ...]
    cost: int


@dataclass(frozen=True, slots=True)
class Nodes:
    """Reads nodes beside their operations' ``definitions``; ``spend`` is told of each output before it is listed."""

    definitions: Mapping[str, Any]
    spend: Callable[[int], None]

    def body(self, nodes: Sequence[Any], given: Set[str], wanted: Sequence[str]) -> Body:
        """What the references ``wanted`` need, where what is ``given`` is there already."""
        by_name = {node.name: node for node in nodes if node.name not in given}
        steps = []
        for node in _needed(by_name, [node_of(text) for text in wanted]):
            check_name(node.name)
            reads = tuple(self._reference(by_name, text) for text in _data(node))
            outputs = self._outputs(node)
            steps.append(Step(node, reads, outputs, _constant(node) if node.op == "Const" else None))
        cost = sum(1 + len(node.input) for node in nodes) + sum(len(step.outputs) for step in steps)
        return Body(tuple(steps), tuple(self._reference(by_name, text) for text in wanted), cost)

    def _definition(self, kind: str) -> Any:
        """An operation's definition. A file lacks those that only loops and branches use: TensorFlow has them."""
        return self.definitions.get(kind) or op_def_registry.get(kind)

    def _reference(self, nodes: Mapping[str, Any], text: str) -> Reference:
        """What ``node``, ``node:1`` or, in a function, ``node:output:1`` refers to."""
        name, *rest = text.split(":")
        index = int(rest[-1]) if rest and rest[-1].isdigit() else 0
        definition = self._definition(nodes[name].op) if name in nodes else None
        if len(rest) == 2 and definition is not None:
            outputs = [item.name for item in definition.output_arg]
            index += outputs.index(rest[0]) if rest[0] in outputs else 0
        return Reference(name, index)

    def _outputs(self, node: Any) -> tuple[tuple[Dims, str], ...]:
        """Sizes and element types of what a node gives, as far as they are written."""
        shapes = [dims_of(item) for item in node.attr["_output_shapes"].list.shape]
        definition = self._definition(node.op)
        types: list[str] = []
        # What is as the definition has it by default is left out of a node.
        defaults = {item.name: item.default_value.type for item in definition.attr} if definition is not None else {}
        for item in definition.output_arg if definition is not None else ():
            if item.type_list_attr:
                types += [dtype_of(number) for number in node.attr[item.type_list_attr].list.type]
            else:
                number = (
                    (node.attr[item.type_attr].type or defaults.get(item.type_attr, 0)) if item.type_attr else item.type
                )
                times = node.attr[item.number_attr].i if item.number_attr else 1
                self.spend(times)
                types += [dtype_of(number)] * times
        count = max(len(shapes), len(types))
        shapes += [None] * (count - len(shapes))
        types += ["unknown"] * (count - len(types))
        return tuple(zip(shapes, types, strict=True))


def _needed(nodes: Mapping[str, Any], wanted: Iterable[str]) -> list[Any]:
    """The nodes that the wanted ones depend on, each after those that it reads, else in the file's order."""
    order = {name: index for index, name in enumerate(nodes)}
    reads: dict[str, set[str]] = {}
    waiting = [name for name in wanted if name in nodes]
    while waiting:
        name = waiting.pop()
        if name not in reads:
            sources = {node_of(text) for text in _data(nodes[name])}
            reads[name] = sources & nodes.keys()
            waiting += reads[name]
    readers: dict[str, list[str]] = {name: [] for name in reads}
    for name, sources in reads.items():
        for source in sources:
            readers[source].append(name)
    ready = [order[name] for name, sources in reads.items() if not sources]
    heapq.heapify(ready)
    names = list(nodes)
    result = []
    left = {name: len(sources) for name, sources in reads.items()}
    while ready:
        name = names[heapq.heappop(ready)]
        result.append(nodes[name])
        for reader in readers[name]:
            left[reader] -= 1
            if not left[reader]:
                heapq.heappush(ready, order[reader])
    # In a loop of TensorFlow 1 every node waits for another: they are left out, and what reads them has no input.
    return result


def _data(node: Any) -> list[str]:
    """The references of a node that carry a tensor: those with ``^`` only say what comes first."""
    return [text for text in node.input if not text.startswith("^")]


def node_of(text: str) -> str:
    """The node that a reference is about."""
    return text.partition(":")[0]


def check_name(name: str) -> None:
    """Raises ValueError where a name has more scopes than a model has."""
    if name.count("/") > _SCOPES:
        raise ValueError(f"a name has more than {_SCOPES} scopes")


def dims_of(shape: Any) -> Dims:
    """The sizes of a TensorShapeProto."""
    if len(shape.dim) > RANK:
        raise ValueError(f"a tensor has {len(shape.dim)} dimensions")
    return None if shape.unknown_rank else tuple(max(dim.size, -1) for dim in shape.dim)


def dtype_of(number: int) -> str:
    """TensorFlow's name of an element type."""
    try:
        return str(tf.as_dtype(number).name)
    except TypeError:
        return "unknown"


def _constant(node: Any) -> Any:
    """The elements of a constant that is a number or a few, as an array."""
    tensor = node.attr["value"].tensor
    dims = dims_of(tensor.tensor_shape) or ()
    is_number = dtype_of(tensor.dtype) in ("int32", "int64", "float32", "float64", "bool")
    return tf.make_ndarray(tensor) if is_number and -1 not in dims and prod(dims) <= _ELEMENTS else None
