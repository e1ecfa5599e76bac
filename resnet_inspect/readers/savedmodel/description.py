"""What an operation of a TensorFlow graph is: op, attributes, results and multiply-adds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from tensorflow.python.framework import op_def_registry

from ... import ops
from ...errors import InputError
from ...ir import Attributes, Tensor, Value
from ...ops.attributes import dimension_or_several, explicit_padding, pad, paddings
from .calls import Call, UnknownError
from .layouts import layout_given, layout_of
from .operators import CONVOLUTIONS, NORMS, PADS, POOLS, PRODUCTS, RESIZES, TRANSPOSED, word_of
from .shapes import shapes_of, turned

#: Kinds that multiply in ways of their own, or run functions or other programs.
_UNKNOWN = re.compile(
    "Conv|Mat[Mm]ul|Mul(Sparse|Dense)|Dot|Einsum|RNN|LSTM|GRU|FFT|Solve|Cholesky|Svd|Qr|Lu$|(^|[a-z])Eig|Inverse"
    "|Determinant|MatrixExponential|MatrixLogarithm|MatrixSquareRoot"
    "|If$|While$|Case$|For$|Scan|Call|PyFunc|Defun|BatchFunction|XlaLaunch|XlaRun|TPUExecute"
)


class Described(NamedTuple):
    """An operation in our words; ``outputs`` are None where their sizes aren't known, as ``macs`` are.

    ``macs_at_least`` is what is known of them then.
    """

    op: str
    attributes: Attributes
    outputs: tuple[Tensor | None, ...]
    macs: int | None
    macs_at_least: int = 0


def describe(call: Call, wanted: str | None) -> Described:
    """What an operation is; ``wanted`` is the layout that what reads its result wants."""
    op, attributes = _words(call, wanted)
    layout = layout_of(call.operation)
    shapes = shapes_of(call, op, attributes, layout)
    given = [
        None if shape is None else Tensor(shape, value.dtype, layout_given(call, op, len(shape), wanted))
        for shape, value in zip(shapes, call.operation.gives, strict=True)
    ]
    return Described(op, tuple(attributes.items()), tuple(given), _macs(call, attributes, given[0] if given else None))


def _words(call: Call, wanted: str | None) -> tuple[str, dict[str, Value]]:
    """The op and its attributes: none where what they need isn't known."""
    op, kind = word_of(call.kind), call.kind
    try:
        if kind in PADS:
            return _pad(call, wanted)
        if kind in CONVOLUTIONS or kind in POOLS or kind in TRANSPOSED:
            return op, _window(call)
        if kind in ("SpaceToBatchND", "BatchToSpaceND"):
            edges = call.whole(2)
            pairs = paddings(zip(edges[::2], edges[1::2], strict=True))
            return op, {"block_shape": call.whole(1), "padding" if kind == "SpaceToBatchND" else "cropping": pairs}
        if op in ("amax", "amin", "mean", "sum"):
            return op, {"dim": dimension_or_several(call.whole(1)), "keepdim": call.flag("keep_dims")}
    except UnknownError:
        return op, {}
    if kind == "Einsum":
        return op, {"equation": call.text("equation")}
    if kind in NORMS:
        return op, {"eps": round(call.operation.attributes["epsilon"].f or 1e-4, 12)}
    return op, {"mode": RESIZES[kind]} if kind in RESIZES else {}


def _pad(call: Call, wanted: str | None) -> tuple[str, dict[str, Value]]:
    sides = call.whole(1)
    pairs = list(zip(sides[::2], sides[1::2], strict=True))
    mode = call.text("mode").lower() or "constant"
    value = call.array(2).item() if call.kind == "PadV2" else 0
    if mode == "constant" and value == 0 and wanted in ("NCHW", "NHWC") and len(pairs) == 4:
        around = [pair for pair, letter in zip(pairs, wanted, strict=True) if letter in "HW"]
        if sum(map(sum, around)) == sum(sides) and min(sides) >= 0:
            return "zero_pad2d", {"padding": paddings(around)}
    return "pad", pad(pairs, mode, value)


def _window(call: Call) -> dict[str, Value]:
    """The attributes of a convolution or a pooling.

    Raises:
        UnknownError: what they need isn't known.
    """
    kind = call.kind
    layout = layout_of(call.operation) or "NHWC"
    places = [index for index, axis in enumerate(layout) if axis not in "NC"]
    # A transposed convolution is one backwards, whose image is what it gives: its padding is cut off there.
    image = call.whole(0) if kind in TRANSPOSED else call.shape(0)
    if len(image) != len(layout):
        raise UnknownError(kind)

    def spatial(name: str) -> tuple[int, ...]:
        values = call.integers(name) or (1,) * len(layout)
        return tuple(values[place] for place in places)

    weights = () if kind in POOLS else call.shape(1)
    kernel = spatial("ksize") if kind in POOLS else weights[: len(places)]
    stride, dilation = spatial("strides"), spatial("dilations")
    padding = explicit_padding(
        call.text("padding").lower(), [image[place] for place in places], kernel, stride, dilation
    )
    if call.text("padding") == "EXPLICIT":
        pads = call.integers("explicit_paddings")
        padding = paddings([(pads[2 * place], pads[2 * place + 1]) for place in places])
    found: dict[str, Value] = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if kind in POOLS:
        if kind.startswith("Max"):
            return {**found, "dilation": dilation, "ceil_mode": False}
        return {**found, "ceil_mode": False, "count_include_pad": False}
    channels = image[layout.index("C")]
    read, made, groups = channels, weights[-1], channels // weights[-2]
    if kind in TRANSPOSED:
        read, made, groups = weights[-1], channels, channels // weights[-2]
    elif kind == "DepthwiseConv2dNative":
        made, groups = prod(weights[-2:]), channels
    return {"in_channels": read, "out_channels": made, **found, "dilation": dilation, "groups": groups, "bias": False}


def _macs(call: Call, attributes: Mapping[str, Value], output: Tensor | None) -> int | None:
    kind = call.kind
    try:
        if kind in CONVOLUTIONS or kind in PRODUCTS:
            if output is None:
                return None
            # A depthwise kernel ends in the channels that it reads and how many it makes of each.
            ends = 2 if kind == "DepthwiseConv2dNative" else 1
            return output.size * (prod(call.shape(1)[:-ends]) if kind in CONVOLUTIONS else turned(call)[0].shape[-1])
        if kind in TRANSPOSED:
            return prod(call.shape(2)) * prod(call.shape(1)[:-1])
        if kind == "Einsum":
            return ops.apply("einsum", attributes, [Tensor(shape, "") for shape in call.shapes()]).macs
    except (InputError, LookupError, ValueError):
        return None
    # What TensorFlow itself doesn't have is somebody's own, and may do anything.
    return None if _UNKNOWN.search(kind) or op_def_registry.get(kind) is None else 0
