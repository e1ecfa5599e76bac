"""Lanes beside a table's rows: where an output is kept for a later row, and who reads it there."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from .rows import Row


@dataclass(frozen=True, slots=True)
class Rail:
    """What the lanes do at one row; lanes are numbered from the row outwards.

    ``follows``: the row reads the row above, which needs no lane. ``opens``: the lane that keeps its output for a row
    below the next one. ``reads``: lanes that it reads and that go on; ``closes``: lanes that it is the last to read.
    """

    follows: bool
    opens: int | None = None
    reads: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()


def rails(rows: Sequence[Row]) -> tuple[Rail, ...]:
    """The lanes of every row, as few and as near as fit.

    A lane that ends at a row is free from the next row on: in one row it would be two things. Edges from rows that
    aren't among ``rows``, and those of folded modules that lead back up, have no lane.
    """
    place = {row.id: index for index, row in enumerate(rows)}
    sources = [
        {place[source] for source in row.connected_to if place.get(source, index) < index}
        for index, row in enumerate(rows)
    ]
    last: dict[int, int] = {}
    for index, read in enumerate(sources):
        last.update((source, index) for source in read if source < index - 1)
    lanes: dict[int, int] = {}
    free: list[int] = []
    width = 0
    result = []
    for index, read in enumerate(sources):
        kept = [source for source in read if source < index - 1]
        opens = None
        if index in last:
            if free:
                opens = heapq.heappop(free)
            else:
                opens, width = width, width + 1
            lanes[index] = opens
        closes = [lanes.pop(source) for source in kept if last[source] == index]
        reads = [lanes[source] for source in kept if last[source] != index]
        for lane in closes:
            heapq.heappush(free, lane)
        result.append(Rail(index - 1 in read, opens, tuple(sorted(reads)), tuple(sorted(closes))))
    return tuple(result)
