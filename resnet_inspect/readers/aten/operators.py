"""ATen's operators in our vocabulary, from names and arguments alone: what a file's graph says, read without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...ir import UNKNOWN, Attributes, Tensor, Value, frozen_value
from ...ops import vocabulary
from ...ops.attributes import clamped, dimension_or_several, explicit_padding, in_each_dimension, padded


@dataclass(frozen=True, slots=True)
class Operator:
    """One call: ``aten``, ``relu_``, its arguments by the schema's names, and what it gives.

    Arguments are ``Tensor``s, plain values, and tuples of both.
    """

    namespace: str
    name: str
    arguments: Mapping[str, Any]
    outputs: tuple[Tensor, ...]

    @property
    def plain(self) -> str:
        """The name without the marks of variants: ``relu_``, ``_softmax``, ``max_pool2d_with_indices``."""
        return self.name.strip("_").removesuffix("_with_indices").removeprefix("native_")

    @property
    def complete(self) -> bool:
        """Whether all its sizes are known."""
        return UNKNOWN not in (*self.tensors(), *self.outputs)

    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors among the arguments, in order."""
        return tuple(tensors_in(tuple(self.arguments.values())))


def tensors_in(value: Any) -> Sequence[Tensor]:
    """All tensors in nested tuples."""
    if isinstance(value, Tensor):
        return (value,)
    return [tensor for item in value for tensor in tensors_in(item)] if isinstance(value, tuple) else ()


#: Operators of which torch has a function of the same name, by that name.
FUNCTIONS = {
    **dict.fromkeys(("addmm", "baddbmm", "bmm", "mm"), "matmul"),
    **dict.fromkeys(("t", "permute", "movedim", "swapaxes", "mT"), "transpose"),
    **dict.fromkeys(("chunk", "narrow", "select", "split", "unbind"), "slice"),
    **dict.fromkeys(("squeeze", "unflatten", "unsqueeze", "view"), "reshape"),
    **dict.fromkeys(("clamp_max", "clamp_min", "clip"), "clamp"),
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"), "feature_dropout"),
    **dict.fromkeys(("fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine"), "fake_quantize"),
    "alpha_dropout": "dropout",
    "cat": "concat",
    "clone": "copy",
    "constant_pad_nd": "pad",
    "contiguous": "copy",
    "linear": "dense",
    "maximum": "max",
    "minimum": "min",
    "resize": "other",  # of a tensor's memory
}
#: Operators by their plain name; one that isn't here, nor an op of its own name, is ``other``.
_OPS = {
    **FUNCTIONS,
    **dict.fromkeys(("slice", "split_with_sizes"), "slice"),
    **dict.fromkeys(("rnn_relu", "rnn_tanh"), "rnn"),
    **{f"{kind}_pad{d}d": "pad" for kind in ("reflection", "replication") for d in (1, 2, 3)},
    **dict.fromkeys(("full", "full_like", "new_full", "new_ones", "new_zeros", "ones", "ones_like", "zeros"), "fill"),
    "linalg_vector_norm": "vector_norm",
    "numpy_T": "transpose",
    "prelu_kernel": "prelu",
    "rsub": "sub",
    "unsafe_view": "reshape",
    "zeros_like": "fill",
}
#: Ops of names that begin so: there are many variants.
_FAMILIES = {
    "scaled_dot_product": "attention",
    "upsample": "resize",
    "batch_norm": "batch_norm",
    "cudnn_batch_norm": "batch_norm",
    "fake_quantize": "fake_quantize",
    "fused_moving_avg_obs_fake_quant": "fake_quantize",
}

#: Operators whose result looks at the memory of their first argument.
VIEWS = frozenset(
    [
        *("alias", "as_strided", "chunk", "contiguous", "detach", "diagonal", "expand", "expand_as", "flatten"),
        *("movedim", "narrow", "numpy_T", "mT", "permute", "reshape", "select", "slice", "split", "split_with_sizes"),
        *("squeeze", "swapaxes", "t", "transpose", "unbind", "unflatten", "unfold", "unsqueeze", "view", "view_as"),
    ]
)
#: The arguments in which an operator takes its weights: a view of a parameter is the parameter there, and has no row.
WEIGHTS = frozenset(["weight", "bias", "params"])


