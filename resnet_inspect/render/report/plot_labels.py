"""Where the names of points stand in a plot: beside them, and over nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

#: Where a label is tried around its point, in this order: right of it, left, above, below, and between these.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
#: So many times farther from the point it is tried, by half of its height each.
_RINGS = 24
#: So many squares stand for a part of a line at most, however long it is.
_MOST_SQUARES = 400


class Rectangle(NamedTuple):
    """A part of the plot, in any unit."""

    left: float
    bottom: float
    right: float
    top: float

    def shared(self, other: Rectangle) -> float:
        """The area that is part of both."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0) * max(height, 0)


def placed(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    room: Rectangle,
    radius: float,
    line: Sequence[tuple[float, float]] = (),
) -> list[Rectangle]:
    """A rectangle of each size beside its point, inside of ``room``, over no other one, over no point and no ``line``.

    A point is ``radius`` large, and the line leads through its corners. A label that fits nowhere stands where it hides
    the least.
    """
    marks = [Rectangle(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    marks += _along(line, min((height for _, height in sizes), default=1) / 4)
    found: list[Rectangle] = []
    for point, size in zip(points, sizes, strict=True):
        best, least = None, float("inf")
        for place in _places(point, size, radius):
            outside = size[0] * size[1] - place.shared(room)
            hidden = outside + sum(map(place.shared, found)) + sum(map(place.shared, marks))
            if hidden < least - 1e-9:
                best, least = place, hidden
            if hidden < 1e-9:
                break
        assert best is not None
        found.append(best)
    return found


def _along(line: Sequence[tuple[float, float]], step: float) -> Iterator[Rectangle]:
    """Small squares, one every ``step``, that a line leads through."""
    for (x0, y0), (x1, y1) in pairwise(line):
        count = min(_MOST_SQUARES, int(max(abs(x1 - x0), abs(y1 - y0)) / step) + 1)
        for part in range(count + 1):
            x, y = x0 + (x1 - x0) * part / count, y0 + (y1 - y0) * part / count
            yield Rectangle(x - step / 2, y - step / 2, x + step / 2, y + step / 2)


def _places(point: tuple[float, float], size: tuple[float, float], radius: float) -> Iterator[Rectangle]:
    """The rectangles around a point, the nearest first."""
    (x, y), (width, height) = point, size
    for ring in range(_RINGS):
        away = radius + ring * height / 2
        for right, up in _SIDES:
            left = x + away if right > 0 else x - away - width if right < 0 else x - width / 2
            bottom = y + away if up > 0 else y - away - height if up < 0 else y - height / 2
            yield Rectangle(left, bottom, left + width, bottom + height)
