"""TensorFlow's operations in our vocabulary: op, attributes, the shape of what they give, and multiply-adds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from tensorflow.python.framework import op_def_registry

from ... import ops
from ...errors import InputError
from ...ir import Attributes, Shape, Tensor, Value
from ...ops.attributes import explicit_padding
from .graph import Operation
from .nodes import Dims

_CONVOLUTIONS = {"Conv2D": "conv2d", "Conv3D": "conv3d", "DepthwiseConv2dNative": "conv2d"}
_POOLS = {"AvgPool": "avg_pool2d", "AvgPool3D": "avg_pool3d", "MaxPool": "max_pool2d", "MaxPool3D": "max_pool3d"}
_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_OF_IMAGES = frozenset([*_CONVOLUTIONS, *_POOLS, *_NORMS, "BiasAdd", "Conv2DBackpropInput"])
_PRODUCTS = {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul"}
#: Kinds whose op isn't their name in lower case.
_OPS = {
    **_CONVOLUTIONS,
    **_POOLS,
    **dict.fromkeys(_PRODUCTS, "matmul"),
    **dict.fromkeys(_NORMS, "batch_norm"),
    **dict.fromkeys(("GatherV2", "ResourceGather"), "embedding"),
    **dict.fromkeys(("ExpandDims", "Reshape", "Squeeze"), "reshape"),
    **dict.fromkeys(("MirrorPad", "Pad", "PadV2"), "pad"),
    **dict.fromkeys(("ResizeBilinear", "ResizeNearestNeighbor"), "resize"),
    "AddV2": "add",
    "BiasAdd": "add",
    "ConcatV2": "concat",
    "Conv2DBackpropInput": "conv_transpose2d",
    "RealDiv": "div",
    "StridedSlice": "slice",
}
#: What gives a tensor as large as all that it reads together, one's sizes spread over another's.
_ELEMENTWISE = frozenset(
    [
        *("Abs", "Add", "AddN", "AddV2", "BiasAdd", "Cast", "Div", "DivNoNan", "Elu", "Equal", "Erf", "Exp", "Floor"),
        *("FloorDiv", "FloorMod", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Greater", "GreaterEqual"),
        *("LeakyRelu", "Less", "LessEqual", "Log", "LogSoftmax", "LogicalAnd", "LogicalNot", "LogicalOr", "Maximum"),
        *("Minimum", "Mul", "Neg", "NotEqual", "Pow", "RealDiv", "Relu", "Relu6", "Round", "Rsqrt", "SelectV2"),
        *("Selu", "Sigmoid", "Sign", "Sin", "Cos", "Softmax", "Softplus", "Softsign", "Sqrt", "Square"),
        *("SquaredDifference", "Sub", "Tanh"),
    ]
)
#: What gives as many elements as it reads.
_REORDERING = ("ExpandDims", "Reshape", "Squeeze", "Transpose")
#: What changes each item of a batch by itself: where the batch alone is open, the file says the rest.
_PER_ITEM = frozenset(
    [
        *("Conv2DBackpropInput", "Conv3DBackpropInputV2", "DepthToSpace", "LRN", "ResizeArea", "ResizeBicubic"),
        *("ResizeBilinear", "ResizeNearestNeighbor", "SpaceToDepth"),
    ]
)
_REDUCTIONS = ("All", "Any", "Max", "Mean", "Min", "Prod", "Sum")
#: Kinds that multiply in ways of their own, or run functions or other programs.
_UNKNOWN = re.compile(
    "Conv|Mat[Mm]ul|Mul(Sparse|Dense)|Dot|Einsum|RNN|LSTM|GRU|FFT|Solve|Cholesky|Svd|Qr|Lu$|(^|[a-z])Eig|Inverse"
    "|Determinant|MatrixExponential|MatrixLogarithm|MatrixSquareRoot"
    "|If$|While$|Case$|For$|Scan|Call|PyFunc|Defun|BatchFunction|XlaLaunch|XlaRun|TPUExecute"
)


def layout_of(operation: Operation) -> str | None:
    """How an operation on images takes them. The file leaves defaults out: channels that are last."""
    kind = operation.kind
    if kind not in _OF_IMAGES:
        return None
    written = operation.attributes["data_format"].s.decode() if "data_format" in operation.attributes else ""
    return written or ("NDHWC" if "3D" in kind else "NHWC")


def describe(operation: Operation, reads: Sequence[Tensor | None]) -> tuple[str, Attributes, Tensor | None, int | None]:
    """The op, its attributes, its first output where its shape is known, and its multiply-adds where they are.

    ``reads`` are what the operation reads, each with all its sizes if they are known.
    """
    kind = operation.kind
    op = _OPS.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.removesuffix("V2")).lower()
    first = reads[0] if reads else None
    layout = layout_of(operation)
    attributes: dict[str, Value] = {}
    if first is not None and (kind in _CONVOLUTIONS or kind in _POOLS):
        attributes = _window(operation, reads, replace(first, layout=layout))
    elif kind == "Einsum":
        attributes = {"equation": operation.attributes["equation"].s.decode()}
    elif kind in _NORMS:
        attributes = {"eps": round(operation.attributes["epsilon"].f or 1e-4, 12)}
    output = _output(operation, reads, op, attributes, layout)
    return op, tuple(attributes.items()), output, _macs(operation, reads, attributes, output)


def _output(
    operation: Operation, reads: Sequence[Tensor | None], op: str, attributes: Mapping[str, Value], layout: str | None
) -> Tensor | None:
    given = operation.gives[0] if operation.gives else None
    if given is None:
        return None
    shape = given.dims
    if shape is None or min(shape, default=0) < 0:
        shape = _agreed(_shape(operation, reads, op, attributes, layout), given.dims)
    if shape is None:
        return None
    kept = next((item.layout for item in reads if item is not None and len(item.shape) == len(shape)), None)
    if op in ("matmul", "embedding", "reshape", "transpose", "slice"):
        kept = None
    return Tensor(shape, given.dtype, layout if layout is not None and len(shape) == len(layout) else kept)


def _agreed(shape: Shape | None, dims: Dims) -> Shape | None:
    """A shape that was worked out, if it is none that the file contradicts."""
    if shape is None or dims is None:
        return shape
    fits = len(shape) == len(dims) and all(own in (-1, size) for own, size in zip(dims, shape, strict=True))
    return shape if fits else None


def _shape(
    operation: Operation, reads: Sequence[Tensor | None], op: str, attributes: Mapping[str, Value], layout: str | None
) -> Shape | None:
    """The first output's shape where the operation's inputs tell it and the file leaves some of it open."""
    kind, first = operation.kind, reads[0] if reads else None
    known = [item for item in reads if item is not None]
    try:
        if first is not None and kind in (*_CONVOLUTIONS, *_POOLS):
            return ops.apply(op, attributes, [replace(first, layout=layout)]).output.shape
        if kind == "Einsum" and len(known) == len(reads) == 2:
            return ops.apply(op, attributes, known).output.shape
        if kind in _PRODUCTS and len(known) == 2:
            return ops.apply("matmul", {}, _turned(operation, known)).output.shape
    except (InputError, KeyError, TypeError, ValueError):
        return None  # read in a way that the rule doesn't know
    if kind in _ELEMENTWISE and len(known) == len(reads):
        return _broadcast([item.shape for item in known])
    if kind == "Transpose" and first is not None and (order := operation.reads[1].constant):
        return tuple(first.shape[place] for place in order)
    if kind in _REORDERING and first is not None:
        return _completed(operation.gives[0].dims, first.size)
    if kind in _REDUCTIONS and first is not None:
        return _reduced(operation, first.shape)
    if kind in ("GatherV2", "ResourceGather") and len(known) >= 2:
        return (*known[1].shape, *known[0].shape[1:])
    # ``x[:, ...]`` keeps the batch.
    keeps = operation.attributes["begin_mask"].i & operation.attributes["end_mask"].i & 1
    if (kind in _PER_ITEM or (kind == "StridedSlice" and keeps)) and operation.gives[0].dims:
        batch = next((item.shape[:1] for item, v in zip(reads, operation.reads, strict=True) if v.source and item), ())
        return (*batch, *operation.gives[0].dims[1:]) if -1 not in operation.gives[0].dims[1:] else None
    if kind == "ConcatV2" and len(known) == len(reads) and (axes := operation.reads[-1].constant):
        shapes = [list(item.shape) for item in known[:-1]]
        shapes[0][axes[0]] = sum(shape[axes[0]] for shape in shapes)
        return tuple(shapes[0])
    if kind == "Tile" and first is not None and (times := operation.reads[1].constant):
        return tuple(size * count for size, count in zip(first.shape, times, strict=True))
    if op == "pad" and first is not None and (pads := operation.reads[1].constant):
        return tuple(size + sum(pads[2 * i : 2 * i + 2]) for i, size in enumerate(first.shape))
    return None


def _macs(
    operation: Operation, reads: Sequence[Tensor | None], attributes: Mapping[str, Value], output: Tensor | None
) -> int | None:
    kind = operation.kind
    first, second = (*reads, None, None)[:2]
    if kind in _CONVOLUTIONS:
        if output is None or second is None:
            return None
        # A depthwise kernel ends in the channels that it reads and how many it makes of each.
        ends = 2 if kind == "DepthwiseConv2dNative" else 1
        return output.size * prod(second.shape[:-ends])
    if kind == "Conv2DBackpropInput":
        image = reads[2] if len(reads) > 2 else None
        return None if image is None or second is None else image.size * prod(second.shape[:-1])
    if kind in _PRODUCTS:
        if output is None or first is None:
            return None
        return output.size * _turned(operation, [first, first])[0].shape[-1]
    if kind == "Einsum" and first is not None and second is not None:
        try:
            return ops.apply("einsum", attributes, [first, second]).macs
        except (InputError, ValueError):
            return None
    # What TensorFlow itself doesn't have is somebody's own, and may do anything.
    return None if _UNKNOWN.search(kind) or op_def_registry.get(kind) is None else 0


def _window(operation: Operation, reads: Sequence[Tensor | None], image: Tensor) -> dict[str, Value]:
    """The attributes of a convolution or a pooling; none where what they need isn't known."""
    written = operation.attributes
    layout = image.layout or "NHWC"
    places = [index for index, axis in enumerate(layout) if axis not in "NC"]
    channels = layout.index("C")
    if len(image.shape) != len(layout):
        return {}

    def spatial(name: str) -> tuple[int, ...]:
        values = tuple(written[name].list.i) or (1,) * len(layout)
        return tuple(values[place] for place in places)

    stride = spatial("strides")
    if operation.kind in _POOLS:
        kernel, dilation = spatial("ksize"), (1,) * len(places)
    else:
        weights = reads[1] if len(reads) > 1 else None
        if weights is None or len(weights.shape) != len(layout):
            return {}
        kernel, dilation = weights.shape[: len(places)], spatial("dilations")
    way = written["padding"].s.decode().lower()
    sizes = [image.shape[place] for place in places]
    padding = explicit_padding(way, sizes, kernel, stride, dilation)
    if way == "explicit":
        pads = tuple(written["explicit_paddings"].list.i)
        padding = tuple((pads[2 * place], pads[2 * place + 1]) for place in places)
    found: dict[str, Value] = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if operation.kind in _POOLS:
        extra: dict[str, Value] = {"ceil_mode": False}
        if not operation.kind.startswith("Max"):
            del found["dilation"]
            extra["count_include_pad"] = False
        return found | extra
    assert weights is not None
    depthwise = operation.kind == "DepthwiseConv2dNative"
    count = image.shape[channels]
    return {
        "in_channels": count,
        "out_channels": prod(weights.shape[-2:]) if depthwise else weights.shape[-1],
        **found,
        "groups": count if depthwise else count // weights.shape[-2],
        "bias": False,
    }