def describe(operator: Operator) -> tuple[str, Attributes]:
    """The op of an operator, and everything that changes what it computes."""
    if operator.namespace not in ("aten", "prims"):
        return "other", _values(operator)
    name = operator.plain
    if "conv" in name and "weight" in operator.arguments and "backward" not in name:
        return _conv(operator)
    op = _OPS.get(name) or vocabulary.named(name) or "other"
    op = next((known for start, known in _FAMILIES.items() if name.startswith(start)), op)
    if op in ("clamp", "hard_tanh"):
        return with_limits(op, dict(_values(operator)))
    if op == "pad":
        return _pad(operator)
    special = _SPECIAL.get(op) if operator.complete else None
    return op, special(operator) if special else _values(operator)


def with_limits(op: str, settings: Mapping[str, Value]) -> tuple[str, Attributes]:
    """The word and settings of torch's clamp and hardtanh, which are one operator; the latter has limits by default."""
    if op == "hard_tanh":
        op, found = clamped({"min_val": -1, "max_val": 1, **settings}, "min_val", "max_val")
    else:
        op, found = clamped(settings)
    return op, tuple(found.items())


def output_count(operator: Operator) -> int:
    """How many of its outputs are results: normalisations, max pooling and bags give working values too."""
    op = describe(operator)[0]
    working = operator.name.endswith("_with_indices") or op.endswith("_norm")
    working = working or op.startswith("adaptive_max_pool") or op == "embedding_bag"
    return 1 if working else len(operator.outputs)


#: Arguments that don't change what is computed.
_IGNORED = ("device", "layout", "memory_format", "pin_memory", "train", "training", "generator", "cudnn_enabled")


def _values(operator: Operator) -> Attributes:
    """The arguments other than tensors, by name."""
    found: dict[str, Value] = {
        name: frozen_value(value)
        for name, value in operator.arguments.items()
        if name and name not in _IGNORED and value is not None and not tensors_in(value)
    }
    if operator.name.endswith("_"):
        found["inplace"] = True
    if "dim" in found:
        found["dim"] = dimension_or_several(found["dim"])
    if operator.name == "rsub":
        found["reflected"] = True
    return tuple(found.items())


def _number(operator: Operator, name: str, default: float) -> float:
    value = operator.arguments.get(name)
    return value if isinstance(value, (int, float)) else default


def _each(operator: Operator, name: str, rank: int, default: Any) -> tuple[Any, ...]:
    """A setting for every spatial dimension, where one number stands for all of them."""
    value = operator.arguments.get(name)
    return in_each_dimension(default if value is None or value == () else value, rank)


#: How operators that only pad in one way do it, by the beginnings of their names.
_PADS = {"reflection": "reflect", "replication": "replicate"}


def _pad(operator: Operator) -> tuple[str, Attributes]:
    sides = operator.arguments.get("pad", operator.arguments.get("padding"))
    mode = _PADS.get(operator.plain.partition("_")[0], operator.arguments.get("mode"))
    found = padded(len(operator.tensors()[0].shape), sides, mode, operator.arguments.get("value"))
    return ("pad", _values(operator)) if found is None else (found[0], tuple(found[1].items()))


def _conv(operator: Operator) -> tuple[str, Attributes]:
    arguments = operator.arguments
    first, second, *kernel = arguments["weight"].shape
    rank = len(kernel)
    transposed = bool(arguments.get("transposed")) or "transpose" in operator.plain
    groups = int(_number(operator, "groups", 1))
    dilation = _each(operator, "dilation", rank, 1)
    padding = arguments.get("padding")
    if isinstance(padding, str):
        ones = (1,) * rank  # torch has no "same" with strides: the sizes don't matter
        padding = explicit_padding(padding, ones, kernel, ones, dilation)
    else:
        padding = _each(operator, "padding", rank, 0)
    attributes: dict[str, Value] = {
        "in_channels": first if transposed else second * groups,
        "out_channels": second * groups if transposed else first,
        "kernel_size": tuple(kernel),
        "stride": _each(operator, "stride", rank, 1),
        "padding": padding,
        "padding_mode": "zeros",
        "dilation": dilation,
        "groups": groups,
        "bias": arguments.get("bias") is not None,
    }
    if transposed:
        attributes["output_padding"] = _each(operator, "output_padding", rank, 0)
    return f"conv{'_transpose' if transposed else ''}{rank}d", tuple(attributes.items())


def _batch_norm(operator: Operator) -> Attributes:
    arguments = operator.arguments
    sized = next((t for key in ("weight", "running_mean") if (t := arguments.get(key)) is not None), None)
    attributes: dict[str, Value] = {
        "channels": sized.shape[0] if sized else operator.outputs[0].shape[1],
        "eps": arguments.get("eps", 1e-5),
        "momentum": arguments.get("momentum", 0.1),
        "scale": arguments.get("weight") is not None,
        "center": arguments.get("bias") is not None,
    }
    if arguments.get("running_mean") is None:
        attributes["track_running_stats"] = False
    return tuple(attributes.items())


