"""Tensors wherever they stand in values, and the words that the IR has for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn

from ...ir import Tensor

#: What is opened no further in the search for tensors.
_OPAQUE = (
    str,
    bytes,
    int,
    float,
    complex,
    type,
    torch.dtype,
    torch.device,
    torch.Size,
    nn.Module,
    FunctionType,
    MethodType,
    ModuleType,
)


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested containers and plain objects, in order; a tensor that occurs twice comes twice."""
    return _tensors_in(value, set())


def _tensors_in(value: Any, opened: set[int]) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
        return
    if value is None or isinstance(value, _OPAQUE) or id(value) in opened:
        return
    opened.add(id(value))
    items: Iterable[Any]
    if isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, (tuple, list, set, frozenset)):
        items = value
    elif hasattr(value, "__dict__"):
        items = vars(value).values()
    else:
        items = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    for item in items:
        yield from _tensors_in(item, opened)
    # Opened again elsewhere, it is not a cycle.
    opened.discard(id(value))


def replaced(value: Any, replace: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """``value`` with ``replace`` applied to every tensor in its plain tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        return replace(value)
    if type(value) in (tuple, list):
        return type(value)(replaced(item, replace) for item in value)
    if type(value) is dict:
        return {key: replaced(item, replace) for key, item in value.items()}
    return value


def describe(tensor: torch.Tensor, layout: str | None = None) -> Tensor:
    """A torch tensor's shape, element type and layout.

    Raises:
        TypeError: it is nested, so that one of its sizes is no number.
    """
    try:
        shape = tuple(map(int, tensor.shape))
    except (AttributeError, RuntimeError) as error:
        if not tensor.is_nested:
            raise
        raise TypeError("the rows of a nested tensor have sizes of their own, which a summary can't show") from error
    return Tensor(shape, dtype_name(tensor), layout)


def dtype_name(tensor: torch.Tensor) -> str:
    """``float32``, ``int64``, ..."""
    return _name(tensor.dtype)


@cache
def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
