"""The graph as a picture, in the colours of the page that shows it, light or dark."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .layout import HEIGHT, SPINE, TITLE_INSET, Box, Frame, Layout, Text, Wire, layout
from .picture import ACCENT, DARK_ACCENT, FAMILIES, picture

_LINE = 18  # of the legend


def _style(dark: bool) -> str:
    """The colours. They stand as they are, not as variables, which converters to PNG and PDF don't know."""
    light = ("#ffffff", "#1f2328", "#59636e", "#6e7781", ACCENT)
    page, text, muted, line, accent = ("#0d1117", "#e6edf3", "#9198a1", "#768390", DARK_ACCENT) if dark else light
    rules = [
        f".page{{fill:{page}}}",
        f"text{{fill:{text}}}",
        f".small,.frame-title{{fill:{muted}}}",
        f".frame{{fill:{muted};stroke:{muted}}}",
        f".wire{{stroke:{line}}}.head{{fill:{line}}}",
        f".shortcut{{stroke:{accent}}}.shortcut-head,.count{{fill:{accent}}}",
    ]
    for name, family in FAMILIES.items():
        fill, stroke = (family.dark_fill, family.dark_stroke) if dark else (family.fill, family.stroke)
        rules.append(f".{name}{{fill:{fill};stroke:{stroke}}}")
    return "\n".join(rules)


_FIXED = """\
text{font:12px "DejaVu Sans Mono",ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre}
.name{font-weight:600}
.title{font-size:14px;font-weight:600}
.right{text-anchor:end}
.frame{fill-opacity:.05;stroke-opacity:.35}
.wire,.shortcut{fill:none;stroke-width:1.5}
.shortcut{stroke-width:2}
.projection{stroke-dasharray:5 3}"""


def render(summary: Summary, view: View) -> str:
    """The boxes of all rows, the connections as arrows, shortcuts in their own colour; tooltips have the details."""
    drawn = picture(summary, rows(summary, view.depth, view.only))
    return "".join(f"{line}\n" for line in _document(layout(drawn), drawn.title, drawn.facts))


def _document(placed: Layout, title: str, facts: str) -> Iterator[str]:
    kinds = sorted({wire.edge.shortcut for wire in placed.wires if wire.edge.shortcut is not None})
    legend = [*kinds, *(["folded"] if any(box.node.residual for box in placed.boxes) else [])]
    width, height = placed.width, placed.height + len(legend) * _LINE
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    yield f"<title>{_escaped(title)}</title>"
    skips = sum(wire.edge.skip for wire in placed.wires)
    words = f"{len(placed.boxes)} boxes in the order of execution, {len(placed.wires)} arrows, {skips} of them skips"
    yield f"<desc>{_escaped(facts)}: {words}</desc>"
    yield f"<style>\n{_FIXED}\n{_style(dark=False)}"
    yield f"@media (prefers-color-scheme:dark){{\n{_style(dark=True)}\n}}</style>"
    for name in ("head", "shortcut-head"):
        yield (
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
        )
    yield f'<rect class="page" width="{width}" height="{height}"/>'
    yield f'<text class="title" x="{placed.left}" y="20">{_escaped(title)}</text>'
    yield f'<text class="small" x="{placed.left}" y="37">{_escaped(facts)}</text>'
    for frame in placed.frames:
        yield _frame(frame, placed.left)
    for caption in placed.captions:
        yield _text(caption, 56, "small")
    for box in placed.boxes:
        yield from _box(box, placed.right - placed.left)
    for wire in placed.wires:
        yield _wire(wire, placed)
    for index, kind in enumerate(legend):
        yield from _explained(kind, placed.left, placed.height + index * _LINE)
    yield "</svg>"


def _frame(frame: Frame, left: int) -> str:
    return (
        f'<rect class="frame" x="{frame.x}" y="{frame.y}" width="{frame.width}" height="{frame.height}" rx="6"/>'
        f'<text class="frame-title" x="{left + TITLE_INSET}" y="{frame.y + 14}">{_escaped(frame.title)}</text>'
    )


def _box(box: Box, width: int) -> Iterator[str]:
    yield "<g>"
    details = "\n".join(f"{title}: {text}" for title, text in (*box.node.details, ("Folded", box.node.note)) if text)
    yield f"<title>{_escaped(details)}</title>"
    yield f'<rect class="{box.node.family}" x="{box.x}" y="{box.y}" width="{width}" height="{HEIGHT}" rx="4"/>'
    for text in box.texts:
        yield _text(text, box.y + 15, {"Layer": "name", "Type": "type"}.get(text.key, "small"))
    if box.node.residual:
        yield from _sign(box.mark, box.y + 5)
        if box.node.residual > 1:
            yield f'<text class="count" x="{box.mark + 18}" y="{box.y + 15}">×{box.node.residual}</text>'
    yield "</g>"


def _sign(x: int, y: int) -> Iterator[str]:
    """A path and an arc around a part of it: a residual block that is folded."""
    yield f'<path class="wire" d="M{x} {y - 2}v16"/>'
    yield f'<path class="shortcut" d="M{x} {y}c17 0 17 12 2 12" marker-end="url(#shortcut-head)"/>'


def _explained(kind: str, x: int, y: int) -> Iterator[str]:
    """A line of the legend."""
    yield "<g>"
    if kind == "folded":
        yield from _sign(x + 4, y - 4)
    else:
        dashed = " projection" if kind == "projection" else ""
        yield f'<path class="shortcut{dashed}" d="M{x} {y + 2}h{2 * SPINE}" marker-end="url(#shortcut-head)"/>'
    words = "residual block inside" if kind == "folded" else f"shortcut: {kind}"
    yield f'<text class="small" x="{x + 3 * SPINE - 6}" y="{y + 6}">{words}</text></g>'


def _wire(wire: Wire, placed: Layout) -> str:
    kind = "wire" if wire.edge.shortcut is None else "shortcut"
    head = "head" if wire.edge.shortcut is None else "shortcut-head"
    dashed = " projection" if wire.edge.shortcut == "projection" else ""
    return f'<path class="{kind}{dashed}" d="{_path(wire, placed)}" marker-end="url(#{head})"/>'


def _path(wire: Wire, placed: Layout) -> str:
    x, start, end = wire.x, wire.start, wire.end
    if not wire.lane:
        return f"M{x} {start}V{end}"
    edge, turn, tip = (placed.right, 6, 1) if end > start else (placed.left, -6, -1)
    out = f"M{edge} {start}H{x - turn}Q{x} {start} {x} {start + turn}"
    return f"{out}V{end - turn}Q{x} {end} {x - turn} {end}H{edge + tip}"


def _text(text: Text, y: int, kind: str) -> str:
    return f'<text class="{kind}{" right" * text.right}" x="{text.x}" y="{y}">{_escaped(text.text)}</text>'


def _escaped(text: str) -> str:
    """Text between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