def _layer_norm(operator: Operator) -> Attributes:
    arguments = operator.arguments
    return (
        ("normalized_shape", frozen_value(arguments.get("normalized_shape"))),
        ("eps", arguments.get("eps", 1e-5)),
        ("elementwise_affine", arguments.get("weight") is not None),
        ("bias", arguments.get("bias") is not None),
    )


def _pool(operator: Operator) -> Attributes:
    rank = int(operator.plain[-2])
    kernel = _each(operator, "kernel_size", rank, 1)
    average = operator.plain.startswith("avg")
    attributes: dict[str, Value] = {
        "kernel_size": kernel,
        "stride": _each(operator, "stride", rank, kernel),
        "padding": _each(operator, "padding", rank, 0),
        **({} if average else {"dilation": _each(operator, "dilation", rank, 1)}),
        "ceil_mode": bool(operator.arguments.get("ceil_mode", False)),
        **({"count_include_pad": bool(operator.arguments.get("count_include_pad", True))} if average else {}),
    }
    if operator.arguments.get("divisor_override"):
        attributes["divisor_override"] = operator.arguments["divisor_override"]
    return tuple(attributes.items())


def _dense(operator: Operator) -> Attributes:
    features = operator.outputs[0].shape[-1:]
    weight = operator.arguments.get("weight")
    given = weight.shape if weight is not None else ()
    return (
        ("in_features", given[-1] if given else None),
        ("out_features", features[0] if features else None),
        ("bias", operator.arguments.get("bias") is not None),
    )


def _embedding(operator: Operator) -> Attributes:
    rows, width = operator.arguments["weight"].shape
    index = operator.arguments.get("padding_idx", -1)
    return (("num_embeddings", rows), ("embedding_dim", width), ("padding_idx", None if index == -1 else index))


def _recurrent(operator: Operator) -> Attributes:
    """An LSTM, GRU or RNN: the sizes stand in the shapes of its weights."""
    arguments = operator.arguments
    weights = [t.shape for t in tensors_in(arguments.get("params")) if len(t.shape) == 2]
    if not weights:
        return _values(operator)  # a single step
    gates = {"lstm": 4, "gru": 3}.get(operator.plain, 1)
    hidden = weights[0][0] // gates
    attributes: dict[str, Value] = {
        "mode": operator.plain.upper(),
        "input_size": weights[0][1],
        "hidden_size": hidden,
        "num_layers": arguments.get("num_layers", 1),
        "bias": bool(arguments.get("has_biases", True)),
        "batch_first": bool(arguments.get("batch_first", False)),
        "dropout": arguments.get("dropout", 0.0),
        "bidirectional": bool(arguments.get("bidirectional", False)),
        "proj_size": weights[1][1] if weights[1][1] != hidden else 0,
    }
    return tuple(attributes.items())


def _flatten(operator: Operator) -> Attributes:
    return (
        ("start_dim", operator.arguments.get("start_dim", 0)),
        ("end_dim", operator.arguments.get("end_dim", -1)),
    )


def _resize(operator: Operator) -> Attributes:
    """The way stands in the name: ``upsample_bilinear2d``, ``upsample_nearest_exact2d``."""
    mode = operator.plain.removeprefix("upsample_").removesuffix("_aa").rstrip("d").rstrip("123").replace("_", "-")
    return (*(item for item in _values(operator) if item != ("align_corners", False)), ("mode", mode))


def _embedding_bag(operator: Operator) -> Attributes:
    """As of one embedding; the mode is a number in the schema."""
    mode = ("sum", "mean", "max")[int(_number(operator, "mode", 0))]
    return tuple(({**dict(_values(operator)), **dict(_embedding(operator)), "mode": mode}).items())


_SPECIAL: Mapping[str, Callable[[Operator], Attributes]] = {
    **{f"{kind}_pool{d}d": _pool for kind in ("max", "avg") for d in (1, 2, 3)},
    **dict.fromkeys(("lstm", "gru", "rnn"), _recurrent),
    "batch_norm": _batch_norm,
    "dense": _dense,
    "embedding": _embedding,
    "embedding_bag": _embedding_bag,
    "flatten": _flatten,
    "layer_norm": _layer_norm,
    "resize": _resize,
}
