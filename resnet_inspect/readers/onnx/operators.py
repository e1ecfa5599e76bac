"""ONNX's operators in our vocabulary: which op a node is, its canonical attributes, the layout of its output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import onnx
from onnx import helper

from ...ir import Shape, Tensor, Value, frozen_value
from ...ops import vocabulary
from ...ops.attributes import clamped


@dataclass(frozen=True, slots=True)
class Call:
    """A node and what is known of its values, by position: None for a tensor of unknown shape or that is left out.

    ``kind`` is its operator; of one that stands in ``SAME_AS``, the other.

    ``numbers`` are values known beforehand. ``given`` tells which inputs aren't left out, ``static`` which ones come
    from what the file holds alone.
    """

    kind: str
    settings: Mapping[str, Value]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    numbers: tuple[Any, ...] = ()
    given: tuple[bool, ...] = ()
    static: tuple[bool, ...] = ()

    def input(self, position: int) -> Tensor | None:
        """An input, if it is there and its shape is known."""
        return self.inputs[position] if position < len(self.inputs) else None

    def output(self) -> Tensor | None:
        """The first output, if its shape is known."""
        return self.outputs[0] if self.outputs else None

    def has(self, position: int) -> bool:
        """Whether an input is there."""
        return position < len(self.given) and self.given[position]

    def is_static(self, position: int) -> bool:
        """Whether an input is there and comes from the file alone."""
        return position < len(self.static) and self.static[position]

    def number(self, position: int) -> Any:
        """An input's values, if they are known beforehand."""
        return self.numbers[position] if position < len(self.numbers) else None

    def whole_numbers(self, position: int) -> Shape | None:
        """An input's values as whole numbers; None if they aren't known, or are none."""
        found = self.number(position)
        return tuple(map(int, found.flat)) if found is not None and found.dtype.kind in "iu" else None

    def integer(self, name: str, default: int) -> int:
        """A setting that is a whole number."""
        value = self.settings.get(name, default)
        return value if isinstance(value, int) else default

    def integers(self, name: str) -> Shape | None:
        """A setting that is a row of whole numbers, None where the node doesn't say it."""
        value = self.settings.get(name)
        return tuple(v for v in value if isinstance(v, int)) if isinstance(value, tuple) else None


#: ONNX Runtime's operators that are one of ONNX's own, or one and an activation after it.
SAME_AS = {
    "com.microsoft.DequantizeLinear": "DequantizeLinear",
    "com.microsoft.FusedConv": "Conv",
    "com.microsoft.FusedGemm": "Gemm",
    "com.microsoft.QuantizeLinear": "QuantizeLinear",
}
#: ONNX Runtime's domain, and what it puts before an operator's name: what it fuses, or how it computes.
_RUNTIME = re.compile(r"com\.microsoft\.(?:Bias|Fast|QLinear|Quick|Skip)?")
#: Operators whose op is the same whatever they read.
_OPS = {
    "BatchNormalization": "batch_norm",
    "Cast": "copy",
    "DepthToSpace": "pixel_shuffle",
    "DequantizeLinear": "dequantize",
    "DynamicQuantizeLinear": "quantize",
    "FusedMatMul": "matmul",
    "GroupNormalization": "group_norm",
    "GroupQueryAttention": "attention",
    "InstanceNormalization": "instance_norm",
    "LRN": "local_response_norm",
    "LayerNormalization": "layer_norm",
    "MatMulNBits": "dense",
    "MultiHeadAttention": "attention",
    "QuantizeLinear": "quantize",
    "RMSNormalization": "rms_norm",
    "ReduceMax": "amax",
    "ReduceMean": "mean",
    "ReduceMin": "amin",
    "ReduceSum": "sum",
    "SimplifiedLayerNormalization": "rms_norm",
    "Split": "slice",
    "Squeeze": "reshape",
    "Sum": "add",
    "Swish": "silu",
    "Tile": "expand",
    "Unsqueeze": "reshape",
    "Upsample": "resize",
}
CONVOLUTIONS = {"Conv": "conv", "ConvTranspose": "conv_transpose", "ConvInteger": "conv", "QLinearConv": "conv"}
POOLS = {"MaxPool": "max_pool", "AveragePool": "avg_pool"}
_GLOBAL_POOLS = {"GlobalMaxPool": "global_max_pool", "GlobalAveragePool": "global_avg_pool"}
PRODUCTS = ("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul")
#: Where the second factor stands: a convolution's kernel, a product's matrix.
FACTOR = {"QLinearConv": 3, "QLinearMatMul": 3}
#: Where its bias stands.
BIAS = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "QLinearConv": 8, "com.microsoft.MatMulNBits": 5}


