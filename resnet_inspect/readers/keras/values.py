"""Keras' symbolic tensors as the recorder knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from ...errors import InputError
from ...ir import Tensor
from ...shape import format_shape


class Values:
    """What is known of Keras' symbolic tensors. They are kept, so that no other gets their identity."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str, Tensor]] = {}

    def __contains__(self, value: Any) -> bool:
        found = self._known.get(id(value))
        return found is not None and found[0] is value

    def __iter__(self) -> Iterator[Any]:
        return (value for value, _, _ in self._known.values())

    def tensor(self, value: Any) -> Tensor:
        """Its sizes, type and layout."""
        return self._known[id(value)][2]

    def source(self, value: Any) -> str | None:
        """The id of the layer that made it; None if none did."""
        return self._known[id(value)][1] if value in self else None

    def produced(self, value: Any, layer: str, layout: str | None) -> None:
        """Records the layer that produced it, and its layout."""
        dtype = keras.backend.standardize_dtype(value.dtype)
        self._known[id(value)] = (value, layer, Tensor(shape_of(value), dtype, layout))

    def same(self, value: Any, other: Any) -> None:
        """``value`` is an alias of ``other``."""
        self._known[id(value)] = (value, *self._known[id(other)][1:])


def shape_of(tensor: Any) -> tuple[int, ...]:
    """The sizes of a tensor.

    Raises:
        InputError: one of them isn't known without data.
    """
    if any(size is None for size in tensor.shape):
        raise InputError(f"a shape isn't known without data: {format_shape(s or 0 for s in tensor.shape)}")
    return tuple(int(size) for size in tensor.shape)
