"""An ONNX file's graph: its nodes in order, and the tensors that it holds apart from them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy
import onnx
from google.protobuf.message import DecodeError, Message
from onnx import helper, inliner, numpy_helper

from ..errors import ModelError
from ..ir import DTYPE_BITS
from .identities import Identities

#: Names of element types where torch and NumPy don't call them as ONNX does.
_DTYPES = {
    "float": "float32",
    "double": "float64",
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
}
#: Bits of an element that the IR doesn't know: several share a byte, or the type is rare.
_OTHER_BITS = {"int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "float4_e2m1fn": 4}
_OTHER_BITS |= {"float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8}
#: Written out, no honest model's functions stand for so many nodes.
_MOST_NODES = 1_000_000
#: Bytes that no protobuf may have.
_TOO_LARGE = 1 << 31
#: Bytes from which on a tensor's values are no shape and no axis.
_LARGE = 1 << 14


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor that the file holds: an initializer, or a Constant node's (``literal``).

    ``proto`` has its values, None if they can't be had.
    """

    name: str
    shape: tuple[int, ...]
    element_type: int
    proto: Any
    literal: bool
    stored_bytes: int | None = None

    @property
    def dtype(self) -> str:
        """The element type's name."""
        return dtype_name(self.element_type)


@dataclass(frozen=True, slots=True)
class Use:
    """A value that is read, and the node that reads it at which position (-1: it is a subgraph's result)."""

    name: str
    reader: Any
    position: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node with what it reads: its own inputs by position ("" for one that is left out), and what its subgraphs read.

    Subgraphs (of If, Loop, Scan) stay closed: what they read from outside or hold themselves, their node reads.
    """

    proto: Any
    uses: tuple[Use, ...]

    @property
    def kind(self) -> str:
        """The op type, with its domain where that isn't ONNX's own."""
        return f"{self.proto.domain}.{self.proto.op_type}" if self.proto.domain else str(self.proto.op_type)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its own inputs by position."""
        return tuple(use.name for use in self.uses if use.reader is self.proto and use.position >= 0)

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of all that it reads."""
        return tuple(use.name for use in self.uses if use.name)

    @property
    def has_body(self) -> bool:
        """Whether it runs graphs of its own."""
        return any(True for _ in _subgraphs(self.proto))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the values that it gives."""
        return tuple(name for name in self.proto.output if name)


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file holds. ``inputs`` and ``outputs`` are ONNX's value infos; ``hints`` are the types that it claims."""

    nodes: tuple[Node, ...]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    stored: dict[str, Stored]
    hints: dict[str, Any]
    opsets: tuple[Any, ...]
    ir_version: int
    name: str
    producer: str


class _UnsoundError(Exception):
    """What is wrong with a model."""


def read(path: Path) -> Graph:
    """The graph in a file. Weights that stand in other files aren't looked for, and nothing is run.

    Raises:
        ModelError: the file can't be read, or holds no sound model.
    """
    try:
        if path.stat().st_size >= _TOO_LARGE:
            raise ModelError(
                f"{path.name} is larger than 2 GiB, which no ONNX file can be: keep its weights in another"
            )
        model = onnx.load(path, format="protobuf", load_external_data=False)
        if not model.HasField("graph") or not model.opset_import:
            raise _UnsoundError(f"it holds no {'opset' if model.HasField('graph') else 'graph'}")
        _check_texts(model)
        return _graph(_without_functions(model))
    except OSError as error:
        raise ModelError(f"{path.name} can't be read: {error.strerror or error}") from error
    except DecodeError as error:
        raise ModelError(f"{path.name} is damaged: it ends too early, or was no ONNX model. Export it again") from error
    except _UnsoundError as error:
        raise ModelError(f"{path.name} is damaged: {error}") from error


def dtype_name(data_type: int) -> str:
    """The name of an ONNX element type, as torch and NumPy have it."""
    try:
        name = onnx.TensorProto.DataType.Name(data_type).lower()
    except ValueError:
        return "undefined"  # of a newer ONNX than this one
    return _DTYPES.get(name, name)