def _turned(operation: Operation, factors: Sequence[Tensor]) -> list[Tensor]:
    """The two factors of a product as they are multiplied: some are written the other way round."""
    result = []
    for factor, names in zip(factors, (("transpose_a", "adj_x"), ("transpose_b", "adj_y")), strict=True):
        turn = any(name in operation.attributes and operation.attributes[name].b for name in names)
        shape = (*factor.shape[:-2], factor.shape[-1], factor.shape[-2]) if turn else factor.shape
        result.append(replace(factor, shape=shape, layout=None))
    return result


def _broadcast(shapes: Sequence[Shape]) -> Shape | None:
    rank = max(map(len, shapes), default=0)
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [{size for size in column if size != 1} or {1} for column in zip(*full, strict=True)]
    return tuple(next(iter(found)) for found in sizes) if all(len(found) == 1 for found in sizes) else None


def _completed(dims: Dims, elements: int) -> Shape | None:
    """Sizes of which one is open, for so many elements."""
    if dims is None or dims.count(-1) != 1:
        return None
    others = prod(size for size in dims if size >= 0)
    if not others or elements % others:
        return None
    return tuple(elements // others if size < 0 else size for size in dims)


def _reduced(operation: Operation, shape: Shape) -> Shape | None:
    axes: Any = operation.reads[1].constant if len(operation.reads) > 1 else None
    if axes is None:
        return None
    gone = {axis % len(shape) for axis in axes}
    keeps = operation.attributes["keep_dims"].b
    return tuple(1 if i in gone else size for i, size in enumerate(shape) if keeps or i not in gone)
