"""The pickles of a TorchScript archive as plain trees: their opcodes are read one by one, and nothing is made."""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

from ...errors import ModelError

#: Steps of a pickle. A network of a thousand layers has a tenth of them.
_MOST_STEPS = 2_000_000
#: Marks the start of a tuple's, list's or dictionary's items on the stack.
_MARK = object()
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PLAIN = ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT")
#: Functions that give their first argument: they tell torch's reader the type of a list.
_AS_IT_IS = (
    *(f"torch.jit._pickle.build_{kind}list" for kind in ("int", "tensor", "double", "bool")),
    "torch.jit._pickle.restore_type_tag",
)


class RefusedArchiveError(ModelError):
    """The archive holds, or its code does, what isn't read. The message says what, without the file's name."""


@dataclass(frozen=True, slots=True)
class Global:
    """A name that a pickle refers to: ``__torch__.Net``."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The bytes of a tensor: the name of their entry, their kind (``FloatStorage``) and the number of elements."""

    key: str
    kind: str
    numel: int


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A tensor as the pickle describes it. ``scales`` is the number of scales of a quantised one, else None."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    scales: int | None = None


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a class of the archive's code, with the state that it was saved with."""

    kind: str
    state: Any = None


def read(pickled: bytes) -> Any:
    """The value in a pickle: plain ones, ``Stored`` tensors and ``Instance``s.

    Raises:
        RefusedArchiveError: the pickle is damaged, or holds what torch.jit.save never writes.
    """
    reader = _Reader()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(pickled)):
            if count > _MOST_STEPS:
                raise RefusedArchiveError(f"a pickle in it has more than {_MOST_STEPS} steps")
            reader.step(opcode.name, argument)
        (found,) = reader.stack
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, StopIteration, OverflowError) as error:
        raise RefusedArchiveError(f"a pickle in it is damaged ({type(error).__name__})") from error
    return found


class _Reader:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in ("PROTO", "STOP"):
            return
        if name in _PLAIN:
            stack.append(argument)
        elif name == "GLOBAL":
            stack.append(Global(argument.replace(" ", ".")))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name in _TUPLES:
            first = len(stack) - _TUPLES[name]
            if first < 0:
                raise IndexError
            stack[first:] = [tuple(stack[first:])]
        elif name == "TUPLE":
            stack.append(tuple(self._marked()))
        elif name in ("APPEND", "APPENDS"):
            items = self._marked() if name == "APPENDS" else [stack.pop()]
            _a(list, stack[-1]).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._marked() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            for key, value in zip(items[::2], items[1::2], strict=True):
                # A nested key would take forever to hash.
                _a(dict, stack[-1])[_a((str, int, float), key)] = value
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "NEWOBJ":
            stack.pop()
            stack.append(_instance(stack.pop()))
        elif name == "REDUCE":
            arguments = _a(tuple, stack.pop())
            stack.append(_made(_a(Global, stack.pop()).name, arguments))
        elif name == "BUILD":
            state = stack.pop()
            if stack[-1].state is not None:
                raise ValueError
            _a(Instance, stack[-1]).state = state
        else:
            raise RefusedArchiveError(f"a pickle in it has the opcode {name}, which isn't read")

    def _marked(self) -> list[Any]:
        start = next(index for index in reversed(range(len(self.stack))) if self.stack[index] is _MARK)
        items = self.stack[start + 1 :]
        del self.stack[start:]
        return items


def _a(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _storage(value: Any) -> Storage:
    word, kind, key, _, numel = value
    if word != "storage" or not kind.name.startswith("torch.") or not kind.name.endswith("Storage"):
        raise ValueError
    return Storage(_a(str, key), kind.name.removeprefix("torch."), _whole(numel))


def _instance(kind: Any) -> Instance:
    if not _a(Global, kind).name.startswith("__torch__."):
        raise RefusedArchiveError(f"a pickle in it makes an object of {kind.name}, which isn't read")
    return Instance(kind.name)


def _made(name: str, arguments: tuple[Any, ...]) -> Any:
    """What a function makes of its arguments."""
    if name == "collections.OrderedDict" and not arguments:
        return {}
    if name in _AS_IT_IS:
        return arguments[0]
    if name == "torch._utils._rebuild_tensor_v2":
        storage, offset, size, stride, requires_grad = arguments[:5]
        return _stored(storage, offset, size, stride, requires_grad)
    if name == "torch._utils._rebuild_qtensor":
        storage, offset, size, stride, quantiser, requires_grad = arguments[:6]
        each = quantiser[0].name == "torch.per_channel_affine"
        return _stored(storage, offset, size, stride, requires_grad, quantiser[1].size[0] if each else 1)
    if name == "torch.device" and isinstance(arguments[0], str):
        return Global(f"device {arguments[0]}")
    if name.startswith("__torch__.") and len(arguments) == 1:
        return Instance(name, arguments)  # a member of an enumeration
    raise RefusedArchiveError(f"a pickle in it calls {name}, which isn't read")


def _stored(storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, scales: int | None = None) -> Stored:
    sizes, strides = tuple(map(_whole, size)), tuple(map(_whole, stride))
    if len(sizes) != len(strides) or len(sizes) > 16:
        raise ValueError
    last = _whole(offset) + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True)) + 1
    if 0 not in sizes and last > _a(Storage, storage).numel:
        raise RefusedArchiveError(f"a tensor in it reaches beyond its storage {storage.key}")
    return Stored(storage, offset, sizes, strides, _a(bool, requires_grad), scales)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise ValueError
    return value
