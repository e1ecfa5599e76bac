"""JSON that a stranger wrote: read whole, or refused with a ValueError, whatever is in it.

``json.loads`` alone raises other errors for what is nested deeply, gives integers that Python won't print, strings
that no encoding can write, and takes thirty times the text's memory for it.
"""

from __future__ import annotations

import json
import re
from typing import Any

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


def loads(text: str | bytes, most_bytes: int = MOST_BYTES, **options: Any) -> Any:
    """The value that a document holds; ``options`` are ``json.loads``' own hooks.

    Raises:
        ValueError: it is no JSON, larger than ``most_bytes``, of too many values, nested too deeply, or has integers or
            texts that nothing can be done with.
    """
    if len(text) > most_bytes:
        raise ValueError(f"it has {len(text)} bytes, more than the {most_bytes} that are read")
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    if sum(text.count(mark) * weight for mark, weight in _WEIGHTS.items()) > MOST_MEMORY:
        raise ValueError("it has more values than are read")
    if re.search(_MANY_DIGITS, text):
        options.setdefault("parse_int", _integer)
    try:
        value = json.loads(text, **options)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check_levels(value)
    if re.search(_SURROGATE, text):
        # Half of a pair: no encoding can write it.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def check_levels(value: Any) -> None:
    """Raises ValueError for lists, tuples and objects that are nested too deeply for what goes through them."""
    level = [value] if isinstance(value, _NESTS) else []
    for _ in range(MOST_LEVELS):
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