def settings_of(node: Any) -> dict[str, Value]:
    """A node's attributes that are plain values."""
    found = {}
    for attribute in node.attribute:
        if attribute.type in _PLAIN:
            found[attribute.name] = _plain(helper.get_attribute_value(attribute))
    return found


_KINDS = onnx.AttributeProto
_PLAIN = (_KINDS.INT, _KINDS.INTS, _KINDS.FLOAT, _KINDS.FLOATS, _KINDS.STRING, _KINDS.STRINGS)


def _plain(value: Any) -> Value:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        # 1e-05 is stored as the float32 next to it.
        return frozen_value(float(str(numpy.float32(value))))
    return value if isinstance(value, int) else tuple(_plain(item) for item in value)


def op_of(call: Call) -> str:
    """The op of a node, ``other`` where our vocabulary has none."""
    kind = call.kind
    factor = call.input(FACTOR.get(kind, 1))
    if kind in CONVOLUTIONS:
        return f"{CONVOLUTIONS[kind]}{len(factor.shape) - 2}d" if factor and 3 <= len(factor.shape) <= 5 else "other"
    if kind in POOLS:
        rank = len(call.integers("kernel_shape") or ())
        return f"{POOLS[kind]}{rank}d" if 1 <= rank <= 3 else "other"
    if kind in _GLOBAL_POOLS:
        image = call.input(0)
        return f"{_GLOBAL_POOLS[kind]}{len(image.shape) - 2}d" if image and len(image.shape) > 2 else "other"
    if kind in PRODUCTS:
        position = FACTOR.get(kind, 1)
        is_matrix = factor is not None and len(factor.shape) == 2
        return "dense" if is_matrix and call.is_static(position) and not call.is_static(0) else "matmul"
    if kind == "Gather":
        return "embedding" if call.is_static(0) else "slice" if call.number(1) is not None else "other"
    if kind == "Clip":
        return clamped(limits(call))[0]
    if kind == "Pad":
        return "zero_pad2d" if zeros_around(call) else "pad"
    return word_of(kind) or "other"


def word_of(kind: str) -> str | None:
    """The op of an operator that is the same whatever it reads."""
    name = _RUNTIME.sub("", kind)
    return _OPS.get(name) or vocabulary.named(name)


def limits(call: Call) -> dict[str, Value]:
    """The least and the most that a Clip lets through, where the file says them; settings until opset 11."""
    found: dict[str, Value] = {}
    for position, name in ((1, "min"), (2, "max")):
        number = call.number(position)
        found[name] = call.settings.get(name) if number is None or number.size != 1 else _plain(float(number.item()))
    return found


def padded_pairs(call: Call) -> tuple[tuple[int, int], ...]:
    """Rows before and after along each dimension that a Pad adds; nothing where the file doesn't say them."""
    pads = call.whole_numbers(1) if call.has(1) else call.integers("pads")
    if pads is None or call.has(3):  # from opset 18 on, of some dimensions alone
        return ()
    return tuple(zip(pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=False))


def pad_value(call: Call) -> Value:
    """What a Pad adds; None where the file doesn't say it."""
    number = call.number(2)
    if call.has(2):
        return _plain(float(number.item())) if number is not None and number.size == 1 else None
    return call.settings.get("value", 0)


def zeros_around(call: Call) -> tuple[tuple[int, int], ...]:
    """Rows and columns of zeros around an image; nothing if a Pad is anything else."""
    pairs = padded_pairs(call)
    if len(pairs) != 4 or call.settings.get("mode", "constant") != "constant" or pad_value(call) != 0:
        return ()
    return pairs[2:] if pairs[:2] == ((0, 0), (0, 0)) and min(map(min, pairs)) >= 0 else ()
