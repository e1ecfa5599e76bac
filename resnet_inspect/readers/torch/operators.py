"""torch's modules in our vocabulary: which op a module is, its canonical attributes, the layout of its output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from ...ir import Attributes, Value, frozen_value
from ...ops import composed, vocabulary
from ...ops.attributes import clamped, explicit_padding, in_each_dimension, pad, paddings, pairs_from_last

#: How torch's modules pad whose names begin so.
_PADS = {"Circular": "circular", "Constant": "constant", "Reflection": "reflect", "Replication": "replicate"}
#: torch's own classes by name; a subclass is what its nearest torch ancestor is.
_MODULE_OPS = {
    **{f"{name}Pad{d}d": "pad" for name in _PADS for d in (1, 2, 3)},
    "AlphaDropout": "dropout",
    "BatchNorm1d": "batch_norm",
    "BatchNorm2d": "batch_norm",
    "BatchNorm3d": "batch_norm",
    "DeQuantStub": "identity",
    "Dropout1d": "feature_dropout",
    "Dropout2d": "feature_dropout",
    "Dropout3d": "feature_dropout",
    "FeatureAlphaDropout": "feature_dropout",
    "FrozenBatchNorm2d": "frozen_batch_norm",
    "GRUCell": "gru",
    "InstanceNorm1d": "instance_norm",
    "InstanceNorm2d": "instance_norm",
    "InstanceNorm3d": "instance_norm",
    "LSTMCell": "lstm",
    "Linear": "dense",
    "MultiheadAttention": "attention",
    "Permute": "transpose",
    "QuantStub": "identity",
    "RNNCell": "rnn",
    "SyncBatchNorm": "batch_norm",
    "Unflatten": "reshape",
    "Upsample": "resize",
    "UpsamplingBilinear2d": "resize",
    "UpsamplingNearest2d": "resize",
}
#: transformers' classes by name. Those of a single operator of torch are what that one is.
_TRANSFORMERS_OPS = {**composed.TYPES, "Conv1D": "dense"}


def torch_class(module: nn.Module) -> type[nn.Module] | None:
    """The nearest class in a module's ancestry that has an op, if any."""
    for cls in type(module).__mro__:
        if cls.__module__.startswith(("torch.", "torchvision.")) and _op_of(cls) is not None:
            return cls
    return None


def _op_of(cls: type) -> str | None:
    return _MODULE_OPS.get(cls.__name__) or vocabulary.named(cls.__name__)


def is_packed(module: Any) -> bool:
    """Whether a module is one of torch's quantised ones, whose weights are objects that a method unpacks."""
    return any(cls.__module__.startswith("torch.ao.nn.") for cls in type(module).__mro__) and any(
        callable(getattr(module, method, None)) for method in ("weight", "get_weight")
    )


def packed(module: Any) -> Iterator[tuple[Any, dict[str, torch.Tensor | None]]]:
    """What holds a module's packed weights, and these by name.

    One of torch's quantised modules says them itself (the recurrent ones have several); in a user's module, objects
    of torch's that hold packed weights may be attributes.
    """
    if is_packed(module):
        if callable(getattr(module, "weight", None)):
            yield module, {"weight": module.weight(), "bias": module.bias() if hasattr(module, "bias") else None}
        else:
            yield module, {**module.get_weight(), **module.get_bias()}
    elif not type(module).__module__.startswith("torch."):
        for name, value in module.__dict__.items():
            if type(value) is torch.ScriptObject and hasattr(value, "unpack"):
                weights = value.unpack()
                weight, bias = weights if isinstance(weights, tuple) else (weights, None)
                yield value, {f"{name}_weight": weight, f"{name}_bias": bias}


def describe_module(module: nn.Module) -> tuple[str, Attributes]:
    """The op of a module and everything that changes what it computes."""
    cls = torch_class(module)
    op = _op_of(cls) if cls is not None else None
    if cls is None or op is None:
        return _of_transformers(module)
    special = _SPECIAL.get(cls.__name__)
    if cls.__name__ == "Hardtanh":
        op, attributes = clamped(dict(_public_values(module)), "min_val", "max_val")
        return op, tuple(attributes.items())
    if special is None:
        return op, _public_values(module)
    attributes = special(module)
    if type(module) is not cls:
        known = {*attributes, *_SUBSUMED}
        attributes |= {name: value for name, value in _public_values(module) if name not in known}
    return op, tuple(attributes.items())


def _of_transformers(module: Any) -> tuple[str, Attributes]:
    cls = type(module)
    op = _TRANSFORMERS_OPS.get(cls.__name__) if cls.__module__.startswith("transformers.") else None
    if op == "dense":
        inputs, outputs = module.weight.shape  # as it is multiplied: the other way round than Linear's
        return op, (("in_features", inputs), ("out_features", outputs), ("bias", True))
    return op or "other", _public_values(module)


