"""Where everything in a picture stands: boxes in one column in execution order, arrows beside them in lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from .. import units
from .picture import Edge, Node, Picture, nested

HEIGHT = 22  #: of a box
SPINE = 14  #: where the arrow to the next box stands in a box
TITLE_INSET = SPINE + 8  #: where a module's name begins, from the boxes' left
_GAP = 12  # between boxes
_TITLE = 19  # a module's name
_PAD = 7  # below a module's last box
_INSET = 8  # of a module in another
_LANE = 12
_FIRST = 16  # the first lane, from the boxes
_MARGIN = 12
_HEADER = 62  # the picture's title, its facts and the columns' captions
_LONGEST = 44  # characters of a text in a box; more is cut in its middle
_LONGEST_TITLE = 88
_SPACE = 16  # between texts


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a box or a caption. ``right``: x is where it ends."""

    key: str
    text: str
    x: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A node's rectangle, from ``x`` as wide as all; ``mark`` is where the sign of a folded residual block stands."""

    node: Node
    x: int
    y: int
    texts: tuple[Text, ...]
    mark: int


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle around a module's rows; a module that ran more than once has several."""

    title: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge from one box to another: straight at ``x``, or by the lane at ``x``."""

    edge: Edge
    x: int
    lane: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture with its measures, in whole pixels. Frames of outer modules come before those inside."""

    width: int
    height: int
    left: int
    right: int
    captions: tuple[Text, ...]
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    wires: tuple[Wire, ...]


