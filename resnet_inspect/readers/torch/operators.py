"""torch's modules in our vocabulary: which op a module is, its canonical attributes, the layout of its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ...ir import Attributes, Value, frozen_value
from ...ops import vocabulary
from ...ops.attributes import explicit_padding, paddings

#: torch's own classes by name; a subclass is what its nearest torch ancestor is.
_MODULE_OPS = {
    "BatchNorm1d": "batch_norm",
    "BatchNorm2d": "batch_norm",
    "BatchNorm3d": "batch_norm",
    "ConstantPad2d": "pad",
    "DeQuantStub": "identity",
    "Dropout1d": "dropout",
    "Dropout2d": "dropout",
    "Dropout3d": "dropout",
    "FrozenBatchNorm2d": "frozen_batch_norm",
    "InstanceNorm1d": "instance_norm",
    "InstanceNorm2d": "instance_norm",
    "InstanceNorm3d": "instance_norm",
    "Linear": "dense",
    "MultiheadAttention": "attention",
    "Permute": "transpose",
    "QuantStub": "identity",
    "ReflectionPad2d": "pad",
    "ReplicationPad2d": "pad",
    "SyncBatchNorm": "batch_norm",
    "Unflatten": "reshape",
    "Upsample": "resize",
    "UpsamplingBilinear2d": "resize",
    "UpsamplingNearest2d": "resize",
}


def torch_class(module: nn.Module) -> type[nn.Module] | None:
    """The nearest class in a module's ancestry that has an op, if any."""
    for cls in type(module).__mro__:
        if cls.__module__.startswith(("torch.", "torchvision.")) and _op_of(cls) is not None:
            return cls
    return None


def _op_of(cls: type) -> str | None:
    return _MODULE_OPS.get(cls.__name__) or vocabulary.named(cls.__name__)


def is_packed(module: Any) -> bool:
    """Whether a module is one of torch's quantised ones, whose weight is a method that unpacks it."""
    return type(module).__module__.startswith("torch.ao.nn.quantized") and callable(getattr(module, "weight", None))


def describe_module(module: nn.Module) -> tuple[str, Attributes]:
    """The op of a module and everything that changes what it computes."""
    cls = torch_class(module)
    op = _op_of(cls) if cls is not None else None
    if cls is None or op is None:
        return "other", _public_values(module)
    special = _SPECIAL.get(cls.__name__)
    if cls.__name__ == "Hardtanh" and (module.min_val, module.max_val) == (0, 6):
        return "relu6", _public_values(module)
    if special is None:
        return op, _public_values(module)
    attributes = special(module)
    if type(module) is not cls:
        known = {*attributes, *_SUBSUMED}
        attributes |= {name: value for name, value in _public_values(module) if name not in known}
    return op, tuple(attributes.items())


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


def _pool(module: Any) -> dict[str, Value]:
    cls = torch_class(module)
    dimensions = int(cls.__name__[-2]) if cls is not None else 2

    def each(value: Any) -> Value:
        return tuple(value) if isinstance(value, (tuple, list)) else (value,) * dimensions

    attributes: dict[str, Value] = {
        "kernel_size": each(module.kernel_size),
        "stride": each(module.stride),
        "padding": each(module.padding),
    }
    if hasattr(module, "dilation"):
        attributes["dilation"] = each(module.dilation)
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


def _zero_pad(module: Any) -> dict[str, Value]:
    sides = module.padding  # of the last dimension first
    return {"padding": paddings((sides[i], sides[i + 1]) for i in range(len(sides) - 2, -1, -2))}


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
}
