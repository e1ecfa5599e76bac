"""Operations element by element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect


def same_shape(_attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Activations, dropout and whatever else changes values only."""
    return Effect(inputs[0])


def add(_attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """The sum of tensors of one shape: the end of a skip connection, where broadcasting is a mistake."""
    first, *others = inputs
    for other in others:
        if other.shape != first.shape:
            raise InputError(f"can't add {format_shape(first.shape)} and {format_shape(other.shape)}")
    return Effect(first)
