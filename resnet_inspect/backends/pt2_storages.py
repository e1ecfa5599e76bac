"""Where the tensors of a pickled state dictionary stand, told from the text of the pickle: it is never run."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Marks the start of a tuple's or dictionary's items on the stack.
_MARK = object()
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor stands: in which storage, and how."""

    storage: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _StrangeError(Exception):
    """There is something in the pickle that torch doesn't write for a plain tensor."""


def storages(pickled: bytes) -> dict[str, Place]:
    """The place of each tensor by its name; empty if there is anything that torch doesn't write for plain tensors.

    Raises:
        ValueError: the pickle breaks off.
    """
    try:
        found = _Reader().read(pickled)
    except (_StrangeError, IndexError, KeyError, TypeError):
        return {}
    return {name: place for name, place in found.items() if isinstance(place, Place)}


class _Reader:
    """A pickle's values as plain ones: a name for each class, a key for each storage, a place for each tensor."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def read(self, pickled: bytes) -> dict[str, Any]:
        """The dictionary that the pickle holds."""
        for opcode, argument, _ in pickletools.genops(pickled):
            self._step(opcode.name, argument)
        found = self._stack.pop()
        if not isinstance(found, dict):
            raise _StrangeError
        return found

    def _step(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in ("PROTO", "STOP"):
            return
        if name in ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "GLOBAL"):
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name in _TUPLES:
            first = len(stack) - _TUPLES[name]
            stack[first:] = [tuple(stack[first:])]
        elif name == "TUPLE":
            stack.append(tuple(self._marked()))
        elif name == "BINPERSID":
            stack.append(str(stack.pop()[2]) if isinstance(stack[-1][2], str) else _refused())
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_made(stack.pop(), arguments))
        elif name == "SETITEM":
            value = stack.pop()
            key = stack.pop()
            stack[-1].update(_items([key, value]))
        elif name == "SETITEMS":
            items = self._marked()
            stack[-1].update(_items(items))
        elif name == "BUILD":
            stack.pop()  # what a module says of its format
        else:
            raise _StrangeError

    def _marked(self) -> list[Any]:
        start = next(index for index in reversed(range(len(self._stack))) if self._stack[index] is _MARK)
        items = self._stack[start + 1 :]
        del self._stack[start:]
        return items


def _items(row: list[Any]) -> Iterator[tuple[str, Any]]:
    for key, value in zip(row[::2], row[1::2], strict=True):
        # A nested key would take forever to hash.
        yield (key, value) if isinstance(key, str) else _refused()


def _made(name: Any, arguments: Any) -> Any:
    """What a class makes: a dictionary, or a tensor as its place."""
    if name == "collections OrderedDict":
        return {}
    if name == "torch._utils _rebuild_parameter":
        return arguments[0]
    if name == "torch._utils _rebuild_tensor_v2":
        storage, offset, size, stride = arguments[:4]
        if isinstance(storage, str) and all(isinstance(number, int) for number in (offset, *size, *stride)):
            return Place(storage, offset, tuple(size), tuple(stride))
    return _refused()


def _refused() -> Any:
    raise _StrangeError