def _public_values(module: nn.Module) -> Attributes:
    """The plain values among a module's public attributes: what its constructor was told."""
    values = {
        name: frozen_value(value)
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "training" and is_plain(value)
    }
    if "bias" in module._parameters:
        values["bias"] = module._parameters["bias"] is not None
    return tuple(item for item in values.items() if item != ("inplace", False))


def is_plain(value: Any) -> bool:
    """Whether a value can be an attribute as it is."""
    if isinstance(value, (tuple, list)):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, torch.dtype))


def _conv(module: Any) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "in_channels": module.in_channels,
        "out_channels": module.out_channels,
        "kernel_size": tuple(module.kernel_size),
        "stride": tuple(module.stride),
        "padding": _conv_padding(module),
        "padding_mode": module.padding_mode,
        "dilation": tuple(module.dilation),
        "groups": module.groups,
        "bias": module.bias is not None,
    }
    if module.transposed:
        attributes["output_padding"] = tuple(module.output_padding)
    return attributes


def _conv_padding(module: Any) -> Value:
    if not isinstance(module.padding, str):
        return tuple(module.padding)
    ones = (1,) * len(module.kernel_size)  # torch has no "same" with strides: the sizes don't matter
    return explicit_padding(module.padding, ones, module.kernel_size, ones, module.dilation)


def _batch_norm(module: Any) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "channels": module.num_features,
        "eps": module.eps,
        "momentum": module.momentum,
        "scale": module.weight is not None,
        "center": module.bias is not None,
    }
    if not module.track_running_stats:
        attributes["track_running_stats"] = False
    return attributes


def _each(module: Any, name: str) -> Value:
    """A module's setting for every spatial dimension; how many there are stands in its name."""
    cls, value = torch_class(module), getattr(module, name)
    dimensions = int(cls.__name__[-2]) if cls is not None else 2
    return in_each_dimension(tuple(value) if isinstance(value, list) else value, dimensions)


def _pool(module: Any) -> dict[str, Value]:
    attributes: dict[str, Value] = {name: _each(module, name) for name in ("kernel_size", "stride", "padding")}
    if hasattr(module, "dilation"):
        attributes["dilation"] = _each(module, "dilation")
    attributes["ceil_mode"] = module.ceil_mode
    if getattr(module, "return_indices", False):
        attributes["return_indices"] = True
    if hasattr(module, "count_include_pad"):
        attributes["count_include_pad"] = module.count_include_pad
    if getattr(module, "divisor_override", None):
        attributes["divisor_override"] = module.divisor_override
    return attributes


def _dense(module: Any) -> dict[str, Value]:
    return {
        "in_features": module.in_features,
        "out_features": module.out_features,
        "bias": module.bias is not None,
    }


def _adaptive(module: Any) -> dict[str, Value]:
    attributes: dict[str, Value] = {"output_size": _each(module, "output_size")}
    if getattr(module, "return_indices", False):
        attributes["return_indices"] = True
    return attributes


def _zero_pad(module: Any) -> dict[str, Value]:
    return {"padding": paddings(pairs_from_last(module.padding))}


def _pad(mode: str) -> Callable[[Any], dict[str, Value]]:
    return lambda module: pad(pairs_from_last(module.padding), mode, getattr(module, "value", None))


#: Attributes of a torch class that its canonical ones already say.
_SUBSUMED = frozenset(
    [
        "transposed",
        "output_padding",
        "num_features",
        "affine",
        "track_running_stats",
        "return_indices",
        "inplace",
        "divisor_override",
    ]
)

_SPECIAL: Mapping[str, Callable[[Any], dict[str, Value]]] = {
    **{f"Conv{d}d": _conv for d in (1, 2, 3)},
    **{f"ConvTranspose{d}d": _conv for d in (1, 2, 3)},
    **{f"BatchNorm{d}d": _batch_norm for d in (1, 2, 3)},
    **{f"MaxPool{d}d": _pool for d in (1, 2, 3)},
    **{f"AvgPool{d}d": _pool for d in (1, 2, 3)},
    "SyncBatchNorm": _batch_norm,
    "Linear": _dense,
    **{f"ZeroPad{d}d": _zero_pad for d in (1, 2, 3)},
    **{f"{name}Pad{d}d": _pad(mode) for name, mode in _PADS.items() for d in (1, 2, 3)},
    **{f"Adaptive{kind}Pool{d}d": _adaptive for kind in ("Avg", "Max") for d in (1, 2, 3)},
}
