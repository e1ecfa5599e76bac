"""The graph of a TensorFlow SavedModel, read from its protobuf alone: no op is run, loaded or looked up in a file.

A signature's functions are written into one another, so that what is left are its operations, in order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ..errors import ModelError

#: An operation's sizes as the file says them: -1 is open, and None a number of dimensions that is.
Dims = tuple[int, ...] | None

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_VARIABLES = ("VarHandleOp", "VariableV2")
#: What hands on its first input as it is.
_PASSING = ("Identity", "IdentityN", "PreventGradient", "ReadVariableOp", "StopGradient")
#: What reads a shape, which is no tensor's value.
_OF_SHAPES = ("Rank", "Shape", "ShapeN", "Size")
#: Bytes of a graph, in which weights have no place: they are in files of their own.
_LARGEST = 1 << 29
#: Operations in all functions, what they read and what they give, each as often as its function is called. Nobody's
#: model has more; a file made to fill memory has.
_MOST = 2_000_000
#: Dimensions of a tensor, as TensorFlow has it; scopes around a name; elements of a constant that is kept.
_RANK, _SCOPES, _ELEMENTS = 254, 100, 16


@dataclass(frozen=True, slots=True)
class Variable:
    """A stored tensor; ``trainable`` is None where the file doesn't say."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """What an operation reads or gives: ``source`` made it, None where it depends on no input.

    ``variables`` are those that it is computed from where it depends on no input; ``constant`` are its elements where
    they are a few and written in the file.
    """

    dims: Dims
    dtype: str
    source: int | None = None
    index: int = 0
    variables: tuple[str, ...] = ()
    constant: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that depends on an input; ``gives`` are what it makes."""

    name: str
    kind: str
    attributes: Mapping[str, Any]
    reads: tuple[Value, ...]
    gives: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A signature: its inputs by name, its operations, and its outputs by name; with all variables of the file."""

    producer: str
    signature: str | None
    variables: Mapping[str, Variable]
    inputs: tuple[tuple[str, Value], ...] = ()
    operations: tuple[Operation, ...] = ()
    outputs: tuple[tuple[str, Value], ...] = ()


def read(folder: Path) -> Graph:
    """The signature ``serving_default`` of a SavedModel, or its first one that gives something.

    Raises:
        ModelError: the file is damaged, or its functions call one another without an end.
    """
    document = saved_model_pb2.SavedModel()
    path = folder / "saved_model.pb"
    try:
        if not path.is_file():
            raise ModelError(f"{folder.name} is no SavedModel: its saved_model.pb is not a file")
        if path.stat().st_size > _LARGEST:
            raise ModelError(
                f"{folder.name} is refused: its saved_model.pb has more than the {_LARGEST} bytes of a graph"
            )
        document.ParseFromString(path.read_bytes())
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{folder.name} can't be read: {error.strerror}") from error
    except Exception as error:  # protobuf's own kind depends on its implementation
        raise ModelError(f"{folder.name} is damaged: its saved_model.pb is no protobuf of a SavedModel") from error
    if not document.meta_graphs:
        raise ModelError(f"{folder.name} is damaged: its saved_model.pb has no graph in it")
    return _Reader(folder.name, document.meta_graphs[0]).graph()


def damaged(name: str, error: BaseException) -> ModelError:
    """What to say of a graph whose parts don't fit together."""
    return ModelError(f"{name} is damaged: its graph contradicts itself ({error!r:.200})")