def text_width(text: str) -> int:
    """Pixels of a text in the pictures' type, which gives every character the same."""
    return -(-cell_len(text) * 73 // 10)


def lanes(spans: Mapping[int, int]) -> dict[int, int]:
    """The lane of each span (first row -> last row), numbered from the boxes outwards.

    Of two spans in one lane, one ends where or before the other begins. A span within another is nearer to the boxes,
    so that their wires don't cross.
    """
    found: dict[int, int] = {}
    ends: list[int] = []  # of each lane so far
    # What ends first chooses first: a lane that is free for what is around it was free for itself.
    for start, end in sorted(spans.items(), key=lambda span: (span[1], -span[0])):
        lane = next((lane for lane, last in enumerate(ends) if last <= start), len(ends))
        ends[lane : lane + 1] = [end]
        found[start] = lane
    return found


def layout(picture: Picture) -> Layout:
    """Boxes below each other; lanes to their right, and to their left what folded modules hand back up."""
    down, up = _lanes(picture)
    levels = max((len(node.groups) for node in picture.nodes), default=0)
    left = _MARGIN + levels * _INSET + _width(up)
    texts, captions, mark, right = _columns(picture.nodes, left)
    titles = [text_width(_cut(title, _LONGEST_TITLE)) for title in picture.groups.values()]
    right = max(right, left + TITLE_INSET + max(titles, default=0))
    outside = right + _width(down)
    tops, frames, bottom = _stacked(picture, outside + _INSET + levels * _INSET)
    boxes = tuple(
        Box(node, left, y, row_texts, mark) for node, y, row_texts in zip(picture.nodes, tops, texts, strict=True)
    )
    title = cell_len(picture.title) * 17 // 2  # its type is larger
    return Layout(
        width=max(outside + (levels + 1) * _INSET, left + title, left + text_width(picture.facts)) + _MARGIN,
        height=bottom + _MARGIN,
        left=left,
        right=right,
        captions=captions,
        boxes=boxes,
        frames=frames,
        wires=_wires(picture, tops, left, right, down, up),
    )


def _lanes(picture: Picture) -> tuple[dict[str, int], dict[str, int]]:
    """The lanes of what is kept for boxes beyond the next one down, and beyond the next one up, by its source."""
    place = {node.id: index for index, node in enumerate(picture.nodes)}
    down: dict[int, int] = {}
    up: dict[int, int] = {}
    for edge in picture.edges:
        source, target = place[edge.source], place[edge.target]
        if target > source + 1:
            down[source] = max(down.get(source, 0), target)
        elif target < source - 1:
            # Counted from below, so that it runs forward too.
            up[-source] = max(up.get(-source, -source), -target)
    names = [node.id for node in picture.nodes]
    return (
        {names[source]: lane for source, lane in lanes(down).items()},
        {names[-source]: lane for source, lane in lanes(up).items()},
    )


def _width(lanes: Mapping[str, int]) -> int:
    return max(map(_away, lanes.values()), default=0)


def _away(lane: int) -> int:
    """How far from the boxes a lane is."""
    return _FIRST + lane * _LANE


def _columns(nodes: Sequence[Node], left: int) -> tuple[list[tuple[Text, ...]], tuple[Text, ...], int, int]:
    """The texts of every box and the captions, where the residual sign stands, and where boxes end."""
    cells = [
        {
            "Layer": node.label,
            "Type": node.type,
            "Output shape": node.shape,
            "Params": units.si(node.params) if node.params else "",
            "MACs": "" if node.macs == 0 else units.si(node.macs),
        }
        for node in nodes
    ]
    texts: list[list[Text]] = [[] for _ in nodes]
    captions = []
    x = left + SPINE + _SPACE // 2
    for key in cells[0] if cells else ():
        column = [_cut(cell[key]) for cell in cells]
        width = max(map(text_width, column))
        if width:
            width = max(width, text_width(key))
            number = key in ("Params", "MACs")
            at = x + width if number else x
            captions.append(Text(key, key, at, number))
            for row, text in zip(texts, column, strict=True):
                row += [Text(key, text, at, number)] if text else []
            x += width + _SPACE
    mark = x
    if widest := max((len(str(node.residual)) for node in nodes if node.residual), default=0):
        several = any(node.residual > 1 for node in nodes)
        x += 20 + (text_width("×") + text_width("0" * widest) if several else 0) + _SPACE // 2
    return [tuple(row) for row in texts], tuple(captions), mark, x - _SPACE // 2


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-(longest // 2 - 1) :]}"


def _stacked(picture: Picture, right: int) -> tuple[list[int], tuple[Frame, ...], int]:
    """The boxes' tops, the frames and where the picture ends."""
    tops: list[int] = []
    frames: list[Frame | None] = []
    running: list[tuple[int, str, int]] = []
    bottom = _HEADER - _GAP

    def close(ends: int) -> int:
        below = bottom
        for _ in range(ends):
            below += _PAD
            place, path, top = running.pop()
            x = _MARGIN + len(running) * _INSET
            title = _cut(picture.groups[path], _LONGEST_TITLE)
            frames[place] = Frame(title, x, top, right - len(running) * _INSET - x, below - top)
        return below

    for ends, begins, _ in nested(picture.nodes):
        bottom = close(ends) + _GAP
        for path in begins:
            running.append((len(frames), path, bottom))
            frames.append(None)
            bottom += _TITLE
        tops.append(bottom)
        bottom += HEIGHT
    bottom = close(len(running))
    return tops, tuple(frame for frame in frames if frame is not None), bottom


def _wires(
    picture: Picture, tops: Sequence[int], left: int, right: int, down: Mapping[str, int], up: Mapping[str, int]
) -> tuple[Wire, ...]:
    """An output leaves on that half of its box that faces where it goes, and arrives on the half that faces its source.

    So one can arrive and another leave in the same lane.
    """
    place = {node.id: index for index, node in enumerate(picture.nodes)}
    wires = []
    for edge in picture.edges:
        source, target = place[edge.source], place[edge.target]
        facing = (HEIGHT - 6, 6) if source < target else (6, HEIGHT - 6)
        start, end = tops[source] + facing[0], tops[target] + facing[1]
        if source + 1 == target:
            wire = Wire(edge, left + SPINE, False, tops[source] + HEIGHT, tops[target])
        elif source == target + 1:
            wire = Wire(edge, left + 2 * SPINE, False, tops[source], tops[target] + HEIGHT)
        elif source < target:
            wire = Wire(edge, right + _away(down[edge.source]), True, start, end)
        else:
            wire = Wire(edge, left - _away(up[edge.source]), True, start, end)
        wires.append(wire)
    # What is drawn last lies on top.
    return tuple(sorted(wires, key=lambda wire: wire.edge.shortcut is not None))
