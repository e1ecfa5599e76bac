"""Pooling: sliding windows, adaptive windows, whole images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ..ir import Tensor, Value
from .effect import Effect, Image, image_of_rank, per_dimension, window, window_output


def window_pool(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Max or average pooling. Attributes: kernel_size, stride, padding, ceil_mode, dilation (max only)."""
    (tensor,) = inputs
    kernel = attributes["kernel_size"]
    image = image_of_rank(tensor, len(kernel) if isinstance(kernel, tuple) else 2)
    output = Image(image.batch, image.channels, window_output(image, attributes)).tensor(tensor)
    return Effect(output, window=partial(window, image, attributes))


def adaptive_pool(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Pooling to a given ``output_size``; None keeps a dimension's size."""
    (tensor,) = inputs
    image = image_of_rank(tensor, 2)
    wanted = attributes["output_size"]
    if isinstance(wanted, tuple):
        spatial = tuple(
            size if target is None else per_dimension(target, 1)[0]
            for size, target in zip(image.spatial, wanted, strict=True)
        )
    else:
        spatial = per_dimension(wanted, 2)
    return Effect(Image(image.batch, image.channels, spatial).tensor(tensor))


def global_pool(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Pooling over the whole image, to (batch, channels), or to 1x1 images with ``keepdims``."""
    (tensor,) = inputs
    image = image_of_rank(tensor, len(tensor.shape) - 2)
    if attributes.get("keepdims"):
        return Effect(Image(image.batch, image.channels, (1,) * len(image.spatial)).tensor(tensor))
    return Effect(Tensor((image.batch, image.channels), tensor.dtype))
