"""torch's modules in our vocabulary: which op a module is, its canonical attributes, the layout of its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ...ir import Attributes, Value, frozen_value
from ...ops.attributes import explicit_padding, paddings

#: torch's own classes by name; a subclass is what its nearest torch ancestor is.
_MODULE_OPS = {
    "AdaptiveAvgPool1d": "adaptive_avg_pool1d",
    "AdaptiveAvgPool2d": "adaptive_avg_pool2d",
    "AdaptiveAvgPool3d": "adaptive_avg_pool3d",
    "AdaptiveMaxPool1d": "adaptive_max_pool1d",
    "AdaptiveMaxPool2d": "adaptive_max_pool2d",
    "AdaptiveMaxPool3d": "adaptive_max_pool3d",
    "AvgPool1d": "avg_pool1d",
    "AvgPool2d": "avg_pool2d",
    "AvgPool3d": "avg_pool3d",
    "BatchNorm1d": "batch_norm",
    "BatchNorm2d": "batch_norm",
    "BatchNorm3d": "batch_norm",
    "Bilinear": "bilinear",
    "ConstantPad2d": "pad",
    "Conv1d": "conv1d",
    "Conv2d": "conv2d",
    "Conv3d": "conv3d",
    "ConvTranspose1d": "conv_transpose1d",
    "ConvTranspose2d": "conv_transpose2d",
    "ConvTranspose3d": "conv_transpose3d",
    "DeQuantStub": "identity",
    "Dropout": "dropout",
    "Dropout1d": "dropout",
    "Dropout2d": "dropout",
    "Dropout3d": "dropout",
    "ELU": "elu",
    "Embedding": "embedding",
    "EmbeddingBag": "embedding_bag",
    "Flatten": "flatten",
    "FrozenBatchNorm2d": "frozen_batch_norm",
    "GELU": "gelu",
    "GLU": "glu",
    "GRU": "gru",
    "GroupNorm": "group_norm",
    "Hardsigmoid": "hard_sigmoid",
    "Hardswish": "hard_swish",
    "Hardtanh": "hard_tanh",
    "Identity": "identity",
    "InstanceNorm1d": "instance_norm",
    "InstanceNorm2d": "instance_norm",
    "InstanceNorm3d": "instance_norm",
    "LSTM": "lstm",
    "LayerNorm": "layer_norm",
    "LeakyReLU": "leaky_relu",
    "Linear": "dense",
    "LocalResponseNorm": "local_response_norm",
    "LogSoftmax": "log_softmax",
    "MaxPool1d": "max_pool1d",
    "MaxPool2d": "max_pool2d",
    "MaxPool3d": "max_pool3d",
    "Mish": "mish",
    "MultiheadAttention": "attention",
    "PReLU": "prelu",
    "Permute": "transpose",
    "PixelShuffle": "pixel_shuffle",
    "QuantStub": "identity",
    "RMSNorm": "rms_norm",
    "RNN": "rnn",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "ReflectionPad2d": "pad",
    "ReplicationPad2d": "pad",
    "SELU": "selu",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "StochasticDepth": "stochastic_depth",
    "SyncBatchNorm": "batch_norm",
    "Tanh": "tanh",
    "Unflatten": "reshape",
    "Upsample": "resize",
    "UpsamplingBilinear2d": "resize",
    "UpsamplingNearest2d": "resize",
    "ZeroPad2d": "zero_pad2d",
}


def torch_class(module: nn.Module) -> type[nn.Module] | None:
    """The nearest class in a module's ancestry that has an op, if any."""
    for cls in type(module).__mro__:
        if cls.__name__ in _MODULE_OPS and cls.__module__.startswith(("torch.", "torchvision.")):
            return cls
    return None


def is_packed(module: Any) -> bool:
    """Whether a module is one of torch's quantised ones, whose weight is a method that unpacks it."""
    return type(module).__module__.startswith("torch.ao.nn.quantized") and callable(getattr(module, "weight", None))


def describe_module(module: nn.Module) -> tuple[str, Attributes]:
    """The op of a module and everything that changes what it computes."""
    cls = torch_class(module)
    if cls is None:
        return "other", _public_values(module)
    special = _SPECIAL.get(cls.__name__)
    if cls.__name__ == "Hardtanh" and (module.min_val, module.max_val) == (0, 6):
        return "relu6", _public_values(module)
    if special is None:
        return _MODULE_OPS[cls.__name__], _public_values(module)
    attributes = special(module)
    if type(module) is not cls:
        known = {*attributes, *_SUBSUMED}
        attributes |= {name: value for name, value in _public_values(module) if name not in known}
    return _MODULE_OPS[cls.__name__], tuple(attributes.items())


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
    left, right, top, bottom = module.padding
    return {"padding": paddings([(top, bottom), (left, right)])}


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
    "ZeroPad2d": _zero_pad,
}
