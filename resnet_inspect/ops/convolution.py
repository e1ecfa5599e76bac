"""Convolutions of any number of spatial dimensions, grouped, dilated, strided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect, Image, Weight, image_of_rank, per_dimension, window, window_output
from .formula import Formula, Law, axes, kernel_names, output_names


@cache
def _law(rank: int, transposed: bool) -> Law:
    """Every output is a sum over its group's input channels and the kernel; backwards, every input meets as many."""
    kernel = "*".join(kernel_names(rank))
    positions = "*".join(axes(rank) if transposed else output_names(rank))
    channels = "C_in*C_out/groups"
    section = "Dumoulin and Visin 2016, " + ("section 4" if transposed else "section 2")
    return Law(
        Formula(f"{kernel}*{channels} + bias", "He et al. 2015, table 1"),
        Formula(f"N*{positions}*{kernel}*{channels}", section),
    )


def conv(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """A convolution. Attributes: in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias.

    MACs: every output element is a sum over ``in_channels / groups`` x kernel (Dumoulin and Visin 2016).
    """
    (tensor,) = inputs
    kernel_value = attributes["kernel_size"]
    dimensions = len(kernel_value) if isinstance(kernel_value, tuple) else 2
    image = image_of_rank(tensor, dimensions)
    in_channels = _integer(attributes, "in_channels")
    out_channels = _integer(attributes, "out_channels")
    groups = _integer(attributes, "groups")
    _check_channels(tensor, image, in_channels)
    if in_channels % groups or out_channels % groups:
        raise InputError(f"{groups} groups divide {in_channels} input and {out_channels} output channels unevenly")
    kernel = per_dimension(kernel_value, dimensions)
    output = Image(image.batch, out_channels, window_output(image, attributes))
    weights = [Weight("kernel", (*kernel, in_channels // groups, out_channels))]
    if attributes["bias"]:
        weights.append(Weight("bias", (out_channels,)))
    law, bias = _law(dimensions, transposed=False), out_channels if attributes["bias"] else 0
    symbols = {"N": image.batch, "C_in": in_channels, "C_out": out_channels, "groups": groups, "bias": bias}
    symbols.update(zip(kernel_names(dimensions), kernel, strict=True))
    symbols.update(zip(output_names(dimensions), output.spatial, strict=True))
    macs = law.macs.value(symbols)
    return Effect(output.tensor(tensor), tuple(weights), macs, law, symbols, partial(window, image, attributes))


def _check_channels(tensor: Tensor, image: Image, expected: int) -> None:
    if image.channels != expected:
        raise InputError(
            f"expects {expected} input channels, got {image.channels} ({format_shape(tensor.shape)}"
            + (f" in {tensor.layout})" if tensor.layout else ")")
        )


def _integer(attributes: Mapping[str, Value], name: str) -> int:
    value = attributes[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    return value


def conv_transpose(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """A transposed convolution: attributes of ``conv``, ``output_padding`` and ``output_size`` (spatial sizes).

    MACs: it is a convolution backwards, every *input* element meets ``out_channels / groups`` x kernel
    (Dumoulin and Visin 2016, section 4). How a framework pads decides the output's size, so that it is given.
    """
    (tensor,) = inputs
    kernel_value = attributes["kernel_size"]
    dimensions = len(kernel_value) if isinstance(kernel_value, tuple) else 2
    image = image_of_rank(tensor, dimensions)
    in_channels = _integer(attributes, "in_channels")
    out_channels = _integer(attributes, "out_channels")
    groups = _integer(attributes, "groups")
    _check_channels(tensor, image, in_channels)
    if in_channels % groups or out_channels % groups:
        raise InputError(f"{groups} groups divide {in_channels} input and {out_channels} output channels unevenly")
    kernel = per_dimension(kernel_value, dimensions)
    spatial = per_dimension(attributes["output_size"], dimensions)
    weights = [Weight("kernel", (*kernel, out_channels // groups, in_channels))]
    if attributes["bias"]:
        weights.append(Weight("bias", (out_channels,)))
    output = Image(image.batch, out_channels, spatial).tensor(tensor)
    law, bias = _law(dimensions, transposed=True), out_channels if attributes["bias"] else 0
    symbols = {"N": image.batch, "C_in": in_channels, "C_out": out_channels, "groups": groups, "bias": bias}
    symbols.update(zip(kernel_names(dimensions), kernel, strict=True))
    symbols.update(zip(axes(dimensions), image.spatial, strict=True))
    return Effect(output, tuple(weights), law.macs.value(symbols), law, symbols)


def separable_conv(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """A depthwise and a 1x1 convolution in one layer (Chollet 2016). Attributes: also ``depth_multiplier``."""
    (tensor,) = inputs
    width = _integer(attributes, "in_channels") * _integer(attributes, "depth_multiplier")
    depthwise = {**attributes, "out_channels": width, "groups": attributes["in_channels"], "bias": False}
    first = conv(depthwise, inputs)
    rank = len(Image.of(tensor).spatial)
    pointwise = {
        "in_channels": width,
        "out_channels": attributes["out_channels"],
        "kernel_size": (1,) * rank,
        "stride": 1,
        "padding": 0,
        "groups": 1,
        "bias": attributes["bias"],
    }
    second = conv(pointwise, [first.output])
    kernels, positions = "*".join(kernel_names(rank)), "*".join(output_names(rank))
    each, mixed = f"{kernels}*C_in*depth_multiplier", "C_in*depth_multiplier*C_out"
    law = Law(
        Formula(f"{each} + {mixed} + bias", "Chollet 2016, section 1"),
        Formula(f"N*{positions}*({each} + {mixed})", "Chollet 2016, section 1"),
    )
    symbols = {**first.symbols, "C_out": second.symbols["C_out"], "bias": second.symbols["bias"]}
    symbols["depth_multiplier"] = _integer(attributes, "depth_multiplier")
    macs = law.macs.value(symbols)
    return Effect(second.output, (*first.weights, *second.weights), macs, law, symbols, first.window)