@dataclass
class _Reader:
    """Follows a signature from its inputs to its outputs."""

    name: str
    meta: Any
    operations: list[Operation] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.functions = {item.signature.name: item for item in self.meta.graph_def.library.function}
        self.definitions = {item.name: item for item in self.meta.meta_info_def.stripped_op_list.op}
        self.objects = self.meta.object_graph_def.nodes
        self.own = self._own_objects()
        self.variables = self._named()
        self.handles = self._handles()

    def graph(self) -> Graph:
        signatures = {key: item for key, item in self.meta.signature_def.items() if item.inputs and item.outputs}
        chosen = next((key for key in ("serving_default", *sorted(signatures)) if key in signatures), None)
        producer = f"TensorFlow {self.meta.meta_info_def.tensorflow_version}".strip()
        if chosen is None:
            return Graph(producer, None, self._variables())
        signature = signatures[chosen]
        given: dict[str, Value] = {}
        inputs = []
        for number, name in enumerate(sorted(signature.inputs), start=1):
            info = signature.inputs[name]
            value = Value(_dims(info.tensor_shape), _dtype(info.dtype), source=-number)
            given[info.name.partition(":")[0]] = value
            inputs.append((name, value))
        wanted = [(name, signature.outputs[name].name) for name in sorted(signature.outputs)]
        found = self._follow(self.meta.graph_def.node, given, [text for _, text in wanted], ())
        outputs = tuple((name, value) for (name, _), value in zip(wanted, found, strict=True) if value is not None)
        return Graph(producer, chosen, self._variables(), tuple(inputs), tuple(self.operations), outputs)

    def _variables(self) -> dict[str, Variable]:
        """All variables that are the model's own; of a file of TensorFlow 1, which has no objects, all."""
        found = [self.variables[index] for index in self.own] if self.objects else self.handles.values()
        return {variable.name: variable for variable in found}

    def _named(self) -> dict[int, Variable]:
        """The variable of each object; what isn't the first of its name has its number behind it."""
        found: dict[int, Variable] = {}
        names: dict[str, int] = {}
        others = (index for index, item in enumerate(self.objects) if item.HasField("variable"))
        for index in dict.fromkeys([*self.own, *others]):
            item = self.objects[index].variable
            _check_name(item.name)
            count = names[item.name] = names.get(item.name, 0) + 1
            shape = tuple(dim.size for dim in item.shape.dim)
            name = item.name if count == 1 else f"{item.name}:{count}"
            found[index] = Variable(name, shape, _dtype(item.dtype), bool(item.trainable))
        return found

    def _own_objects(self) -> list[int]:
        """The variables in the model's own list where it has one, or in all of its parts, without training's state."""
        if not self.objects:
            return []
        children = {child.local_name: child.node_id for child in self.objects[0].children}
        waiting = [children["variables"]] if "variables" in children else [0]
        seen: dict[int, None] = {}
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen[index] = None
            names = {child.node_id: child.local_name for child in self.objects[index].children}
            waiting += [item for item, name in reversed(names.items()) if name not in ("optimizer", "_all_variables")]
        return [index for index in seen if self.objects[index].HasField("variable")]

    def _handles(self) -> dict[str, Variable]:
        """The variable of each node that stands for one: a signature's functions say which objects they are given."""
        bound = {key: list(item.bound_inputs) for key, item in self.meta.object_graph_def.concrete_functions.items()}
        found: dict[str, Variable] = {}
        for node in self.meta.graph_def.node:
            if node.op in _VARIABLES:
                name = node.attr["shared_name"].s.decode() or node.name
                _check_name(name)
                shape = tuple(dim.size for dim in node.attr["shape"].shape.dim)
                found[node.name] = Variable(name, shape, _dtype(node.attr["dtype"].type), None)
        for node in self.meta.graph_def.node:
            indices = bound.get(node.attr["f"].func.name, []) if node.op in _CALLS else []
            data = [text.partition(":")[0] for text in node.input if not text.startswith("^")]
            for text, index in zip(data[len(data) - len(indices) :], indices, strict=True):
                if text in found and index in self.variables:
                    found[text] = self.variables[index]
        return found

    def _follow(
        self, nodes: Sequence[Any], given: Mapping[str, Value], wanted: Sequence[str], stack: tuple[str, ...]
    ) -> list[Value | None]:
        """The values of references after the nodes that they need were gone through."""
        self._spend(sum(1 + len(node.input) for node in nodes))
        made: dict[str, tuple[Value, ...]] = {name: (value,) for name, value in given.items()}
        by_name = {node.name: node for node in nodes if node.name not in given}
        for node in _needed(by_name, [_node_of(text) for text in wanted]):
            reads = [self._value(by_name, made, text) for text in node.input if not text.startswith("^")]
            made[node.name] = self._run(node, [item or Value(None, "unknown") for item in reads], stack)
        return [self._value(by_name, made, text) for text in wanted]

    def _value(self, nodes: Mapping[str, Any], made: Mapping[str, tuple[Value, ...]], text: str) -> Value | None:
        """What ``node``, ``node:1`` or, in a function, ``node:output:1`` refers to."""
        name, *rest = text.split(":")
        values = made.get(name, ())
        index = int(rest[-1]) if rest and rest[-1].isdigit() else 0
        definition = self.definitions.get(nodes[name].op) if name in nodes else None
        if len(rest) == 2 and definition is not None:
            outputs = [item.name for item in definition.output_arg]
            index += outputs.index(rest[0]) if rest[0] in outputs else 0
        return values[index] if index < len(values) else None

    def _run(self, node: Any, reads: list[Value], stack: tuple[str, ...]) -> tuple[Value, ...]:
        _check_name(node.name)
        called = node.attr["f"].func.name if node.op in _CALLS else ""
        if called in self.functions:
            return self._call(self.functions[called], reads, (*stack, called))
        if node.op in _VARIABLES:
            variable = self.handles.get(node.name)
            return (Value(variable.shape, variable.dtype, variables=(variable.name,)),) if variable else ()
        if node.op in _PASSING and reads:
            return tuple(reads)
        outputs = self._outputs(node)
        if any(item.source is not None for item in reads) and node.op not in _OF_SHAPES:
            number = len(self.operations) + 1
            gives = tuple(Value(dims, dtype, source=number, index=index) for index, (dims, dtype) in enumerate(outputs))
            self.operations.append(Operation(node.name, node.op, node.attr, tuple(reads), gives))
            return gives
        self._spend(sum(len(item.variables) for item in reads))
        names = tuple(dict.fromkeys(name for item in reads for name in item.variables))
        constant = _elements(node, reads)
        return tuple(Value(dims, dtype, variables=names, constant=constant) for dims, dtype in outputs)

    def _call(self, function: Any, reads: list[Value], stack: tuple[str, ...]) -> tuple[Value, ...]:
        name = function.signature.name
        if name in stack[:-1]:
            raise ModelError(f"{self.name} is damaged: its function {name} calls itself")
        arguments = [item.name for item in function.signature.input_arg]
        given = dict(zip(arguments, reads, strict=False))
        wanted = [function.ret[item.name] for item in function.signature.output_arg]
        found = self._follow(function.node_def, given, wanted, stack)
        return tuple(item if item is not None else Value(None, "unknown") for item in found)

    def _spend(self, number: int) -> None:
        self.count += max(number, 0)
        if self.count > _MOST:
            raise ModelError(f"{self.name} is damaged: its functions have more than {_MOST} operations and edges")

    def _outputs(self, node: Any) -> list[tuple[Dims, str]]:
        """Sizes and element types of what a node gives, as far as they are written."""
        shapes = [_dims(item) for item in node.attr["_output_shapes"].list.shape]
        definition = self.definitions.get(node.op)
        types: list[str] = []
        for item in definition.output_arg if definition is not None else ():
            if item.type_list_attr:
                types += [_dtype(number) for number in node.attr[item.type_list_attr].list.type]
            else:
                number = node.attr[item.type_attr].type if item.type_attr else item.type
                times = node.attr[item.number_attr].i if item.number_attr else 1
                self._spend(times)
                types += [_dtype(number)] * times
        count = max(len(shapes), len(types))
        shapes += [None] * (count - len(shapes))
        types += ["unknown"] * (count - len(types))
        return list(zip(shapes, types, strict=True))


