"""Strings of strangers on their way to a document or a terminal: what can't be seen becomes visible, all else stays.

A terminal obeys control characters, a page reorders its text at bidirectional ones, and the log of a CI job runs lines
that look like commands. Nothing of that is left in what these functions give. Formats add their own escaping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")

#: Seen by nobody, though ``str.isprintable`` lets them pass: fillers, joiners, vowels and selectors without a glyph.
_HIDDEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
#: What CI systems take for a command in a log: ``::error::`` where a line begins, ``##[error]`` anywhere.
_COMMAND = re.compile(r"\A(\s*):|(?<=\s):(?=:)|#(?=#\w*\[)")
#: Characters of one line of a message.
_MOST = 2000
#: As dataclasses write their fields' types: what holds no text.
_NUMBERS = ("bool", "int", "int | None", "Shape", "float", "float | None")


def visible(text: str) -> str:
    r"""The text with an escape (``\x1b``, ``\n``, ``\u202e``) for each character that isn't seen.

    The first character of what a CI system would take for a command is escaped as well.
    """
    return text if _is_plain(text) else _escaped(text)


def line(text: str, most: int = _MOST) -> str:
    """A message as one visible line; what is longer than ``most`` characters is shortened in the middle."""
    words = visible(" ".join(text.split()))
    if len(words) <= most:
        return words
    mark = f" … ({len(words) - most:,} characters) … "
    return words[: most * 2 // 3] + mark + words[len(words) - most // 3 :]


def in_json(document: str) -> str:
    """A JSON document that means the same and whose strings are escaped as ``visible`` does it, with JSON's escapes."""
    if "##" in document:
        document = re.sub(r"#(?=#\w*\[)", r"\\u0023", document)
    plain = "\x7f" not in document if document.isascii() else not _unseen(document.replace("\n", ""))
    if plain:
        return document
    return "".join(char if char == "\n" or not _unseen(char) else _json_escape(char) for char in document)


def in_ascii(document: str) -> str:
    """A JSON document that means the same, in ASCII."""
    return "".join(char if char.isascii() else _json_escape(char) for char in document)


def cleaned(value: T) -> T:
    """The same value with every string in it visible, however deep in dataclasses, tuples, lists and mappings.

    Most values are printable, and are given back as they are. Where something must be escaped, every backslash in the
    value is doubled, so that names that differ never become the same.
    """
    texts = _texts(value)
    text = " ".join(["", *texts])
    suspicious = _unseen(text) or " :" in text or "##" in text
    return _mapped(value, _distinct) if suspicious and not all(map(_is_plain, texts)) else value


def _is_plain(text: str) -> bool:
    return not _unseen(text) and not _COMMAND.search(text)


def _unseen(text: str) -> bool:
    """Whether any character of a text isn't seen."""
    return not text.isprintable() or not (text.isascii() or _HIDDEN.isdisjoint(text))


def _escaped(text: str) -> str:
    text = _COMMAND.sub(lambda found: f"{found[1] or ''}\\x3a" if found[0][-1] == ":" else "\\x23", text)
    return "".join(char.encode("unicode_escape").decode("ascii") if _unseen(char) else char for char in text)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def _distinct(text: str) -> str:
    return visible(text.replace("\\", "\\\\"))


@cache
def _parts(kind: type) -> Callable[[Any], Iterable[Any]] | None:
    """What gives a dataclass' values that may hold text."""
    if not is_dataclass(kind):
        return None
    names = [field.name for field in fields(kind) if field.type not in _NUMBERS]
    get = attrgetter(*names) if names else lambda _: ()
    return (lambda value: (get(value),)) if len(names) == 1 else get


def _texts(value: Any) -> list[str]:
    """All strings in a value; level by level, for speed and for values nested deep."""
    found, level = [], [value]
    while level:
        below: list[Any] = []
        for item in level:
            kind = item.__class__
            if kind is str:
                found.append(item)
            elif kind is tuple or kind is list:
                below += item
            elif item is None or kind is int or kind is bool or kind is float:
                continue
            elif (parts := _parts(kind)) is not None:
                below += parts(item)
            elif isinstance(item, Mapping):
                below += item
                below += item.values()
            elif isinstance(item, (tuple, list)):
                below += item
            elif isinstance(item, str):
                found.append(item)
        level = below
    return found


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, (tuple, list)):
        items = [_mapped(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, Mapping):
        return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _mapped(getattr(value, field.name), change) for field in fields(value)})
    return value
