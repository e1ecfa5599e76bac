"""What a model is called with, where shapes in a row aren't enough: names, element types, nested values.

A call is written as JSON, ``{"args": [...], "kwargs": {...}}``, whose strings of the form ``1x128:int64`` are tensors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import stranger_json
from .errors import BadRequestError, unknown
from .ir import DTYPE_BITS
from .shape import format_shape, parse_shape

#: Bytes of the inputs' JSON: a shape has twenty.
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Spec:
    """A tensor to make: its full shape, batch included, and its element type; None is the model's own."""

    shape: tuple[int, ...]
    dtype: str | None = None

    def __str__(self) -> str:
        return format_shape(self.shape) + (f":{self.dtype}" if self.dtype else "")


@dataclass(frozen=True, slots=True)
class Call:
    """Positional and keyword arguments: ``Spec``s, plain values, tuples and dicts of them."""

    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> str:
        """The text that ``from_json`` reads."""
        leaves = [mapped(item, str) for item in self.args]
        return json.dumps({"args": leaves, "kwargs": {name: mapped(item, str) for name, item in self.kwargs}})

    @classmethod
    def from_json(cls, text: str) -> Call:
        """Reads what ``to_json`` wrote, or what a person wrote: an object of keyword arguments, or a list.

        Raises:
            BadRequestError: the text is not JSON, or neither an object nor a list.
        """
        try:
            found = stranger_json.loads(text, _MOST_BYTES)
        except ValueError as error:
            raise BadRequestError(f"--input-json {text!r:.60} can't be read as JSON: {error}") from error
        if isinstance(found, list):
            found = {"args": found}
        elif isinstance(found, dict) and not found.keys() <= {"args", "kwargs"}:
            found = {"kwargs": found}
        if not isinstance(found, dict):
            raise BadRequestError(f"--input-json {text!r:.60} is neither an object of arguments nor a list of them")
        args, kwargs = found.get("args", []), found.get("kwargs", {})
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise BadRequestError("--input-json: args is a list, and kwargs an object")
        return cls(tuple(map(_read, args)), tuple((name, _read(value)) for name, value in kwargs.items()))


def parse_spec(text: str) -> Spec:
    """``1x128:int64`` or ``1x3x224x224``; ``scalar:int64`` has no dimensions.

    Raises:
        BadRequestError: the shape or the element type is not valid.
    """
    sizes, separator, dtype = text.partition(":")
    if separator and dtype not in DTYPE_BITS:
        raise BadRequestError(f"{text!r:.60}: {unknown('element type', dtype, DTYPE_BITS)}")
    return Spec(parse_shape(sizes), dtype or None)


def of_inputs(texts: Iterable[str]) -> Call:
    """A call with inputs as they stand on a command line: ``1x3x224x224``, ``1x128:int64`` or ``mask=1x128:bool``.

    Raises:
        BadRequestError: one of them is not of this form, or a name is given twice.
    """
    args: list[Spec] = []
    kwargs: dict[str, Spec] = {}
    for text in texts:
        name, separator, spec = text.rpartition("=")
        if not separator:
            args.append(parse_spec(text))
        elif not name.isidentifier() or name in kwargs:
            raise BadRequestError(
                f"--input {text!r:.60}: {name!r:.60} {'is given twice' if name in kwargs else 'is not a name'}"
            )
        else:
            kwargs[name] = parse_spec(spec)
    return Call(tuple(args), tuple(kwargs.items()))


def mapped(value: Any, change: Callable[[Spec], Any]) -> Any:
    """``value`` with ``change`` applied to each ``Spec`` in its tuples, lists and dicts."""
    if isinstance(value, Spec):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(mapped(item, change) for item in value)
    if isinstance(value, Mapping):
        return {key: mapped(item, change) for key, item in value.items()}
    return value


def spec_or_word(text: str) -> Spec | str:
    """A shape, with its type if it has one; anything else is a word that the model is given: ``train``.

    Raises:
        BadRequestError: it has a colon, as a shape with a type, and is none.
    """
    try:
        return parse_spec(text)
    except BadRequestError:
        if ":" in text:
            raise
        return text


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return spec_or_word(value)
    if isinstance(value, list):
        return tuple(map(_read, value))
    return {key: _read(item) for key, item in value.items()} if isinstance(value, dict) else value
