"""An ONNX file's graph: its nodes in order, and the tensors that it holds apart from them."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy
import onnx
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper

from ...ir import DTYPE_BITS
from ...rows.identities import Identities
from .functions import subgraphs, with_inner, written_out
from .guard import MOST_DIMENSIONS, MOST_ELEMENTS, tame
from .wire import MALFORMED, UnsoundError, skeleton

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
#: Sets of operators that a file may be written in; honest ones name a few.
_MOST_OPSETS = 200


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
class _Scope:
    """What a subgraph has itself: values that are made there, and the names under which its tensors are stored."""

    made: Collection[str]
    stored: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """A node with what it reads: its own inputs by position ("" for one that is left out), and what its subgraphs read.

    ``kind`` is the op type, with its domain where that isn't ONNX's own; ``reads`` are the names of all that it reads.
    Subgraphs (of If, Loop, Scan) stay closed: what they read from outside or hold themselves, their node reads.
    """

    proto: Any
    uses: tuple[Use, ...]
    kind: str
    inputs: tuple[str, ...]
    reads: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, proto: Any, uses: tuple[Use, ...]) -> Node:
        """The node of a proto."""
        return cls(
            proto,
            uses,
            f"{proto.domain}.{proto.op_type}" if proto.domain else str(proto.op_type),
            tuple(use.name for use in uses if use.reader is proto and use.position >= 0),
            tuple(use.name for use in uses if use.name),
            tuple(filter(None, proto.output)),
        )

    @property
    def has_body(self) -> bool:
        """Whether it runs graphs of its own."""
        return any(True for _ in subgraphs(self.proto))


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file holds. ``inputs`` and ``outputs`` are ONNX's value infos; ``hints`` are the types that it claims,
    ``versions`` those of the operators by domain."""

    nodes: tuple[Node, ...]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    stored: dict[str, Stored]
    hints: dict[str, Any]
    opsets: tuple[Any, ...]
    versions: dict[str, int]
    ir_version: int
    name: str
    producer: str


def read(path: Path) -> Graph:
    """The graph in a file. Weights aren't read, wherever they stand, and nothing is run.

    Raises:
        UnsoundError: the file holds no sound model.
        OSError: it can't be read.
    """
    with path.open("rb", buffering=0) as file:
        content = skeleton(file)
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        raise UnsoundError(MALFORMED) from None
    if not model.HasField("graph") or not model.opset_import:
        raise UnsoundError(f"it holds no {'opset' if model.HasField('graph') else 'graph'}")
    return _graph(written_out(model))


@lru_cache(1024)
def dtype_name(data_type: int) -> str:
    """The name of an ONNX element type, as torch and NumPy have it."""
    try:
        name = onnx.TensorProto.DataType.Name(data_type).lower()
    except ValueError:
        return "undefined"  # of a newer ONNX than this one
    return _DTYPES.get(name, name)


def _graph(model: Any) -> Graph:
    graph = model.graph
    for item in (*model.opset_import, *with_inner(graph.node)):
        if item.domain == "ai.onnx":
            item.domain = ""  # the other name of ONNX's own
    for inner in (inner for node in with_inner(graph.node) for inner in subgraphs(node)):
        for value in (*inner.input, *inner.output, *inner.value_info):
            tame(value.type)
    if len(model.opset_import) > _MOST_OPSETS:
        raise UnsoundError(f"it is written in more than {_MOST_OPSETS} sets of operators")
    stored: dict[str, Stored] = {}
    for name, tensor in _held(graph):
        if not name or stored.setdefault(name, tensor) is not tensor:
            raise UnsoundError(f"it holds two tensors called {name!r}" if name else "it holds a tensor without a name")
    inputs = tuple(value for value in graph.input if value.name not in stored)  # before IR 4, all initializers were
    names = {value.name for value in inputs}
    if len(names) < len(inputs):
        raise UnsoundError("it has two inputs of one name")
    unique = Identities(stored)
    nodes = [Node.of(node, tuple(_uses(node, stored, unique, ()))) for node in graph.node if not _is_constant(node)]
    same: dict[str, str] = {}
    kept = []
    for node in _sorted(nodes, names | stored.keys()):
        if not same.keys().isdisjoint(node.reads):
            for use in node.uses:
                if use.name in same and use.position >= 0:
                    use.reader.input[use.position] = same[use.name]
            node = Node.of(node.proto, tuple(replace(use, name=same.get(use.name, use.name)) for use in node.uses))
        if node.kind == "Identity" and node.reads and node.reads[0] in stored and node.outputs:
            same[node.outputs[0]] = node.reads[0]  # torch's exporter writes equal weights once
        else:
            kept.append(node)
    return Graph(
        nodes=tuple(kept),
        inputs=inputs,
        outputs=tuple(graph.output),
        stored=stored,
        hints={value.name: value.type for value in (*graph.value_info, *graph.output)},
        opsets=tuple(model.opset_import),
        versions={item.domain: item.version for item in reversed(model.opset_import)},
        ir_version=model.ir_version,
        name=graph.name,
        producer=model.producer_name,
    )


