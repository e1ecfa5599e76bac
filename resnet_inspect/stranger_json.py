"""JSON that a stranger wrote: read whole, or refused with a ValueError, whatever is in it.

``json.loads`` alone raises other errors for what is nested deeply, gives integers that Python won't print, strings
that no encoding can write, and takes thirty times the text's memory for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

#: Bytes that a document may have, unless its reader knows better.
MOST_BYTES = 2**26
#: Bytes that its values may take as Python's objects, and what each takes at most by the mark that it has in the text.
MOST_MEMORY = 2**29
_WEIGHTS = {"{": 240, "[": 64, ",": 80}
#: Levels that lists and objects may be nested in one another.
MOST_LEVELS = 100
#: Digits of an integer: sizes and counts have less than thirty.
MOST_DIGITS = 100

_MANY_DIGITS = rf"[0-9]{{{MOST_DIGITS + 1}}}"
_NESTS = (dict, list, tuple)
_SURROGATE = r"\\u[dD][89a-fA-F]"


class Part(NamedTuple):
    """Objects of a document that something else is made of as soon as they are read: those that have a ``key``.

    So a large document never stands in memory as plain objects all at once. What is ``made`` of an object is none of
    JSON's own lists and objects: it isn't looked through again with what stands around it.
    """

    key: str
    made: Callable[[dict[str, Any]], Any]

    def hook(self, check: Callable[[Any], Any] = lambda found: found) -> Callable[[dict[str, Any]], Any]:
        """``json.loads``' ``object_hook``, which passes what it takes through a ``check`` first."""
        return lambda found: self.made(check(found)) if self.key in found else found


def loads(text: str | bytes, most_bytes: int = MOST_BYTES, part: Part | None = None, **options: Any) -> Any:
    """The value that a document holds; ``options`` are ``json.loads``' own hooks.

    Raises:
        ValueError: it is not JSON, larger than ``most_bytes``, of too many values, nested too deeply, or has integers
            or texts that nothing can be done with.
    """
    text = decoded(text, most_bytes)
    if sum(text.count(mark) * weight for mark, weight in _WEIGHTS.items()) > MOST_MEMORY:
        raise ValueError("it has more values than are read")
    if re.search(_MANY_DIGITS, text):
        options.setdefault("parse_int", _integer)
    has_surrogates = re.search(_SURROGATE, text)

    def checked(value: Any) -> Any:
        check_levels(value)
        if has_surrogates:
            # Half of a pair: no encoding can write it. What was made of an object was checked before.
            json.dumps(value, ensure_ascii=False, default=lambda _: None).encode()
        return value

    if part is not None:
        options["object_hook"] = part.hook(checked)
    try:
        return checked(json.loads(text, **options))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def decoded(text: str | bytes, most_bytes: int) -> str:
    """The document as text. Whoever has bytes and keeps only this has them in memory once.

    Raises:
        ValueError: it is larger than ``most_bytes``, or in no encoding that JSON may have.
    """
    if len(text) > most_bytes:
        raise ValueError(f"it has {len(text)} bytes, more than the {most_bytes} that are read")
    return text.decode(json.detect_encoding(text)) if isinstance(text, bytes) else text


def check_levels(value: Any) -> None:
    """Raises ValueError for lists, tuples and objects that are nested too deeply for what goes through them."""
    level = [value] if isinstance(value, _NESTS) else []
    for _ in range(MOST_LEVELS):
        if not level:
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, _NESTS)
        ]
    if level:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"it has an integer of {len(text)} digits")
    return int(text)
