"""Pickles read as text: their opcodes move plain values about, and nothing that they name is imported or called.

Work and memory are in proportion to the pickle's length: values are never copied, compared, printed or walked through
here, however often one is used, and their number is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from .pickle_values import OPAQUE, Storage, called, made_new, named, put, stored

#: Steps that a pickle may take: a tensor has 32, with its name and storage. All together take at most 0.5 GB.
MOST_STEPS = 4_000_000
#: Bytes of a line, in the opcodes of protocol 0.
_LONGEST_LINE = 2**16
_MOST_MEMO = 2**32


class EndedError(ValueError):
    """A pickle breaks off."""


class Pickle:
    """Reads the pickles in ``data`` one after the other. ``at`` is where the next one starts.

    ``storages`` are those that the pickles have named, by their keys. ``left`` is how many steps they may take, and
    then how many are left.
    """

    def __init__(self, data: bytes, left: int = MOST_STEPS) -> None:
        self.at = 0
        self.storages: dict[str, Storage] = {}
        self._data = data
        self.left = left
        self._clear()

    def _clear(self) -> None:
        self.stack: list[Any] = []
        #: The stacks below each mark.
        self._below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The value of the next pickle: plain ones, ``Tensor``s, ``Named``s, and ``OPAQUE`` for everything else.

        Raises:
            EndedError: the data breaks off.
            ForbiddenNameError: it names something that isn't on the list.
            ValueError: it is damaged, or takes too many steps. Other errors (IndexError, TypeError ...) are its, too.
        """
        self._clear()
        data = self._data
        while True:
            # As ``charge(1)`` and ``byte()``, of which there are millions.
            self.left -= 1
            if self.left < 0 or self.at >= len(data):
                self.charge(0)
                raise EndedError("its pickle breaks off")
            code = data[self.at]
            self.at += 1
            if code == _STOP:
                value = self.stack.pop()
                self._clear()
                return value
            step = _STEPS.get(code)
            if step is None:
                raise ValueError(f"it has the opcode {code:#04x}, which no file of tensors needs")
            step(self)

    def charge(self, steps: int) -> None:
        """Counts steps."""
        self.left -= steps
        if self.left < 0:
            raise ValueError(f"its pickle takes more than {MOST_STEPS} steps")

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        end = self.at + count
        if end > len(self._data):
            raise EndedError("its pickle breaks off")
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def sized(self, width: int) -> bytes:
        """The next bytes behind their number, which has ``width`` bytes."""
        return self.take(int.from_bytes(self.take(width), "little"))

    def line(self) -> str:
        """The next line."""
        end = self._data.find(b"\n", self.at, self.at + _LONGEST_LINE)
        if end < 0:
            raise EndedError("its pickle breaks off in a line")
        return self.take(end + 1 - self.at)[:-1].decode()

    def mark(self) -> None:
        """Starts a new stack."""
        self._below.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """All above the last mark."""
        items, self.stack = self.stack, self._below.pop()
        return items

    def remember(self, number: int) -> None:
        """Keeps the value on top under a number."""
        if not 0 <= number < _MOST_MEMO:
            raise ValueError("its pickle numbers its values otherwise than pickles do")
        self.memo[number] = self.stack[-1]

    def keep(self, storage: Storage) -> Storage:
        """The one storage of a key."""
        kept = self.storages.setdefault(storage.key, storage)
        if (kept.dtype, kept.count) != (storage.dtype, storage.count):
            raise ValueError(f"its storage {storage.key[:50]!r} has two types or sizes")
        return kept


def _pushes(value: Callable[[Pickle], Any]) -> Callable[[Pickle], None]:
    def push(pickle: Pickle) -> None:
        made = value(pickle)  # it may leave a marked stack, for the one below
        pickle.stack.append(made)

    return push


def _number(form: str) -> Callable[[Pickle], None]:
    shape = struct.Struct(form)
    return lambda pickle: pickle.stack.append(shape.unpack(pickle.take(shape.size))[0])


def _text(width: int) -> Callable[[Pickle], None]:
    return lambda pickle: pickle.stack.append(pickle.sized(width).decode())


def _bytes(width: int) -> Callable[[Pickle], None]:
    def push(pickle: Pickle) -> None:
        pickle.sized(width)
        pickle.stack.append(OPAQUE)

    return push


def _long(width: int) -> Callable[[Pickle], None]:
    def push(pickle: Pickle) -> None:
        digits = pickle.sized(width)
        if len(digits) > 255:
            raise ValueError(f"it has an integer of {len(digits)} bytes")
        pickle.stack.append(int.from_bytes(digits, "little", signed=True))

    return push


def _row(count: int) -> Callable[[Pickle], None]:
    def push(pickle: Pickle) -> None:
        items = tuple(pickle.stack[-count:])
        if len(items) < count:
            raise ValueError("its pickle takes more from its stack than there is")
        pickle.stack[-count:] = [items]

    return push


def _decimal(pickle: Pickle) -> Any:
    text = pickle.line()
    return {"00": False, "01": True}.get(text) if text in ("00", "01") else int(text.removesuffix("L"))


