"""The containment tree, as ``print(model)`` shows it, with shapes and counts beside it."""

from __future__ import annotations

from .. import units
from ..analysis.rows import rows
from ..ir import UNKNOWN, Layer, Summary
from ..shape import format_shape
from . import View
from .columns import value_text
from .rails import above, gutter
from .totals import totals
from .width import padded, width


def render(summary: Summary, view: View) -> str:
    """One module a line, indented by its depth, functional layers among them; totals below.

    With rails, every call has a line, in the order of execution.
    """
    found = _calls(summary, view) if view.rails else _modules(summary, view)
    room = max((width(left) for left, _ in found), default=0)
    lines = [f"{padded(left, room)}  {right}".rstrip() for left, right in found]
    lines += ["", *(f"{label}: {value}" for label, value in totals(summary, view))]
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
        found.append((left, _facts(layers[-1:], [row.params, row.macs], False)))
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
    for path, calls in layers.items():
        for prefix in _prefixes(path):
            counts = totals_of.setdefault(prefix, [0, 0])
            counts[0] += sum(layer.params for layer in calls)
            counts[1] += sum(layer.macs or 0 for layer in calls)
    children: dict[str, list[str]] = {}
    for path in kinds:
        if path:
            children.setdefault(path.rpartition(".")[0], []).append(path)
    found: list[tuple[str, str]] = []
    stack = [("", 0)]
    while stack:
        path, depth = stack.pop()
        name = f"({path.rpartition('.')[2]}): " if path else ""
        left = "  " * depth + name + kinds.get(path, "") + _arguments(layers.get(path, []))
        if path in totals_of or not view.only:
            found.append((left, _facts(layers.get(path, []), totals_of.get(path), path in children)))
        if view.depth is None or depth < view.depth:
            stack += [(child, depth + 1) for child in reversed(children.get(path, []))]
    return found


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
