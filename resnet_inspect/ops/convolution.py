"""Convolutions of any number of spatial dimensions, grouped, dilated, strided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect, Image, Weight, image_of_rank, per_dimension, window_output


def conv(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """A convolution. Attributes: in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias.

    MACs: every output element is a sum over ``in_channels / groups`` x kernel (Dumoulin and Visin 2016).
    """
    (tensor,) = inputs
    kernel_value = attributes["kernel_size"]
    dimensions = len(kernel_value) if isinstance(kernel_value, tuple) else 2
    image = image_of_rank(tensor, dimensions)
    in_channels, out_channels, groups = (
        _integer(attributes, name) for name in ("in_channels", "out_channels", "groups")
    )
    if image.channels != in_channels:
        raise InputError(
            f"expects {in_channels} input channels, got {image.channels} ({format_shape(tensor.shape)}"
            + (f" in {tensor.layout})" if tensor.layout else ")")
        )
    if in_channels % groups or out_channels % groups:
        raise InputError(f"{groups} groups divide {in_channels} input and {out_channels} output channels unevenly")
    kernel = per_dimension(kernel_value, dimensions)
    output = Image(image.batch, out_channels, window_output(image, attributes)).tensor(tensor)
    weights = [Weight("kernel", (*kernel, in_channels // groups, out_channels))]
    if attributes["bias"]:
        weights.append(Weight("bias", (out_channels,)))
    return Effect(output, tuple(weights), output.size * prod(kernel) * (in_channels // groups))


def _integer(attributes: Mapping[str, Value], name: str) -> int:
    value = attributes[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    return value