def _needed(nodes: Mapping[str, Any], wanted: Iterable[str]) -> list[Any]:
    """The nodes that the wanted ones depend on, each after those that it reads, else in the file's order."""
    order = {name: index for index, name in enumerate(nodes)}
    reads: dict[str, set[str]] = {}
    waiting = [name for name in wanted if name in nodes]
    while waiting:
        name = waiting.pop()
        if name not in reads:
            sources = {_node_of(text) for text in nodes[name].input if not text.startswith("^")}
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


def _node_of(text: str) -> str:
    return text.partition(":")[0]


def _check_name(name: str) -> None:
    if name.count("/") > _SCOPES:
        raise ValueError(f"a name has more than {_SCOPES} scopes")


def _dims(shape: Any) -> Dims:
    if len(shape.dim) > _RANK:
        raise ValueError(f"a tensor has {len(shape.dim)} dimensions")
    return None if shape.unknown_rank else tuple(max(dim.size, -1) for dim in shape.dim)


def _dtype(number: int) -> str:
    try:
        return str(tf.as_dtype(number).name)
    except TypeError:
        return "unknown"


def _elements(node: Any, reads: Sequence[Value]) -> tuple[int, ...] | None:
    """A few whole numbers that are written in the graph, or put together of such: axes, sizes, how often."""
    if node.op == "Const":
        return _constant(node)
    known = [item.constant for item in reads]
    if node.op in ("Cast", "ExpandDims", "Reshape", "Squeeze"):
        return known[0] if known else None
    if node.op == "Pack":
        # Each may be as long as can be kept, and packed again and again.
        few = None not in known and sum(len(item or ()) for item in known) <= _ELEMENTS
        return tuple(number for item in known for number in item or ()) if few else None
    return None


def _constant(node: Any) -> tuple[int, ...] | None:
    tensor = node.attr["value"].tensor
    dims = _dims(tensor.tensor_shape) or ()
    if _dtype(tensor.dtype) not in ("int32", "int64") or -1 in dims or prod(dims) > _ELEMENTS:
        return None
    values = tf.make_ndarray(tensor).ravel()
    return tuple(int(item) for item in values)