def _uses(node: Any, stored: dict[str, Stored], unique: Identities, scopes: tuple[_Scope, ...]) -> Iterator[Use]:
    """What a node reads, inside it included, but for what is made inside, in one of the ``scopes``.

    Tensors held inside join ``stored``, under names that are ``unique`` there.
    """
    for position, name in enumerate(node.input):
        if (outer := _outer(name, scopes)) is not None:
            yield Use(outer, node, position)
    for graph in subgraphs(node):
        held = {}
        for name, tensor in _held(graph):
            held[name] = unique.next(name)
            stored[held[name]] = replace(tensor, name=held[name])
        made = {value.name for value in graph.input}.union(*(inner.output for inner in graph.node))
        inside = (*scopes, _Scope(made, held))
        for inner in graph.node:
            if not _is_constant(inner):
                yield from _uses(inner, stored, unique, inside)
        for value in graph.output:
            if (outer := _outer(value.name, inside)) is not None:
                yield Use(outer, node, -1)


def _outer(name: str, scopes: tuple[_Scope, ...]) -> str | None:
    """What a name means outside all of the scopes; None if it is made in one."""
    for scope in reversed(scopes):
        if name in scope.stored:
            return scope.stored[name]
        if name in scope.made:
            return None
    return name


def _sorted(nodes: Sequence[Node], known: Collection[str]) -> list[Node]:
    """The nodes in an order in which every value is made before it is read: the file's own, if that is one."""
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.outputs:
            if name in known or makers.setdefault(name, index) != index:
                raise UnsoundError(f"the value {name!r} is made twice")
    readers: dict[int, list[int]] = {}
    missing = []
    for index, node in enumerate(nodes):
        sources = set()
        for name in node.reads:
            if name in makers:
                sources.add(makers[name])
            elif name not in known:
                raise UnsoundError(f"{node.kind} {node.proto.name!r} reads {name!r}, which nothing makes")
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
        raise UnsoundError("its nodes read one another in a circle")
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
                    raise UnsoundError(f"the constant {name!r} is no number") from error
                yield name, _dense(name, numpy_helper.from_array(values), literal=True)


def _dense(name: str, tensor: Any, literal: bool) -> Stored:
    shape, dtype = _sizes(name, tensor.dims), dtype_name(tensor.data_type)
    bits = DTYPE_BITS.get(dtype, _OTHER_BITS.get(dtype))
    needed = None if bits is None else -(-prod(shape) * bits // 8)
    is_here = tensor.data_location != onnx.TensorProto.EXTERNAL
    elsewhere = {} if is_here else {item.key: item.value for item in tensor.external_data}
    if is_here:
        found = len(tensor.raw_data) or 4 * len(tensor.float_data) or 8 * len(tensor.double_data)
    else:
        # Values that were too large for the skeleton are in no other file; a real one's name is their location.
        length = "" if "location" in elsewhere else elsewhere.get("length", "")
        found = int(length) if length.isdecimal() and len(length) < 20 else 0
    if needed is not None and found not in (0, needed):
        raise UnsoundError(f"the tensor {name!r} needs {needed} bytes and has {found}")
    stored_bytes = None if dtype in DTYPE_BITS else needed
    return Stored(name, shape, tensor.data_type, tensor if is_here else None, literal, stored_bytes)


def _sparse(name: str, sparse: Any, literal: bool) -> Stored:
    """A sparse tensor: the shape of all, the bytes of its values and of their places."""
    parts = (_dense(name, sparse.values, literal), _dense(name, sparse.indices, literal))
    sizes = [prod(part.shape) * DTYPE_BITS.get(part.dtype, 0) // 8 for part in parts]
    return replace(parts[0], shape=_sizes(name, sparse.dims), proto=None, stored_bytes=sum(sizes))


def _sizes(name: str, dims: Sequence[int]) -> tuple[int, ...]:
    if len(dims) > MOST_DIMENSIONS:
        raise UnsoundError(f"the tensor {name!r} has {len(dims)} dimensions")
    if min(dims, default=0) < 0:
        raise UnsoundError(f"the tensor {name!r} has a negative size")
    if prod(dims) > MOST_ELEMENTS:
        raise UnsoundError(f"the tensor {name!r} has more than {MOST_ELEMENTS} elements")
    return tuple(dims)
