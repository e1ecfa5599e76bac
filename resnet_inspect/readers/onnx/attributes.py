"""The settings of ONNX's nodes in the words of the other backends, so that a model and its export line up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...ir import Attributes, Shape, Value
from ...ops.attributes import clamped, dimension_or_several, explicit_padding, pad, paddings
from .operators import (
    BIAS,
    CONVOLUTIONS,
    FACTOR,
    POOLS,
    PRODUCTS,
    Call,
    limits,
    op_of,
    pad_value,
    padded_pairs,
    zeros_around,
)
from .stored import dtype_name

#: Settings that other backends have no words for, and what they are where nobody says them.
_OWN: Mapping[str, Value] = {"round_mode": "up", "saturate": 1, "stash_type": 1, "storage_order": 0}


def attributes_of(call: Call, op: str) -> Attributes:
    """Everything that changes what a node computes, in the words of the other backends where they have some."""
    special = _SPECIAL.get(call.kind)
    if op == "other" or special is None:
        return tuple(call.settings.items())
    try:
        own = {name: call.settings[name] for name, usual in _OWN.items() if call.settings.get(name, usual) != usual}
        return tuple((special(call) | own).items())
    except (ArithmeticError, IndexError, TypeError, ValueError):
        return tuple(call.settings.items())  # a stride of 0, a kernel of too few sizes: as they stand


def _convolution(call: Call) -> dict[str, Value]:
    kernel = call.input(FACTOR.get(call.kind, 1))
    assert kernel is not None  # or else its op is other
    groups = call.integer("group", 1)
    transposed = call.kind == "ConvTranspose"
    window = _window(call, kernel.shape[2:])
    first, second = kernel.shape[0], kernel.shape[1] * groups
    attributes: dict[str, Value] = {
        "in_channels": first if transposed else second,
        "out_channels": second if transposed else first,
        "kernel_size": window["kernel_size"],
        "stride": window["stride"],
        "padding": window["padding"],
        "padding_mode": "zeros",
        "dilation": window["dilation"],
        "groups": groups,
        "bias": call.has(BIAS.get(call.kind, 99)),
    }
    if transposed:
        attributes["output_padding"] = call.integers("output_padding") or (0,) * len(kernel.shape[2:])
    return attributes


def _window(call: Call, kernel: Shape) -> dict[str, Value]:
    ones = (1,) * len(kernel)
    stride, dilation = call.integers("strides") or ones, call.integers("dilations") or ones
    return {
        "kernel_size": kernel,
        "stride": stride,
        "padding": _padding(call, kernel, stride, dilation),
        "dilation": dilation,
    }


def _padding(call: Call, kernel: Shape, stride: Shape, dilation: Shape) -> Value:
    """Explicit padding: ``SAME_UPPER`` and the like in numbers, as every backend gives them."""
    rank, auto = len(kernel), call.settings.get("auto_pad", "NOTSET")
    image = call.input(0)
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        if image is None or call.kind == "ConvTranspose":
            return str(auto)
        way = "same" if auto == "SAME_UPPER" else "same_lower"
        return explicit_padding(way, image.shape[2:], kernel, stride, dilation)
    pads = call.integers("pads") if auto == "NOTSET" else None
    pads = pads if pads is not None and len(pads) == 2 * rank else (0,) * (2 * rank)
    return paddings(zip(pads[:rank], pads[rank:], strict=True))


def _pool(call: Call) -> dict[str, Value]:
    attributes = _window(call, call.integers("kernel_shape") or ())
    attributes["ceil_mode"] = bool(call.integer("ceil_mode", 0))
    if call.kind == "AveragePool":
        if set(_flat(attributes["dilation"])) == {1}:
            del attributes["dilation"]
        attributes["count_include_pad"] = bool(call.integer("count_include_pad", 0))
    return attributes


def _flat(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _batch_norm(call: Call) -> dict[str, Value]:
    scale = call.input(1)
    momentum = call.settings.get("momentum", 0.9)
    attributes: dict[str, Value] = {
        "channels": scale.size if scale else None,
        "eps": call.settings.get("epsilon", 1e-05),
        # The share that a new batch gets, as torch has it.
        "momentum": round(1 - momentum, 12) if isinstance(momentum, (int, float)) else momentum,
        "scale": True,
        "center": True,
    }
    if call.integer("training_mode", 0):
        attributes["training_mode"] = True
    return attributes


def _norm(call: Call) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    scale = call.input(1)
    if call.kind in ("LayerNormalization", "RMSNormalization"):
        image, axis = call.input(0), call.integer("axis", -1)
        attributes["normalized_shape"] = image.shape[axis % len(image.shape) :] if image and image.shape else None
    if call.kind == "GroupNormalization":
        attributes["num_groups"] = call.settings.get("num_groups")
    if call.kind in ("InstanceNormalization", "GroupNormalization"):
        attributes["channels"] = scale.size if scale else None
    attributes["eps"] = call.settings.get("epsilon", 1e-05)
    if call.kind == "LayerNormalization":
        attributes["bias"] = call.has(2)
    return attributes


def _product(call: Call) -> dict[str, Value]:
    if op_of(call) != "dense":
        return dict(call.settings)
    matrix = call.input(FACTOR.get(call.kind, 1))
    assert matrix is not None  # or else its op is matmul
    read, made = matrix.shape[::-1] if call.integer("transB", 0) else matrix.shape
    attributes: dict[str, Value] = {
        "in_features": read,
        "out_features": made,
        "bias": call.has(BIAS.get(call.kind, 99)),
    }
    neutral = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": None}
    others = {
        name: value for name, value in call.settings.items() if value != neutral.get(name, ()) and name != "transB"
    }
    return {**attributes, **others}


def _few_bits(call: Call) -> dict[str, Value]:
    return {
        "in_features": call.settings.get("K"),
        "out_features": call.settings.get("N"),
        "bias": call.has(BIAS[call.kind]),
        **{name: value for name, value in call.settings.items() if name not in ("K", "N")},
    }


def _recurrent(call: Call) -> dict[str, Value]:
    weights = call.input(1)
    attributes: dict[str, Value] = {
        "in_features": weights.shape[-1] if weights and weights.shape else None,
        "hidden_size": call.settings.get("hidden_size"),
        "bias": call.has(3),
        "bidirectional": call.settings.get("direction") == "bidirectional",
    }
    return attributes | {k: v for k, v in call.settings.items() if k not in ("hidden_size", "direction")}


def _flatten(call: Call) -> dict[str, Value]:
    axis, image = call.integer("axis", 1), call.input(0)
    if image and axis % max(len(image.shape), 1) == 1:
        return {"start_dim": 1, "end_dim": -1}
    return {"axis": axis}  # into a matrix, what is before the axis merged too


def _reduction(call: Call) -> dict[str, Value]:
    axes = call.whole_numbers(1) if call.has(1) else call.integers("axes")
    return {"dim": dimension_or_several(axes), "keepdim": bool(call.integer("keepdims", 1))}


def _resize(call: Call) -> dict[str, Value]:
    image = call.input(0)
    names = {"linear": {4: "bilinear", 5: "trilinear"}, "cubic": {4: "bicubic"}}
    mode = str(call.settings.get("mode", "nearest"))
    return {**call.settings, "mode": names.get(mode, {}).get(len(image.shape) if image else 0, mode)}


def _embedding(call: Call) -> dict[str, Value]:
    table = call.input(0)
    if op_of(call) == "embedding" and table and len(table.shape) == 2 and not call.integer("axis", 0):
        return {"num_embeddings": table.shape[0], "embedding_dim": table.shape[1]}
    return {"dim": call.integer("axis", 0)}


#: How a Pad does it where torch has another word.
_PADS = {"edge": "replicate", "wrap": "circular"}


def _pad(call: Call) -> dict[str, Value]:
    if around := zeros_around(call):
        return {"padding": paddings(around)}
    pairs, mode = padded_pairs(call), str(call.settings.get("mode", "constant"))
    return pad(pairs, _PADS.get(mode, mode), pad_value(call)) if pairs else dict(call.settings)


def _clip(call: Call) -> dict[str, Value]:
    return clamped(limits(call))[1]


def _reshape(call: Call) -> dict[str, Value]:
    made = call.output()
    return {"shape": made.shape} if made else {}


def _slice(call: Call) -> dict[str, Value]:
    names = ("starts", "ends", "axes", "steps")
    known = {name: call.whole_numbers(position) for position, name in enumerate(names, 1)}
    return {**call.settings, **{name: numbers for name, numbers in known.items() if numbers is not None}}


def _cast(call: Call) -> dict[str, Value]:
    return {"dtype": dtype_name(call.integer("to", 0))}


def _renamed(**names: str) -> Callable[[Call], dict[str, Value]]:
    """Settings under other names."""
    return lambda call: {names.get(name, name): value for name, value in call.settings.items()}


_SPECIAL: Mapping[str, Callable[[Call], dict[str, Value]]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **dict.fromkeys(POOLS, _pool),
    **dict.fromkeys(PRODUCTS, _product),
    **dict.fromkeys(["LSTM", "GRU", "RNN"], _recurrent),
    **dict.fromkeys(["ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"], _reduction),
    **dict.fromkeys(["LayerNormalization", "RMSNormalization", "InstanceNormalization", "GroupNormalization"], _norm),
    **dict.fromkeys(["Reshape", "Expand"], _reshape),
    **dict.fromkeys(["Concat", "Softmax", "LogSoftmax", "Split", "ArgMax"], _renamed(axis="dim")),
    **dict.fromkeys(["Resize", "Upsample"], _resize),
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "DepthToSpace": _renamed(blocksize="upscale_factor"),
    "Clip": _clip,
    "Flatten": _flatten,
    "Gather": _embedding,
    "Pad": _pad,
    "Slice": _slice,
    "Transpose": _renamed(perm="dims"),
    "com.microsoft.MatMulNBits": _few_bits,
}
