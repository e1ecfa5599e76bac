"""Normalisation layers. Their multiplications are not MACs: frameworks fold them into the convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect, Image, Weight


def batch_norm(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Batch normalisation (Ioffe and Szegedy 2015). Attributes: channels, scale, center, and what doesn't size it."""
    (tensor,) = inputs
    if len(tensor.shape) < 2:
        raise InputError(f"expects at least batch and channels, got {format_shape(tensor.shape)}")
    channels = Image.of(tensor).channels
    if channels != attributes["channels"]:
        raise InputError(f"expects {attributes['channels']} channels, got {channels} ({format_shape(tensor.shape)})")
    shape = (channels,)
    scale = (Weight("gamma", shape),) if attributes["scale"] else ()
    center = (Weight("beta", shape),) if attributes["center"] else ()
    return Effect(tensor, (*scale, *center, Weight("mean", shape, True), Weight("variance", shape, True)))
