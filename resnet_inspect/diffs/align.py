"""Sequences against sequences: a longest common subsequence, and what stays in order among pairs."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise

#: Insertions and removals after which the rest of a stretch is no longer aligned: the cost grows with its square.
_MOST_EDITS = 400

Pair = tuple[int, int]


def align(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Pairs of positions of a longest common subsequence, both ascending.

    Myers, "An O(ND) Difference Algorithm and Its Variations" (Algorithmica 1986), figure 2, on the elements that both
    sequences have, without their common start and end. Sequences that differ in much are first parted at what occurs
    once in each (as Cohen's patience diff does); of a stretch without such an element that still differs in very much,
    only the beginning and the end are aligned, unless one is the other with elements left out.
    """
    shared = set(old).intersection(new)
    left = [index for index, item in enumerate(old) if item in shared]
    right = [index for index, item in enumerate(new) if item in shared]
    start, stop = 0, 0
    shortest = min(len(left), len(right))
    while start < shortest and old[left[start]] == new[right[start]]:
        start += 1
    while stop < shortest - start and old[left[-1 - stop]] == new[right[-1 - stop]]:
        stop += 1
    pairs = list(zip(left[:start], right[:start], strict=True))
    middle = left[start : len(left) - stop], right[start : len(right) - stop]
    found = _middle([old[index] for index in middle[0]], [new[index] for index in middle[1]])
    pairs += [(middle[0][a], middle[1][b]) for a, b in found]
    pairs += zip(left[len(left) - stop :], right[len(right) - stop :], strict=True)
    return pairs


def _middle(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    if (found := _subsequence(old, new)) is not None:
        return found
    found, complete = _myers(old, new)
    if complete:
        return found
    anchors = _once_in_each(old, new)
    if not anchors:
        return found
    found = []
    before = (-1, -1)
    for anchor in [*anchors, (len(old), len(new))]:
        a, b = before[0] + 1, before[1] + 1
        found += [(a + x, b + y) for x, y in align(old[a : anchor[0]], new[b : anchor[1]])]
        found.append(anchor)
        before = anchor
    return found[:-1]


def _subsequence(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair] | None:
    """The pairs if one sequence is the other with elements left out, however many; else None."""
    if len(old) > len(new):
        found = _subsequence(new, old)
        return None if found is None else [(a, b) for b, a in found]
    pairs: list[Pair] = []
    for index, item in enumerate(new):
        if len(pairs) < len(old) and item == old[len(pairs)]:
            pairs.append((len(pairs), index))
    return pairs if len(pairs) == len(old) else None


def _once_in_each(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Positions of what occurs once in each sequence, as many as ascend on both sides."""
    often_old, often_new = Counter(old), Counter(new)
    places = {item: index for index, item in enumerate(new) if often_new[item] == 1}
    once = [(index, places[item]) for index, item in enumerate(old) if item in places and often_old[item] == 1]
    return sorted(in_order(once))


def _myers(old: Sequence[Hashable], new: Sequence[Hashable]) -> tuple[list[Pair], bool]:
    """Pairs of a longest common subsequence, and whether they are all of them."""
    furthest = {1: 0}  # diagonal k = x - y -> the largest x that was reached on it
    history = []
    for edits in range(min(len(old) + len(new), _MOST_EDITS) + 1):
        history.append(furthest.copy())
        for k in range(-edits, edits + 1, 2):
            x = furthest[k + 1] if _down(furthest, k, edits) else furthest[k - 1] + 1
            while x < len(old) and x - k < len(new) and old[x] == new[x - k]:
                x += 1
            furthest[k] = x
            if x >= len(old) and x - k >= len(new):
                return _backtrack(history, x, x - k), True
    last = max(range(-edits, edits + 1, 2), key=lambda k: 2 * furthest[k] - k)
    return _backtrack(history, furthest[last], furthest[last] - last), False


def _down(furthest: dict[int, int], k: int, edits: int) -> bool:
    """Whether the best way to diagonal ``k`` comes from the one above it."""
    return k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])


def _backtrack(history: list[dict[int, int]], x: int, y: int) -> list[Pair]:
    pairs = []
    for edits, furthest in reversed(list(enumerate(history))):
        above = x - y + 1 if _down(furthest, x - y, edits) else x - y - 1
        before = furthest[above], furthest[above] - above
        while x > before[0] and y > before[1]:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = before
    return pairs[::-1]


def in_order(pairs: Iterable[Pair], name: Callable[[Pair], str] = lambda _: "") -> set[Pair]:
    """A largest set of pairs that ascend on both sides: what is left out stands elsewhere on the other side.

    Where several are as large, as of two neighbours that changed places, the one with the first name stays, whichever
    side is the old one.
    """
    ordered = sorted(pairs)
    if all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(ordered)):
        return set(ordered)
    tails: list[int] = []  # the smallest end of an ascending run, by its length
    ends: list[list[Pair]] = []  # the last pairs of the longest ascending run up to each
    for pair in ordered:
        length = bisect_left(tails, pair[1])
        tails[length : length + 1] = [pair[1]]
        if length == len(ends):
            ends.append([])
        ends[length].append(pair)
    kept = set()
    last: Pair | None = None
    for found in reversed(ends):
        last = min((pair for pair in found if last is None or (pair[0] < last[0] and pair[1] < last[1])), key=name)
        kept.add(last)
    return kept
