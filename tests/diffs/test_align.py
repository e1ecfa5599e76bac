"""Alignment, against the definitions that it computes quickly."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.diffs.align import align, in_order

WORDS = st.text("abcd", max_size=12)


def longest(old: str, new: str) -> int:
    """The length of a longest common subsequence, as its textbook has it: a table of all beginnings."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for a, one in enumerate(old, 1):
        for b, other in enumerate(new, 1):
            table[a][b] = table[a - 1][b - 1] + 1 if one == other else max(table[a - 1][b], table[a][b - 1])
    return table[-1][-1]


@given(WORDS, WORDS)
def test_an_alignment_is_a_longest_common_subsequence(old: str, new: str) -> None:
    pairs = align(old, new)
    assert len(pairs) == longest(old, new)
    assert all(old[a] == new[b] for a, b in pairs)
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(pairs))


def test_known_alignments() -> None:
    assert align("", "abc") == []
    assert align("abc", "abc") == [(0, 0), (1, 1), (2, 2)]
    # What only one side has is skipped, at the start, in between and at the end.
    assert align("xabcy", "abzc") == [(1, 0), (2, 1), (3, 3)]
    # Of a run that repeats, beginning and end come before the middle.
    assert align("aa", "aaa") == [(0, 0), (1, 1)]


def test_sequences_that_differ_in_very_much_are_aligned_at_both_ends() -> None:
    """In opposite orders, a thousand elements need 1,998 edits: only some of them are looked for."""
    middle = list(range(1000))
    old, new = ["start", *middle, "end"], ["start", *reversed(middle), "end"]
    pairs = align(old, new)
    assert (pairs[0], pairs[-1]) == ((0, 0), (1001, 1001))
    assert all(old[a] == new[b] for a, b in pairs)


def test_sequences_that_differ_in_much_are_parted_at_what_occurs_once() -> None:
    """Pairs that changed places, of each of which one can stay: two edits each, and 400 are looked for at once."""
    for swaps in (200, 201, 1000):
        swapped = [item for pair in range(swaps) for item in (2 * pair + 1, 2 * pair)]
        assert len(align([*range(2 * swaps)], swapped)) == swaps


def test_what_was_left_out_is_found_however_much_it_is() -> None:
    assert align("b" * 3, "ab" * 1000) == [(0, 1), (1, 3), (2, 5)]
    pairs = align([1, 2] * 300, [1, 3, 2] * 300)
    assert pairs == [(index, index + (index + 1) // 2) for index in range(600)]


PAIRS = st.lists(st.integers(0, 6), unique=True, max_size=7).map(lambda ends: set(enumerate(ends)))


@given(PAIRS)
def test_what_is_in_order_is_as_much_as_can_be(pairs: set[tuple[int, int]]) -> None:
    kept = in_order(pairs)
    ascending = [
        size
        for size in range(len(pairs) + 1)
        for chosen in combinations(sorted(pairs), size)
        if all(one[1] < two[1] for one, two in pairwise(chosen))
    ]
    assert kept <= pairs
    assert len(kept) == max(ascending)
    ends = [b for _, b in sorted(kept)]
    assert ends == sorted(ends)


@given(PAIRS, st.randoms())
def test_what_moved_is_the_same_from_either_side(pairs: set[tuple[int, int]], chance: Random) -> None:
    names = {pair: str(number) for number, pair in enumerate(chance.sample(sorted(pairs), len(pairs)))}
    back = in_order({(b, a) for a, b in pairs}, lambda pair: names[pair[1], pair[0]])
    assert {(a, b) for b, a in back} == in_order(pairs, names.__getitem__)
