"""The containment tree, as ``print(model)`` shows it, with shapes and counts beside it."""

from __future__ import annotations

import textwrap

from .. import units
from ..analysis.rows import rows
from ..ir import UNKNOWN, Layer, Summary
from ..shape import format_shape
from . import View
from .columns import value_text
from .fitting import shorten
from .rails import above, gutter
from .totals import totals
from .width import padded, width


def render(summary: Summary, view: View) -> str:
    """One module a line, as a branch of the one that holds it, functional layers among them; totals below.

    Modules stand in the order in which they are called first. With rails, every call has a line. On a terminal, lines
    are fitted to its width: what a layer is called and gives stays, of its settings what there is room for.
    """
    found = _calls(summary, view) if view.rails else _modules(summary, view)
    room = max((width(left) for left, _ in found), default=0)
    if view.width is not None:
        room = min(room, max(view.width - 2 - max((width(right) for _, right in found), default=0), view.width // 2))
        found = [
            (shorten(left, room, view.ascii, beginning=1.0), _fitted(right, view.width - room - 2))
            for left, right in found
        ]
    lines = [f"{padded(left, room)}  {right}".rstrip() for left, right in found]
    lines += ["", *(f"{label}: {value}" for label, value in totals(summary, view))]
    if view.width is not None:
        lines = [part for line in lines for part in _wrapped(line, view.width)]
    return "\n".join(lines) + "\n"


def _calls(summary: Summary, view: View) -> list[tuple[str, str]]:
    kinds = dict(summary.modules)
    shown = rows(summary, view.depth, view.only)
    found: list[tuple[str, str]] = []
    running: list[str] = []
    for line, row in zip(gutter(shown, view.ascii), shown, strict=True):
        *containers, name = row.path.split(".")
        same = next((d for d, item in enumerate(running) if containers[d : d + 1] != [item]), len(running))
        running = running[:same]
        for item in containers[same:]:
            running.append(item)
            kind = kinds.get(".".join(running), "")
            found.append((f"{above(line, view.ascii)} {'  ' * (len(running) - 1)}({item}): {kind}", ""))
        layers = list(row.layers)
        arguments = _arguments(layers) if len(layers) == 1 else ""
        left = f"{line} {'  ' * len(running)}({name}): {row.type}{arguments}"
        counts = [sum(layer.params for layer in layers), sum(layer.macs or 0 for layer in layers)]
        found.append((left, _facts(layers[-1:], counts, False)))
    return found


def _modules(summary: Summary, view: View) -> list[tuple[str, str]]:
    shown = {layer.id for row in rows(summary, None, view.only) for layer in row.layers}
    kinds = dict(summary.modules)
    layers: dict[str, list[Layer]] = {}
    for layer in summary.layers:
        if layer.id in shown:
            layers.setdefault(layer.path, []).append(layer)
            kinds.setdefault(layer.path, layer.type)
    totals_of: dict[str, list[int]] = {}
    first: dict[str, int] = {}
    for index, (path, calls) in enumerate(layers.items()):
        for prefix in _prefixes(path):
            first.setdefault(prefix, index)
            counts = totals_of.setdefault(prefix, [0, 0])
            counts[0] += sum(layer.params for layer in calls)
            counts[1] += sum(layer.macs or 0 for layer in calls)
    children: dict[str, list[str]] = {}
    for path in kinds:
        if path:
            children.setdefault(path.rpartition(".")[0], []).append(path)
    branch, last, through, gap = ("|-- ", "`-- ", "|   ", "    ") if view.ascii else ("├── ", "└── ", "│   ", "    ")
    found: list[tuple[str, str]] = []
    stack = [("", 0, "", "")]
    while stack:
        path, depth, before, below = stack.pop()
        name = f"({path.rpartition('.')[2]}): " if path else ""
        left = before + name + kinds.get(path, "") + _arguments(layers.get(path, []))
        if path in totals_of or not view.only:
            found.append((left, _facts(layers.get(path, []), totals_of.get(path), path in children)))
        if view.depth is None or depth < view.depth:
            inside = sorted(children.get(path, []), key=lambda child: first.get(child, len(layers)))
            if view.only:
                inside = [child for child in inside if child in totals_of]
            for child in reversed(inside):
                own, further = (last, gap) if child == inside[-1] else (branch, through)
                stack.append((child, depth + 1, below + own, below + further))
    return found


def _fitted(facts: str, room: int) -> str:
    """As many facts as there is room for, the shape first; a number is never cut."""
    while facts and width(facts) > room:
        facts = facts.rpartition("  ")[0]
    return facts


def _wrapped(line: str, room: int) -> list[str]:
    return [line] if width(line) <= room else textwrap.wrap(line, room, subsequent_indent="    ") or [line]


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return ["", *(".".join(parts[: index + 1]) for index in range(len(parts)))]


def _arguments(calls: list[Layer]) -> str:
    if not calls:
        return ""
    return "(" + ", ".join(f"{key}={value_text(value)}" for key, value in calls[0].attributes) + ")"


def _facts(calls: list[Layer], counts: list[int] | None, container: bool) -> str:
    if counts is None:
        return "" if container else "not called"
    facts = []
    if calls and calls[0].output_tensors:
        known = (t for c in calls for t in c.output_tensors if t != UNKNOWN)
        facts.append(", ".join(dict.fromkeys(format_shape(t.shape) for t in known)) or units.NOT_AVAILABLE)
    if counts[0]:
        facts.append(f"{units.exact(counts[0])} params")
    if counts[1]:
        facts.append(f"{units.si(counts[1])} MACs")
    if len(calls) > 1:
        facts.append(f"called {len(calls)} times")
    return "  ".join(facts)