def _check_texts(message: Any) -> None:
    """Protobuf gives a text that is no UTF-8 as bytes."""
    if isinstance(message, onnx.TensorProto):
        texts = [message.name]  # its numbers may be gigabytes
    else:
        texts = []
        for field, value in message.ListFields():
            items = [value] if isinstance(value, (str, bytes, Message)) else value
            if field.type == field.TYPE_STRING:
                texts += items
            elif field.type == field.TYPE_MESSAGE:
                for item in items:
                    _check_texts(item)
    for text in texts:
        if isinstance(text, bytes):
            raise _UnsoundError(f"its text {text[:40]!r} is no UTF-8")


def _without_functions(model: Any) -> Any:
    """The model with its own functions written out where they are called."""
    if not model.functions:
        return model
    functions = {(function.domain, function.name): function.node for function in model.functions}
    sizes: dict[tuple[str, str], int | None] = {}

    def size(nodes: Any) -> int:
        total = 0
        for node in _with_inner(nodes):
            key = (node.domain, node.op_type)
            if key in functions and key not in sizes:
                sizes[key] = None  # being measured
                sizes[key] = size(functions[key])
            inside = sizes.get(key, 0)
            if inside is None:
                raise _UnsoundError(f"its function {node.op_type!r} calls itself")
            total += 1 + inside
        return total

    try:
        if size(model.graph.node) > _MOST_NODES:
            raise _UnsoundError(f"its functions stand for more than {_MOST_NODES} nodes")
    except RecursionError as error:
        raise _UnsoundError("its functions call one another too deeply") from error
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > _LARGE:
            tensor.ClearField("raw_data")  # the inliner works on copies
    try:
        return inliner.inline_local_functions(model)
    except Exception:
        return model  # what it can't write out stays a node that nobody knows


def _with_inner(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield node
        for graph in _subgraphs(node):
            yield from _with_inner(graph.node)


def _subgraphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _graph(model: Any) -> Graph:
    graph = model.graph
    for item in (*model.opset_import, *_with_inner(graph.node)):
        if item.domain == "ai.onnx":
            item.domain = ""  # the other name of ONNX's own
    stored = dict(_held(graph))
    inputs = tuple(value for value in graph.input if value.name not in stored)  # before IR 4, all initializers were
    unique = Identities(stored)
    nodes = [
        Node(node, tuple(_uses(node, stored, unique, {}, frozenset()))) for node in graph.node if not _is_constant(node)
    ]
    same: dict[str, str] = {}
    kept = []
    for node in _sorted(nodes, {*stored, *(value.name for value in inputs)}):
        for use in node.uses:
            if use.name in same and use.position >= 0:
                use.reader.input[use.position] = same[use.name]
        node = replace(node, uses=tuple(replace(use, name=same.get(use.name, use.name)) for use in node.uses))
        if node.kind == "Identity" and node.reads and node.reads[0] in stored:
            same[node.proto.output[0]] = node.reads[0]  # torch's exporter writes equal weights once
        else:
            kept.append(node)
    return Graph(
        nodes=tuple(kept),
        inputs=inputs,
        outputs=tuple(graph.output),
        stored=stored,
        hints={value.name: value.type for value in (*graph.value_info, *graph.output)},
        opsets=tuple(model.opset_import),
        ir_version=model.ir_version,
        name=graph.name,
        producer=model.producer_name,
    )


def _uses(
    node: Any, stored: dict[str, Stored], unique: Identities, renamed: Mapping[str, str], local: frozenset[str]
) -> Iterator[Use]:
    """What a node reads, inside it included, but for what is made inside.

    Tensors held inside join ``stored``, under names that are ``unique`` there.
    """
    for position, name in enumerate(node.input):
        if name not in local:
            yield Use(renamed.get(name, name), node, position)
    for graph in _subgraphs(node):
        held = {}
        for name, tensor in _held(graph):
            held[name] = unique.next(name)
            stored[held[name]] = replace(tensor, name=held[name])
        made = {value.name for value in graph.input}.union(*(inner.output for inner in graph.node)) - held.keys()
        here, names = (local - held.keys()) | made, {**renamed, **held}
        for inner in graph.node:
            if not _is_constant(inner):
                yield from _uses(inner, stored, unique, names, here)
        for value in graph.output:
            if value.name not in here:
                yield Use(names.get(value.name, value.name), node, -1)


def _sorted(nodes: Sequence[Node], known: set[str]) -> list[Node]:
    """The nodes in an order in which every value is made before it is read: the file's own, if that is one."""
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.outputs:
            if name in known or makers.setdefault(name, index) != index:
                raise _UnsoundError(f"the value {name!r} is made twice")
    readers: dict[int, list[int]] = {}
    missing = []
    for index, node in enumerate(nodes):
        names = {name for name in node.reads if name not in known}
        if unknown := sorted(names - makers.keys()):
            raise _UnsoundError(f"{node.kind} {node.proto.name!r} reads {unknown[0]!r}, which nothing makes")
        sources = {makers[name] for name in names}
        missing.append(len(sources))
        for source in sources:
            readers.setdefault(source, []).append(index)
    ready = [index for index, count in enumerate(missing) if not count]
    found = []
    while ready:
        index = heapq.heappop(ready)
        found.append(nodes[index])
        for reader in readers.get(index, ()):
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, reader)
    if len(found) < len(nodes):
        raise _UnsoundError("its nodes read one another in a circle")
    return found


