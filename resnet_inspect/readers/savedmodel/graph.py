"""The graph of a TensorFlow SavedModel, read from its protobuf alone: no op is run, loaded or looked up in a file.

A signature's functions are written into one another, so that what is left are its operations, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from ...errors import ModelError
from .nodes import Body, Dims, Nodes, Reference, Step, check_name, dims_of, dtype_of

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_VARIABLES = ("VarHandleOp", "VariableV2")
#: What hands on its first input as it is.
_PASSING = ("Identity", "IdentityN", "PreventGradient", "ReadVariableOp", "StopGradient")
_LOOPS = ("StatelessWhile", "While")
#: Loops inside of loops that are looked into.
_DEEPEST = 2
#: What reads a shape, which is not a tensor's value.
_OF_SHAPES = ("Rank", "Shape", "ShapeN", "Size")
#: Bytes of a graph, in which weights have no place: they are in files of their own.
_LARGEST = 1 << 29
#: Operations in all functions, what they read and what they give, each as often as its function is called. Nobody's
#: model has more; a file made to fill memory has.
_MOST = 2_000_000


@dataclass(frozen=True, slots=True)
class Variable:
    """A stored tensor; ``trainable`` is None where the file doesn't say."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """What an operation reads or gives: ``source`` made it, None where it is a constant or a variable.

    ``flows`` tells whether it depends on what an input contains, not on its shape alone. Where it doesn't, it is
    computed from ``variables``; ``constant`` is an array of its elements where they are a few and written in the file.
    """

    dims: Dims
    dtype: str
    source: int | None = None
    index: int = 0
    variables: tuple[str, ...] = ()
    constant: Any = None
    flows: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; ``gives`` are what it makes. ``flows`` tells whether it depends on what an input contains."""

    name: str
    kind: str
    attributes: Mapping[str, Any]
    reads: tuple[Value, ...]
    gives: tuple[Value, ...]
    flows: bool
    loop: Loop | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """What a loop runs: with its variables ``given``, its operations give the variables' next values.

    Before each round, other operations ``test`` whether there is one.
    """

    given: tuple[Value, ...]
    operations: tuple[Operation, ...]
    results: tuple[Value, ...]
    test_operations: tuple[Operation, ...]
    test: Value


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
            raise ModelError(f"{folder.name} is not a SavedModel: its saved_model.pb is not a file")
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
        raise ModelError(f"{folder.name} is damaged: its saved_model.pb is not a protobuf of a SavedModel") from error
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
    bodies: dict[str, Body] = field(default_factory=dict)
    count: int = 0
    sources: int = 0
    depth: int = 0

    def __post_init__(self) -> None:
        self.functions = {item.signature.name: item for item in self.meta.graph_def.library.function}
        definitions = {item.name: item for item in self.meta.meta_info_def.stripped_op_list.op}
        self.nodes = Nodes(definitions, self._spend)
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
            value = Value(dims_of(info.tensor_shape), dtype_of(info.dtype), source=-number, flows=True)
            given[info.name.partition(":")[0]] = value
            inputs.append((name, value))
        names = sorted(signature.outputs)
        wanted = [signature.outputs[name].name for name in names]
        found = self._follow(self.nodes.body(self.meta.graph_def.node, given.keys(), wanted), given, ())
        outputs = tuple((name, value) for name, value in zip(names, found, strict=True) if value is not None)
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
            check_name(item.name)
            count = names[item.name] = names.get(item.name, 0) + 1
            shape = tuple(dim.size for dim in item.shape.dim)
            name = item.name if count == 1 else f"{item.name}:{count}"
            found[index] = Variable(name, shape, dtype_of(item.dtype), bool(item.trainable))
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
                check_name(name)
                shape = tuple(dim.size for dim in node.attr["shape"].shape.dim)
                found[node.name] = Variable(name, shape, dtype_of(node.attr["dtype"].type), None)
        for node in self.meta.graph_def.node:
            indices = bound.get(node.attr["f"].func.name, []) if node.op in _CALLS else []
            data = [text.partition(":")[0] for text in node.input if not text.startswith("^")]
            for text, index in zip(data[len(data) - len(indices) :], indices, strict=True):
                if text in found and index in self.variables:
                    found[text] = self.variables[index]
        return found

    def _follow(self, body: Body, given: Mapping[str, Value], stack: tuple[str, ...]) -> list[Value | None]:
        """The values of the results after the steps to them were gone through."""
        self._spend(body.cost)
        made: dict[str, tuple[Value, ...]] = {name: (value,) for name, value in given.items()}

        def value(reference: Reference) -> Value | None:
            values = made.get(reference.node, ())
            return values[reference.index] if reference.index < len(values) else None

        for step in body.steps:
            reads = [value(item) or Value(None, "unknown") for item in step.reads]
            made[step.node.name] = self._run(step, reads, stack)
        return [value(item) for item in body.results]

    def _run(self, step: Step, reads: list[Value], stack: tuple[str, ...]) -> tuple[Value, ...]:
        node = step.node
        called = node.attr["f"].func.name if node.op in _CALLS else ""
        if called in self.functions:
            return self._call(self.functions[called], reads, (*stack, called))
        if node.op in _VARIABLES:
            variable = self.handles.get(node.name)
            return (Value(variable.shape, variable.dtype, variables=(variable.name,)),) if variable else ()
        if node.op in _PASSING and reads:
            return tuple(reads)
        if not reads:
            return tuple(Value(dims, dtype, constant=step.constant) for dims, dtype in step.outputs)
        flows = any(item.flows for item in reads) and node.op not in _OF_SHAPES
        names: tuple[str, ...] = ()
        if not flows and node.op not in _OF_SHAPES:
            self._spend(sum(len(item.variables) for item in reads))
            names = tuple(dict.fromkeys(name for item in reads for name in item.variables))
        loop = self._loop(node, reads, stack) if node.op in _LOOPS and self.depth < _DEEPEST else None
        self.sources += 1
        gives = tuple(
            Value(dims, dtype, self.sources, index, names, flows=flows)
            for index, (dims, dtype) in enumerate(step.outputs)
        )
        self.operations.append(Operation(node.name, node.op, node.attr, tuple(reads), gives, flows, loop))
        return gives

    def _loop(self, node: Any, reads: Sequence[Value], stack: tuple[str, ...]) -> Loop | None:
        name, test = (node.attr[key].func.name for key in ("body", "cond"))
        if name not in self.functions or test not in self.functions:
            return None
        given = []
        for read in reads:
            self.sources += 1
            given.append(Value(read.dims, read.dtype, self.sources, flows=True))
        outside, self.operations, self.depth = self.operations, [], self.depth + 1
        results = self._call(self.functions[name], given, (*stack, name))
        operations, self.operations = self.operations, []
        tests = self._call(self.functions[test], given, (*stack, test))
        test_operations = tuple(self.operations)
        self.operations, self.depth = outside, self.depth - 1
        if len(tests) != 1 or len(results) != len(given):
            return None
        return Loop(tuple(given), tuple(operations), results, test_operations, tests[0])

    def _call(self, function: Any, reads: list[Value], stack: tuple[str, ...]) -> tuple[Value, ...]:
        name = function.signature.name
        if name in stack[:-1]:
            raise ModelError(f"{self.name} is damaged: its function {name} calls itself")
        arguments = [item.name for item in function.signature.input_arg]
        if name not in self.bodies:
            wanted = [function.ret[item.name] for item in function.signature.output_arg]
            self.bodies[name] = self.nodes.body(function.node_def, set(arguments), wanted)
        found = self._follow(self.bodies[name], dict(zip(arguments, reads, strict=False)), stack)
        return tuple(item if item is not None else Value(None, "unknown") for item in found)

    def _spend(self, number: int) -> None:
        self.count += max(number, 0)
        if self.count > _MOST:
            raise ModelError(f"{self.name} is damaged: its functions have more than {_MOST} operations and edges")
