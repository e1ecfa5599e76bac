"""Which of the tensors in an ONNX file are parameters, and in which role."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ...ir import Parameter, Tensor
from .graph import Graph
from .nodes import Use
from .stored import Stored

#: Inputs that set how a node computes, by position: no parameters, though they may be fractions.
_SETTINGS = {
    "Clip": (1, 2),
    "Dropout": (1, 2),
    "NonMaxSuppression": (2, 3, 4),
    "OneHot": (1, 2),
    "Pad": (1, 2, 3),
    "Range": (0, 1, 2),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
}
#: Scales, zero points and the like of quantised tensors.
_SCALES = {
    "ConvInteger": (2, 3),
    "DequantizeLinear": (1, 2),
    "MatMulInteger": (2, 3),
    "MatMulNBits": (2, 3, 4),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QuantizeLinear": (1, 2),
}
#: States that a recurrent layer begins with: no parameters where a Constant has them, as zeros.
_STATES = {"GRU": (5,), "LSTM": (5, 6), "RNN": (5,)}
_STATISTICS = {"BatchNormalization": (3, 4)}
#: Whole numbers that are weights wherever they aren't settings; wider ones are indices, but for quantised biases.
_NARROW = ("int2", "uint2", "int4", "uint4", "int8", "uint8")
_BIASES = {"DequantizeLinear": (0,), "QLinearConv": (8,)}


def parameters_of(graph: Graph) -> dict[str, Parameter]:
    """The parameters in a file by name, each in the role that its first reader gives it; unread ones too."""
    readers: dict[str, Use] = {}
    for node in graph.nodes:
        for use in node.uses:
            if use.name in graph.stored:
                readers.setdefault(use.name, use)
    literals = {name for name, tensor in graph.stored.items() if tensor.literal}
    states = _read_at(graph, _STATES) if literals else set()
    weights = graph.stored.keys() - _read_at(graph, _SETTINGS) - (literals & states)
    found = (
        (tensor, _parameter(tensor, readers.get(name))) for name, tensor in graph.stored.items() if name in weights
    )
    return {tensor.name: parameter for tensor, parameter in found if parameter is not None}


def _read_at(graph: Graph, positions: Mapping[str, tuple[int, ...]]) -> set[str]:
    """Values that nodes read at these positions alone, and those that nothing else is made of.

    The parts of a resize's scales are settings, too, and a state is spread over the batch before it is read.
    """
    read: set[str] = set()
    others = {value.name for value in graph.outputs}
    for node in reversed(graph.nodes):
        makes_these = others.isdisjoint(node.outputs) and not read.isdisjoint(node.outputs)
        for use in node.uses:
            read.add(use.name)
            if not makes_these and use.position not in positions.get(use.reader.op_type, ()):
                others.add(use.name)
    return read - others


def _parameter(tensor: Stored, use: Use | None) -> Parameter | None:
    """A tensor as a parameter; None if it is a constant: a setting, a shape, an index, a number."""
    kind, position = (use.reader.op_type, use.position) if use is not None else ("", -1)
    if position in _SCALES.get(kind, ()):
        return Parameter(tensor.name, tensor.shape, tensor.dtype, "buffer", False, tensor.stored_bytes)
    if position in _STATISTICS.get(kind, ()):
        return Parameter(tensor.name, tensor.shape, tensor.dtype, "statistics", False, tensor.stored_bytes)
    if not tensor.shape or (tensor.literal and prod(tensor.shape) == 1):
        return None
    is_weight = "float" in tensor.dtype or tensor.dtype in _NARROW or tensor.dtype.startswith("complex")
    if not is_weight and not (tensor.dtype == "int32" and position in _BIASES.get(kind, ())):
        return None
    if use is not None and kind == "MatMulNBits" and position == 1:
        sizes = {item.name: item.i for item in use.reader.attribute}
        logical, bits = (sizes.get("K", 0), sizes.get("N", 0)), sizes.get("bits", 4)
        packed = Tensor(tensor.shape, tensor.dtype).bytes
        if min(logical) > 0 and packed is not None and 0 < prod(logical) * bits <= 8 * packed:
            return Parameter(tensor.name, logical, f"uint{bits}", "unknown", True, packed)
    return Parameter(tensor.name, tensor.shape, tensor.dtype, "unknown", True, tensor.stored_bytes)
