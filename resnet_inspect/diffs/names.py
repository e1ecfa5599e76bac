"""What a layer is called: paths without their numbers, and what has another name by now."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache

from .result import Renaming

#: Names whose parts are remembered: each is asked for in every round of a matching.
_NAMES = 1 << 18
#: Parts of a path that count: ``features.3``, ``conv2d_7``. They shift when something is put in between.
_NUMBER = re.compile(r"(?<=\.)\d{1,18}(?=\.|$)|^\d{1,18}(?=\.|$)|(?<=_)\d{1,18}(?=\.|$)")
#: The number of a name that stands for itself, too: the first of all is ``relu``, and not ``relu_0``.
_COUNTED = re.compile(r"_\d+(?=\.|$)")


def renamings(paths: Sequence[tuple[str, str]]) -> list[Renaming]:
    """Renamed paths in as few lines as say them: a shared prefix is one, and so is a run of shifted numbers."""
    by_prefix = Counter(prefixes_of(old, new) for old, new in paths if old != new)
    groups: dict[Hashable, list[tuple[str, str]]] = {}
    for old, new in by_prefix:
        groups.setdefault(renaming_key(old, new), []).append((old, new))
    found = []
    for prefixes in groups.values():
        layers = sum(by_prefix[pair] for pair in prefixes)
        first, last = prefixes[0], prefixes[-1]
        both = first if first == last else (f"{first[0]}…{last[0]}", f"{first[1]}…{last[1]}")
        found.append(Renaming(*both, layers))
    return found


def renaming_key(old: str, new: str) -> Hashable:
    """What renamed prefixes have in common that are one line: the same shift of the same numbers."""
    if masked(old) != masked(new):
        return old, new
    numbers = zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=False)
    return masked(old), tuple(int(b) - int(a) for a, b in numbers)


def renamed_path(prefixes: Mapping[str, str], path: str) -> str:
    """What a path is called by now, of whose modules some have another name: old prefix -> new prefix."""
    parts = path.split(".")
    for end in range(len(parts), -1, -1):
        new = prefixes.get(".".join(parts[:end]))
        if new is not None:
            return ".".join([*([new] if new else []), *parts[end:]])
    return path


@lru_cache(_NAMES)
def prefixes_of(old: str, new: str) -> tuple[str, str]:
    """What is left of two paths without the end that they share."""
    a, b = old.split("."), new.split(".")
    while a and b and a[-1] == b[-1]:
        a.pop()
        b.pop()
    return ".".join(a), ".".join(b)


@lru_cache(_NAMES)
def masked(path: str) -> str:
    """A path without its numbers: what stands at the same place but for how many came before."""
    return _NUMBER.sub("#", uncounted(path))


@lru_cache(_NAMES)
def uncounted(path: str) -> str:
    """A path without the numbers that only count calls: ``layer1.0.relu_1`` is ``layer1.0.relu``."""
    return _COUNTED.sub("", path)
