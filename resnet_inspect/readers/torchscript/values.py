"""What TorchScript's built-in functions give of plain values: numbers, texts, lists, tuples and dictionaries."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import torch

from .modules import device_of
from .pickle import RefusedArchiveError

#: Items of a list or dictionary, and characters of a text.
_MOST_ITEMS = 100_000
_MOST_TEXT = 100_000
#: How deep a value is compared or written.
_DEEP = 6
_NUMBERS = (bool, int, float)
_LISTS = (list, tuple, dict)

Spend = Callable[[int], None]


class Row(tuple[Any, ...]):
    """A tuple whose items have names."""

    fields: tuple[str, ...]

    def __new__(cls, items: Iterable[Any], fields: tuple[str, ...]) -> Row:
        """A row of ``items`` with the names ``fields``."""
        made = super().__new__(cls, items)
        made.fields = fields
        return made


class ScriptError(RuntimeError):
    """What the archive's code raises itself, or what TorchScript would of its plain values."""


def bounded(value: Any, spend: Spend) -> Any:
    """``value``, unless a number, text or list is larger than any honest one. A list that was made costs its items."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        raise RefusedArchiveError("its code computes a number of more than 64 bits")
    if isinstance(value, (*_LISTS, str)):
        most = _MOST_TEXT if isinstance(value, str) else _MOST_ITEMS
        if len(value) > most:
            raise RefusedArchiveError(f"its code makes a {type(value).__name__} of {len(value)} items")
        spend(len(value) // (64 if isinstance(value, str) else 2))
    return value


def same(first: Any, second: Any, spend: Spend, depth: int = 0) -> bool:
    """Whether two plain values are equal."""
    spend(1)
    if depth > _DEEP:
        raise RefusedArchiveError("its code compares lists in lists that are too deep")
    if isinstance(first, torch.Tensor) or isinstance(second, torch.Tensor):
        raise RefusedArchiveError("its code compares lists of tensors")
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(same(a, b, spend, depth + 1) for a, b in pairs)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k], spend, depth + 1) for k in first)
    if isinstance(first, (*_NUMBERS, str, type(None), torch.device)):
        return isinstance(second, (*_NUMBERS, str, type(None), torch.device)) and bool(first == second)
    return first is second


def text(value: Any, spend: Spend, depth: int = 0) -> str:
    """A value as ``str`` and ``format`` write it."""
    spend(1)
    if depth > _DEEP:
        return "..."
    if isinstance(value, (list, tuple)):
        said = ", ".join(text(item, spend, depth + 1) for item in value[:100])[:10_000]
        return f"[{said}]" if isinstance(value, list) else f"({said})"
    if isinstance(value, (*_NUMBERS, str, type(None), torch.device)):
        return str(value)[:10_000]
    return f"<{type(value).__name__}>"


def call(name: str, args: list[Any], spend: Spend) -> Any:
    """What ``torch.add`` gives of plain values.

    Raises:
        LookupError: there is no such function, or it takes other values: it may be an operator of tensors.
    """
    first = args[0] if args else None
    table: dict[str, Callable[..., Any]]
    if isinstance(first, list) and name in _OF_LISTS:
        table = _OF_LISTS
    elif isinstance(first, dict) and name in _OF_DICTS:
        table = _OF_DICTS
    elif isinstance(first, str) and name in _OF_TEXTS:
        table = _OF_TEXTS
    elif name in _OF_ANY:
        table = _OF_ANY
    elif all(isinstance(item, (*_NUMBERS, complex)) for item in args) and args and name in _OF_NUMBERS:
        table = _OF_NUMBERS
    else:
        raise LookupError(name)
    try:
        return bounded(table[name](spend, *args), spend)
    except (TypeError, ValueError, IndexError, KeyError, ArithmeticError, AttributeError) as error:
        raise ScriptError(f"{name}: {error}") from error


def _power(_: Spend, base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 64 and abs(base) > 1:
        raise OverflowError("a number of more than 64 bits")
    return float(base**exponent)


def _shift(_: Spend, value: int, bits: int) -> int:
    return value << bits if 0 <= bits < 64 else 0


def _repeat(_: Spend, items: list[Any], times: int) -> list[Any]:
    _room(len(items) * max(times, 0))
    return items * times


def _room(count: int, most: int = _MOST_ITEMS) -> None:
    if count > most:
        raise RefusedArchiveError(f"its code makes a list or text of {count} items")


def _grown(spend: Spend, items: list[Any], more: list[Any]) -> list[Any]:
    _room(len(items) + len(more))
    spend(1 + len(more) // 8)
    items.extend(more)
    return items


def _set(_: Spend, items: Any, key: Any, value: Any) -> None:
    if isinstance(items, dict):
        _room(len(items) + 1)
        key = _key(key)
    items[key] = value


def _key(key: Any) -> Any:
    if not isinstance(key, (*_NUMBERS, str)):
        raise RefusedArchiveError(f"its code has a dictionary with a key of the kind {type(key).__name__}")
    return key


def _sliced(_: Spend, items: Any, start: Any = None, stop: Any = None, step: Any = 1) -> Any:
    return items[slice(start, stop, step)]


def _insert(_: Spend, items: list[Any], place: int, value: Any) -> None:
    _room(len(items) + 1)
    items.insert(place, value)


def _sorted(spend: Spend, items: list[Any], reverse: bool = False) -> list[Any]:
    if not all(isinstance(item, (*_NUMBERS, str)) for item in items):
        raise TypeError("only numbers and texts are sorted")
    spend(len(items))
    return sorted(items, reverse=reverse)


def _sort(spend: Spend, items: list[Any], reverse: bool = False) -> None:
    items[:] = _sorted(spend, items, reverse)


def _found(spend: Spend, items: Any, value: Any) -> bool:
    return any(same(item, value, spend) for item in items)


def _place(spend: Spend, items: list[Any], value: Any) -> int:
    return next(index for index, item in enumerate(items) if same(item, value, spend))


def _removed(spend: Spend, items: list[Any], value: Any) -> None:
    del items[_place(spend, items, value)]


def _formatted(spend: Spend, form: str, *values: Any) -> str:
    parts = form.split("{}")
    said = [text(value, spend) for value in values] + [""] * len(parts)
    return "".join(part + value for part, value in zip(parts, said, strict=False))


def _split(spend: Spend, value: str, separator: str | None = None, most: int = -1) -> list[str]:
    spend(len(value))
    return value.split(separator, most)


def _joined(_: Spend, separator: str, items: list[str]) -> str:
    _room(sum(map(len, items)) + len(separator) * len(items), _MOST_TEXT)
    return separator.join(items)


def _updated(_: Spend, first: dict[Any, Any], second: dict[Any, Any]) -> None:
    _room(len(first) + len(second))
    first.update(second)


def _dictionary(_: Spend, items: Any = ()) -> dict[Any, Any]:
    return {_key(key): value for key, value in (items.items() if isinstance(items, dict) else items)}


def _range_length(_: Spend, low: int, high: int, step: int) -> int:
    if not step:
        raise ValueError("range() arg 3 must not be zero")
    return len(range(low, high, step))


def _set_item(spend: Spend, items: list[Any], place: Any, value: Any) -> list[Any]:
    _set(spend, items, place, value)
    return items


def _default(spend: Spend, items: dict[Any, Any], key: Any, value: Any) -> Any:
    if _key(key) not in items:
        _set(spend, items, key, value)
    return items[key]


def _added(most: int) -> Callable[..., Any]:
    def add(_: Spend, first: Any, second: Any) -> Any:
        _room(len(first) + len(second), most)
        return first + second

    return add


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *args: function(*args)


_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    **{
        name: _plain(getattr(operator, name))
        for name in ("add", "sub", "mul", "floordiv", "neg", "abs", "lt", "le", "gt", "ge")
    },
    "div": _plain(operator.truediv),
    "remainder": _plain(operator.mod),
    "fmod": _plain(math.fmod),
    "rsub": _plain(lambda a, b: b - a),
    "pow": _power,
    "floor": _plain(math.floor),
    "ceil": _plain(math.ceil),
    "round": _plain(lambda value: float(round(value)) if isinstance(value, float) else value),
    **{
        name: _plain(getattr(math, name))
        for name in (
            "sqrt",
            "log",
            "log2",
            "log10",
            "log1p",
            "exp",
            "sin",
            "cos",
            "tan",
            "atan",
            "atan2",
            "tanh",
            "isnan",
        )
    },
    **{
        name: _plain(getattr(math, name))
        for name in ("isnan", "isinf", "isfinite", "gcd", "copysign", "degrees", "radians")
    },
    "bitwise_and": _plain(operator.and_),
    "bitwise_or": _plain(operator.or_),
    "bitwise_xor": _plain(operator.xor),
    "__and__": _plain(operator.and_),
    "__or__": _plain(operator.or_),
    "__xor__": _plain(operator.xor),
    "__lshift__": _shift,
    "__rshift__": _plain(lambda value, bits: value >> min(bits, 64)),
    "Int": _plain(int),
    "Float": _plain(float),
    "Bool": _plain(bool),
    "__range_length": _range_length,
    "__derive_index": _plain(lambda index, start, step: start + index * step),
}
_OF_ANY: dict[str, Callable[..., Any]] = {
    "__is__": _plain(lambda a, b: a is b),
    "__isnot__": _plain(lambda a, b: a is not b),
    "__not__": _plain(lambda value: not value if isinstance(value, _NUMBERS) else _refuse(value)),
    "format": _formatted,
    "warn": _plain(lambda *_: None),
    "dict": _dictionary,
    "device": _plain(lambda kind, index=None: device_of(kind if index is None else f"{kind}:{index}")),
    "is_autocast_enabled": _plain(lambda *_: False),
    "is_autocast_cpu_enabled": _plain(lambda *_: False),
    "is_grad_enabled": _plain(lambda: False),
    "set_grad_enabled": _plain(lambda _: None),
    "manual_seed": _plain(lambda *_: None),
    "is_scripting": _plain(lambda: True),
}
_COMMON: dict[str, Callable[..., Any]] = {
    "len": _plain(len),
    "list": _plain(list),
    "__getitem__": _plain(lambda items, key: items[key]),
    "slice": _sliced,
}
_OF_LISTS: dict[str, Callable[..., Any]] = {
    **_COMMON,
    "append": lambda spend, items, value: _grown(spend, items, [value]),
    "extend": lambda spend, items, more: _grown(spend, items, list(more)) and None,
    "add": _added(_MOST_ITEMS),
    "add_": _grown,
    "mul": _repeat,
    "insert": _insert,
    "pop": _plain(lambda items, place=-1: items.pop(place)),
    "clear": _plain(list.clear),
    "reverse": _plain(list.reverse),
    "copy": _plain(list),
    "sort": _sort,
    "sorted": _sorted,
    "remove": _removed,
    "count": lambda spend, items, value: sum(same(item, value, spend) for item in items),
    "index": _place,
    "select": _plain(lambda items, place: items[place]),
    "all": _plain(lambda items: all(_truths(items))),
    "any": _plain(lambda items: any(_truths(items))),
    "sum": _plain(lambda items: sum(_truths(items))),
    "_set_item": _set_item,
    "Delete": _plain(lambda items, place: items.__delitem__(place)),
    "__contains__": _found,
}
_OF_DICTS: dict[str, Callable[..., Any]] = {
    **_COMMON,
    "keys": _plain(list),
    "values": _plain(lambda items: list(items.values())),
    "items": _plain(lambda items: list(items.items())),
    "get": lambda _, items, key, other=None: items.get(_key(key), other),
    "pop": _plain(lambda items, key, *other: items.pop(_key(key), *other)),
    "setdefault": _default,
    "update": _updated,
    "clear": _plain(dict.clear),
    "copy": _plain(dict),
    "_set_item": _set,
    "Delete": _plain(lambda items, key: items.__delitem__(_key(key))),
    "__contains__": lambda _, items, key: _key(key) in items,
}
_OF_TEXTS: dict[str, Callable[..., Any]] = {
    **_COMMON,
    "add": _added(_MOST_TEXT),
    "mul": _repeat,
    "split": _split,
    "join": _joined,
    "__contains__": _plain(lambda value, part: part in value),
    **{
        name: _plain(getattr(str, name))
        for name in (
            "startswith",
            "endswith",
            "lower",
            "upper",
            "strip",
            "lstrip",
            "rstrip",
            "find",
            "isdigit",
            "isalpha",
        )
    },
    **{name: _plain(getattr(operator, name)) for name in ("lt", "le", "gt", "ge")},
}


def _truths(items: list[Any]) -> list[Any]:
    return items if all(isinstance(item, _NUMBERS) for item in items) else _refuse(items)


def _refuse(value: Any) -> Any:
    raise TypeError(f"a {type(value).__name__} is not a number")
