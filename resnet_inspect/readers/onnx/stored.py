"""The tensors that an ONNX file holds: initializers, and what its Constant nodes give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy
import onnx
from onnx import helper, numpy_helper

from ...ir import DTYPE_BITS
from .guard import MOST_DIMENSIONS, MOST_ELEMENTS
from .wire import UnsoundError

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


class Stored(NamedTuple):
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


@lru_cache(1024)
def dtype_name(data_type: int) -> str:
    """The name of an ONNX element type, as torch and NumPy have it."""
    try:
        name = onnx.TensorProto.DataType.Name(data_type).lower()
    except ValueError:
        return "undefined"  # of a newer ONNX than this one
    return _DTYPES.get(name, name)


def is_constant(node: Any) -> bool:
    return node.op_type == "Constant" and not node.domain


def held_by(graph: Any) -> Iterator[tuple[str, Stored]]:
    """The tensors that a graph holds."""
    for tensor in graph.initializer:
        yield tensor.name, _dense(tensor.name, tensor, literal=False)
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, _sparse(sparse.values.name, sparse, literal=False)
    for node in filter(is_constant, graph.node):
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
                    raise UnsoundError(f"the constant {name!r} is not a number") from error
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
    return parts[0]._replace(shape=_sizes(name, sparse.dims), proto=None, stored_bytes=sum(sizes))


def _sizes(name: str, dims: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(dims)  # protobuf's own sequence is slow
    if len(sizes) > MOST_DIMENSIONS:
        raise UnsoundError(f"the tensor {name!r} has {len(sizes)} dimensions")
    if min(sizes, default=0) < 0:
        raise UnsoundError(f"the tensor {name!r} has a negative size")
    if prod(sizes) > MOST_ELEMENTS:
        raise UnsoundError(f"the tensor {name!r} has more than {MOST_ELEMENTS} elements")
    return sizes
