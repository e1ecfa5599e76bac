"""Sequences against sequences: a longest common subsequence, and what stays in order among pairs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence

#: Insertions and removals after which the rest of two sequences is no longer aligned: the cost grows with its square.
_MOST_EDITS = 400

Pair = tuple[int, int]


def align(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Pairs of positions of a longest common subsequence, both ascending.

    Myers, "An O(ND) Difference Algorithm and Its Variations" (Algorithmica 1986), figure 2, on the elements that both
    sequences have, without their common start and end. Of sequences that differ in very much, only the beginning
    and the end are aligned.
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
    found = _myers([old[index] for index in middle[0]], [new[index] for index in middle[1]])
    pairs += [(middle[0][a], middle[1][b]) for a, b in found]
    pairs += zip(left[len(left) - stop :], right[len(right) - stop :], strict=True)
    return pairs


def _myers(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
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
                return _backtrack(history, x, x - k)
    last = max(range(-edits, edits + 1, 2), key=lambda k: 2 * furthest[k] - k)
    return _backtrack(history, furthest[last], furthest[last] - last)


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


def in_order(pairs: Iterable[Pair]) -> set[Pair]:
    """A largest set of pairs that ascend on both sides: what is left out stands elsewhere on the other side."""
    tails: list[int] = []  # the smallest end of an ascending run, by its length
    ends: list[Pair] = []
    before: dict[Pair, Pair | None] = {}
    for pair in sorted(pairs):
        length = bisect_left(tails, pair[1])
        before[pair] = ends[length - 1] if length else None
        tails[length : length + 1] = [pair[1]]
        ends[length : length + 1] = [pair]
    kept = set()
    last = ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept
