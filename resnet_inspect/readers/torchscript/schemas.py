"""Arguments of torch's operators, held against their schemas one by one before any operator is called."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from ..torch.tensors import tensors_in
from . import allowed
from .pickle import RefusedArchiveError

#: A number beyond is not a size, and would leave 64 bits where two are multiplied.
_MOST = 2**31
#: Numbers in a list that says sizes or places, and tensors in a list.
_MOST_NUMBERS = 64
MOST_TENSORS = 10_000
#: The types that torch's code writes as numbers.
DTYPES: dict[int, torch.dtype] = {
    0: torch.uint8,
    1: torch.int8,
    2: torch.int16,
    3: torch.int32,
    4: torch.int64,
    5: torch.float16,
    6: torch.float32,
    7: torch.float64,
    9: torch.complex64,
    10: torch.complex128,
    11: torch.bool,
    12: torch.qint8,
    13: torch.quint8,
    14: torch.qint32,
    15: torch.bfloat16,
}
NUMBERS = {dtype: number for number, dtype in DTYPES.items()}
_FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last, torch.channels_last_3d)
#: Operators that take scalars of any size, as values.
_VALUES = ("fill", "clamp", "clip", "eq", "ne", "lt", "le", "gt", "ge", "where", "full", "mul", "add", "sub", "scalar")


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    kind: str
    optional: bool
    #: A lone number stands for a list.
    broadcasts: bool
    keyword: bool
    needed: bool
    written: bool


class MismatchError(Exception):
    """An argument isn't of the kind that an overload takes."""


@cache
def _overloads(name: str) -> tuple[tuple[Any, tuple[_Argument, ...]], ...]:
    """The overloads of an operator that give new tensors, views, or write into their first argument."""
    namespace, _, own = name.partition("::")
    if namespace == "torchvision":
        import torchvision  # noqa: F401 - it registers its operators
    packet = getattr(getattr(torch.ops, namespace), own, None)
    found = []
    for overload in packet.overloads() if packet is not None else ():
        function = getattr(packet, overload)
        arguments = arguments_of(function)
        foreign = any(argument.kind in ("Storage", "Stream", "Dimname", "t", "complex") for argument in arguments)
        outside = any(argument.is_out for argument in function._schema.arguments)
        if overload.startswith("prim_") or overload.endswith("_hacked_twin") or "Dimname" in str(function._schema):
            continue
        if name not in allowed.FACTORIES and not any("Tensor" in argument.kind for argument in arguments):
            continue  # of plain numbers: TorchScript's own, which divides by zero
        if not foreign and not outside and "names" not in overload and f"{name}.{overload}" not in allowed.EXCLUDED:
            found.append((function, arguments))
    return tuple(found)


@cache
def arguments_of(function: Any) -> tuple[_Argument, ...]:
    found = []
    for argument in function._schema.arguments:
        kind = str(argument.real_type)
        optional = kind.startswith("Optional[")
        kind = kind[len("Optional[") : -1] if optional else kind
        broadcasts = argument.N is not None and kind.startswith("List[")
        written = argument.alias_info is not None and argument.alias_info.is_write
        found.append(
            _Argument(
                argument.name,
                kind,
                optional,
                broadcasts,
                argument.kwarg_only,
                not argument.has_default_value(),
                written,
            )
        )
    return tuple(found)


def bound(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], device: torch.device
) -> tuple[Any, list[Any], dict[str, Any]]:
    """The overload that takes these arguments, and the arguments as it takes them."""
    short = name.partition("::")[2]
    for function, arguments in _overloads(name):
        places = [argument for argument in arguments if not argument.keyword]
        names = {argument.name: argument for argument in arguments}
        taken = {argument.name for argument in places[: len(args)]} | kwargs.keys()
        if len(args) > len(places) or not kwargs.keys() <= names.keys():
            continue
        if any(argument.needed and argument.name not in taken for argument in arguments):
            continue
        try:
            row = [_taken(short, argument, value) for argument, value in zip(places, args, strict=False)]
            named = {key: _taken(short, names[key], value) for key, value in kwargs.items()}
        except MismatchError:
            continue
        if name not in allowed.FACTORIES:
            first = next(tensors_in(row), None)
            for place, argument in enumerate(places[: len(row)]):
                if argument.kind == "Device":
                    row[place] = first.device if first is not None else device
            for key in named:
                if names[key].kind == "Device":
                    named[key] = None
        return function, row, named
    raise RuntimeError(f"{name} takes no {', '.join(map(_word, (*args, *kwargs.values())))}")


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "list"
    return "None" if value is None else "Tensor" if isinstance(value, torch.Tensor) else type(value).__name__


def _taken(operator: str, argument: _Argument, value: Any) -> Any:
    """The value as an operator's argument.

    Raises:
        MismatchError: it is of another kind.
        RefusedArchiveError: it is of that kind, but larger than any honest one.
    """
    kind = argument.kind
    if kind == "Device" and (value is None or isinstance(value, torch.device)):
        return value
    if value is None:
        if argument.optional or kind == "Generator":
            return None
        raise MismatchError
    if kind.startswith("List["):
        inner = kind[5:-1]
        if argument.broadcasts and not isinstance(value, list):
            return _taken(operator, _Argument(argument.name, inner, False, False, False, False, False), value)
        if not isinstance(value, list):
            raise MismatchError
        most = MOST_TENSORS if "Tensor" in inner or "split" in operator else _MOST_NUMBERS
        if len(value) > most:
            raise RefusedArchiveError(f"its code calls {operator} with a list of {len(value)} items")
        optional = inner.startswith("Optional[")
        item = _Argument(argument.name, inner[9:-1] if optional else inner, optional, False, False, False, False)
        return [_taken(operator, item, entry) for entry in value]
    return plain(operator, argument.name, kind, value)


def plain(operator: str, argument: str, kind: str, value: Any) -> Any:
    if kind == "Tensor" and isinstance(value, torch.Tensor):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        if len(value) > 200:
            raise RefusedArchiveError(f"its code calls {operator} with a text of {len(value)} characters")
        return value
    if isinstance(value, bool) and kind == "number":
        return value
    if kind in ("int", "SymInt") and isinstance(value, int) and not isinstance(value, bool):
        return _size(operator, argument, value)
    if kind in ("float", "number") and isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "number" and isinstance(value, int):
            return value if operator.rstrip("_").endswith(_VALUES) else _size(operator, argument, value)
        if "scale" in argument and not (math.isfinite(value) and abs(value) < 2**16):
            raise RefusedArchiveError(f"its code calls {operator} with the scale {value}")
        return float(value) if kind == "float" else value
    if kind == "ScalarType" and isinstance(value, int) and not isinstance(value, bool):
        if value not in DTYPES:
            raise RefusedArchiveError(f"its code calls {operator} with an element type of number {value}")
        return DTYPES[value]
    if kind == "Layout" and value == 0 and isinstance(value, int):
        return torch.strided
    if kind == "MemoryFormat" and isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(_FORMATS):
            raise RefusedArchiveError(f"its code calls {operator} with a memory format of number {value}")
        return _FORMATS[value]
    raise MismatchError


def _size(operator: str, argument: str, value: int) -> int:
    if -_MOST <= value <= _MOST:
        return value
    if operator == "slice":
        return max(-_MOST, min(value, 2**40))
    raise RefusedArchiveError(f"its code calls {operator} with the number {value}")