def _is_constant(node: Any) -> bool:
    return node.op_type == "Constant" and not node.domain


def _held(graph: Any) -> Iterator[tuple[str, Stored]]:
    """The tensors that a graph holds."""
    for tensor in graph.initializer:
        yield tensor.name, _dense(tensor.name, tensor, literal=False)
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, _sparse(sparse.values.name, sparse, literal=False)
    for node in filter(_is_constant, graph.node):
        for name, attribute in zip(node.output, node.attribute, strict=False):
            if attribute.name == "value":
                yield name, _dense(name, attribute.t, literal=True)
            elif attribute.name == "sparse_value":
                yield name, _sparse(name, attribute.sparse_tensor, literal=True)
            elif attribute.name.startswith("value_string"):
                yield name, Stored(name, (len(attribute.strings),), onnx.TensorProto.STRING, None, literal=True)
            else:
                kind = numpy.float32 if attribute.name.startswith("value_float") else numpy.int64
                try:
                    values = numpy.array(helper.get_attribute_value(attribute), kind)
                except (TypeError, ValueError) as error:
                    raise _UnsoundError(f"the constant {name!r} is no number") from error
                yield name, _dense(name, numpy_helper.from_array(values), literal=True)


def _dense(name: str, tensor: Any, literal: bool) -> Stored:
    shape, dtype = _sizes(name, tensor.dims), dtype_name(tensor.data_type)
    bits = DTYPE_BITS.get(dtype, _OTHER_BITS.get(dtype))
    needed = None if bits is None else -(-prod(shape) * bits // 8)
    external = tensor.data_location == onnx.TensorProto.EXTERNAL
    found = 0 if external else len(tensor.raw_data)
    if needed is not None and found not in (0, needed):
        raise _UnsoundError(f"the tensor {name!r} needs {needed} bytes and has {found}")
    stored_bytes = None if dtype in DTYPE_BITS else needed
    return Stored(name, shape, tensor.data_type, None if external else tensor, literal, stored_bytes)


def _sparse(name: str, sparse: Any, literal: bool) -> Stored:
    """A sparse tensor: the shape of all, the bytes of its values and of their places."""
    parts = (_dense(name, sparse.values, literal), _dense(name, sparse.indices, literal))
    sizes = [prod(part.shape) * DTYPE_BITS.get(part.dtype, 0) // 8 for part in parts]
    return replace(parts[0], shape=_sizes(name, sparse.dims), proto=None, stored_bytes=sum(sizes))


def _sizes(name: str, dims: Sequence[int]) -> tuple[int, ...]:
    if min(dims, default=0) < 0:
        raise _UnsoundError(f"the tensor {name!r} has a negative size")
    return tuple(dims)
