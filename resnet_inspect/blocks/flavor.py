"""How each framework words the same network: layouts, class names, weight names and orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..ir import Parameter, Shape
from ..ops import Effect


class Flavor(NamedTuple):
    """One framework's conventions, applied to a graph that knows none."""

    name: str
    layout: str
    separator: str
    #: Keras counts BatchNorm's moving statistics as parameters, torch as buffers.
    counts_statistics: bool
    types: Mapping[str, str]
    weight_names: Mapping[str, str]
    #: Whether a kernel is (out, in, spatial...) as in torch, or (spatial..., in, out) as in Keras.
    kernel_out_first: bool

    def parameters(self, path: str, effect: Effect, dtype: str) -> tuple[Parameter, ...]:
        """The weights that an operation at ``path`` needs, named and ordered as this framework does."""
        if not effect.weights:
            return ()
        start, names, counts = path + self.separator, self.weight_names, self.counts_statistics
        made = [
            Parameter(start + names[name], shape, dtype, "statistics", counts)
            if is_statistics
            else Parameter(start + names[name], self._ordered(shape) if name == "kernel" else shape, dtype, "trainable")
            for name, shape, is_statistics in effect.weights
        ]
        return tuple(made)

    def _ordered(self, kernel: Shape) -> Shape:
        *spatial, fan_in, fan_out = kernel
        return (fan_out, fan_in, *spatial) if self.kernel_out_first else kernel


TORCH = Flavor(
    name="torch",
    layout="NCHW",
    separator=".",
    counts_statistics=False,
    types={
        "input": "Input",
        "conv2d": "Conv2d",
        "batch_norm": "BatchNorm2d",
        "relu": "ReLU",
        "max_pool2d": "MaxPool2d",
        "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
        "add": "add",
        "flatten": "flatten",
        "dense": "Linear",
    },
    weight_names={
        "kernel": "weight",
        "bias": "bias",
        "gamma": "weight",
        "beta": "bias",
        "mean": "running_mean",
        "variance": "running_var",
    },
    kernel_out_first=True,
)

KERAS = Flavor(
    name="keras",
    layout="NHWC",
    separator="/",
    counts_statistics=True,
    types={
        "input": "InputLayer",
        "conv2d": "Conv2D",
        "batch_norm": "BatchNormalization",
        "relu": "Activation",
        "max_pool2d": "MaxPooling2D",
        "global_avg_pool2d": "GlobalAveragePooling2D",
        "global_max_pool2d": "GlobalMaxPooling2D",
        "add": "Add",
        "zero_pad2d": "ZeroPadding2D",
        "dense": "Dense",
    },
    weight_names={
        "kernel": "kernel",
        "bias": "bias",
        "gamma": "gamma",
        "beta": "beta",
        "mean": "moving_mean",
        "variance": "moving_variance",
    },
    kernel_out_first=False,
)

FLAVORS = {flavor.name: flavor for flavor in (TORCH, KERAS)}
