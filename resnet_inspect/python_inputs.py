"""Inputs as callers in Python give them: shapes, tensors, and lists and dicts of them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from operator import index
from typing import Any, SupportsIndex

from .call import Call, Spec, spec_or_word
from .errors import BadRequestError
from .shape import format_shape, parse_shape


def inputs_of(given: Any, arrays: bool) -> list[Any] | Call:
    """Shapes and torch's tensors in a row, or a call where there are names or nested values.

    With ``arrays``, the model reads any framework's tensors; else those that aren't torch's are not input.

    Raises:
        BadRequestError: something in ``given`` is none of these.
    """
    try:
        return _read(given, arrays)
    except RecursionError:
        raise BadRequestError("an input holds itself, or is nested too deeply") from None


def _read(given: Any, arrays: bool) -> list[Any] | Call:
    if isinstance(given, Mapping):
        if not given or not all(isinstance(name, str) for name in given):
            raise BadRequestError(f"a dict of inputs has the names of keyword arguments; got {given!r:.80}")
        return _call(given, Call((), tuple((name, _nested(item)) for name, item in given.items())))
    several = isinstance(given, (list, tuple)) and not _is_shape(given)
    items = list(given) if several else [given]
    if arrays and any(map(_is_array, items)):
        return Call(tuple(map(_nested, items)))
    if several and given and not all(_is_plain(item) for item in items):
        return _call(given, Call(tuple(map(_nested, items))))
    return [item if _is_of_torch(item) else _sizes(item) for item in items]


def _is_of_torch(item: Any) -> bool:
    return hasattr(item, "detach")


def _is_array(item: Any) -> bool:
    """Whether it is a tensor that isn't torch's, of any rank. NumPy's integers are sizes."""
    has_elements = hasattr(item, "shape") and hasattr(item, "dtype")
    return has_elements and not _is_of_torch(item) and not isinstance(item, Integral)


def _call(given: Any, call: Call) -> Call:
    if not any(map(_holds_tensors, (*call.args, *(item for _, item in call.kwargs)))):
        raise BadRequestError(
            f"an input is a shape ('3x224x224', (3, 224, 224)), a tensor, or a list or dict of them; got {given!r:.80}"
        )
    return call


def _holds_tensors(item: Any) -> bool:
    """Whether a value is, or may hold, a tensor; nobody knows of objects that aren't plain."""
    if isinstance(item, (tuple, list)):
        return any(map(_holds_tensors, item))
    if isinstance(item, Mapping):
        return not item or any(map(_holds_tensors, item.values()))
    return item is not None and not isinstance(item, (bool, int, float, complex, str, bytes))


def _is_shape(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and all(_is_size(n) for n in item)


def _is_size(item: Any) -> bool:
    return isinstance(item, SupportsIndex) and not _is_of_torch(item) and not _is_array(item)


def _is_plain(item: Any) -> bool:
    """Whether it is a shape or a tensor, and nothing that holds them."""
    is_tensor = _is_of_torch(item) or _is_array(item)
    return is_tensor or (isinstance(item, str) and ":" not in item) or (bool(item) and _is_shape(item))


def _nested(item: Any) -> Any:
    """Shapes in dicts, lists and tuples as ``Spec``s; anything else is what the model is given."""
    if isinstance(item, str):
        return spec_or_word(item)
    if type(item) in (tuple, list):
        return Spec(_sizes(item)) if item and _is_shape(item) else type(item)(map(_nested, item))
    return {key: _nested(value) for key, value in item.items()} if type(item) is dict else item


def _sizes(item: Any) -> tuple[int, ...]:
    if isinstance(item, str):
        return parse_shape(item)
    try:
        sizes = tuple(index(size) for size in item)
    except TypeError:
        raise BadRequestError(
            f"an input is a shape ('3x224x224', (3, 224, 224)), a tensor, or a list of them; got {item!r:.80}"
        ) from None
    return parse_shape(format_shape(sizes))