def _mapping(items: list[Any]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        put(made, key, value)
    return made


def _append(pickle: Pickle, items: list[Any]) -> None:
    into = pickle.stack[-1]
    if isinstance(into, list):
        into.extend(items)
    elif into is not OPAQUE:
        raise ValueError("it appends to what is not a list")


def _set(pickle: Pickle, items: list[Any]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        put(pickle.stack[-1], key, value)


def _two(pickle: Pickle) -> list[Any]:
    value = pickle.stack.pop()
    return [pickle.stack.pop(), value]


def _build(pickle: Pickle) -> None:
    pickle.stack.pop()
    # What a dictionary's state says is of the module's version. A tensor's would change its sizes.
    if not isinstance(pickle.stack[-1], dict) and pickle.stack[-1] is not OPAQUE:
        raise ValueError("it changes what it has made")


def _reduce(pickle: Pickle) -> Any:
    function, arguments = _two(pickle)
    return called(function, arguments, pickle.charge)


def _new(pickle: Pickle) -> Any:
    function, arguments = _two(pickle)
    return made_new(function, arguments, pickle.charge)


def _new_with_names(pickle: Pickle) -> Any:
    pickle.stack.pop()
    return _new(pickle)


def _object(pickle: Pickle) -> Any:
    function, *arguments = pickle.marked()
    return called(function, tuple(arguments), pickle.charge)


def _instance(pickle: Pickle) -> Any:
    function = named(pickle.line(), pickle.line())
    return called(function, tuple(pickle.marked()), pickle.charge)


def _named(pickle: Pickle) -> Any:
    module, name = _two(pickle)
    return named(module, name) if type(module) is type(name) is str else _fails()


def _fails() -> Any:
    raise ValueError("it names something by what is not a name")


def _opaque(pickle: Pickle) -> Any:
    pickle.marked()
    return OPAQUE


def _quoted(pickle: Pickle) -> Any:
    text = pickle.line()
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        raise ValueError("it has a text without quotes")
    return text[1:-1] if "\\" not in text else OPAQUE


_STOP = ord(".")
#: Opcode -> what it does. Not among them: codes of extensions, persistent identities as text, buffers out of band.
_STEPS: dict[int, Callable[[Pickle], None]] = {
    ord(code): step
    for code, step in {
        "\x80": lambda pickle: pickle.take(1) and None,  # the protocol
        "\x95": lambda pickle: pickle.take(8) and None,  # the length of what follows
        "(": Pickle.mark,
        "0": lambda pickle: pickle.stack.pop() and None,
        "1": lambda pickle: pickle.marked() and None,
        "2": _pushes(lambda pickle: pickle.stack[-1]),
        "N": _pushes(lambda _: None),
        "\x88": _pushes(lambda _: True),
        "\x89": _pushes(lambda _: False),
        "J": _number("<i"),
        "K": _number("B"),
        "M": _number("<H"),
        "G": _number(">d"),
        "\x8a": _long(1),
        "\x8b": _long(4),
        "I": _pushes(_decimal),
        "L": _pushes(_decimal),
        "F": _pushes(lambda pickle: float(pickle.line())),
        "X": _text(4),
        "\x8c": _text(1),
        "\x8d": _text(8),
        "T": _text(4),
        "U": _text(1),
        "S": _pushes(_quoted),
        "V": _pushes(lambda pickle: pickle.line().encode("latin-1").decode("raw-unicode-escape")),
        "B": _bytes(4),
        "C": _bytes(1),
        "\x8e": _bytes(8),
        "\x96": _bytes(8),
        ")": _pushes(lambda _: ()),
        "\x85": _row(1),
        "\x86": _row(2),
        "\x87": _row(3),
        "t": _pushes(lambda pickle: tuple(pickle.marked())),
        "]": _pushes(lambda _: []),
        "l": _pushes(Pickle.marked),
        "a": lambda pickle: _append(pickle, [pickle.stack.pop()]),
        "e": lambda pickle: _append(pickle, pickle.marked()),
        "}": _pushes(lambda _: {}),
        "d": _pushes(lambda pickle: _mapping(pickle.marked())),
        "s": lambda pickle: _set(pickle, _two(pickle)),
        "u": lambda pickle: _set(pickle, pickle.marked()),
        "\x8f": _pushes(lambda _: OPAQUE),
        "\x90": lambda pickle: _append(pickle, pickle.marked()),
        "\x91": _pushes(_opaque),
        "q": lambda pickle: pickle.remember(pickle.byte()),
        "r": lambda pickle: pickle.remember(int.from_bytes(pickle.take(4), "little")),
        "p": lambda pickle: pickle.remember(int(pickle.line())),
        "\x94": lambda pickle: pickle.remember(len(pickle.memo)),
        "h": _pushes(lambda pickle: pickle.memo[pickle.byte()]),
        "j": _pushes(lambda pickle: pickle.memo[int.from_bytes(pickle.take(4), "little")]),
        "g": _pushes(lambda pickle: pickle.memo[int(pickle.line())]),
        "c": _pushes(lambda pickle: named(pickle.line(), pickle.line())),
        "\x93": _pushes(_named),
        "R": _pushes(_reduce),
        "\x81": _pushes(_new),
        "\x92": _pushes(_new_with_names),
        "i": _pushes(_instance),
        "o": _pushes(_object),
        "b": _build,
        "Q": _pushes(lambda pickle: pickle.keep(stored(pickle.stack.pop()))),
    }.items()
}
