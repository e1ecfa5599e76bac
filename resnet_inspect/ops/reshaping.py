"""Operations that move elements without computing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from ..ir import Tensor, Value
from .effect import Effect, Image, image_of_rank, padding_pairs


def flatten(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Dimensions ``start_dim`` to ``end_dim`` merged into one."""
    (tensor,) = inputs
    start, end = attributes["start_dim"], attributes["end_dim"]
    if not isinstance(start, int) or not isinstance(end, int):
        raise TypeError(f"start_dim and end_dim must be whole numbers, got {attributes!r}")
    start, end = start % len(tensor.shape), end % len(tensor.shape)
    merged = prod(tensor.shape[start : end + 1])
    return Effect(Tensor((*tensor.shape[:start], merged, *tensor.shape[end + 1 :]), tensor.dtype))


def zero_pad(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Rows and columns of zeros around an image: ``padding`` as ((top, bottom), (left, right))."""
    (tensor,) = inputs
    image = image_of_rank(tensor, 2)
    pairs = padding_pairs(attributes["padding"], 2)
    spatial = tuple(size + sum(pair) for size, pair in zip(image.spatial, pairs, strict=True))
    return Effect(Image(image.batch, image.channels, spatial).tensor(tensor))
