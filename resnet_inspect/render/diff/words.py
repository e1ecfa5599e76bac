"""What changed, in words; formats only lay them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ... import units
from ...analysis.metrics import TOTALS, total
from ...diffs import Cause, Change, Diff, LayerDiff, Renaming
from ...diffs.frameworks import folded_norms
from ...diffs.names import masked, prefixes_of, renaming_key, renamings
from ...ir import Value
from ...shape import format_shape
from ..columns import value_text

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">", "renamed": ">", "same": " "}
#: What the totals that comparisons list are called, and how an amount is worded.
_TOTALS: dict[str, tuple[str, Callable[[int | None], str]]] = {
    **{found.name: (found.label, found.word) for found in map(total, TOTALS) if found.name},
    "layers": ("Layers", units.exact),
    "uncounted": ("Layers not counted", units.exact),
}
NO_DIFFERENCE = "No difference"
_TITLES = {"params": "parameters", "macs": "MACs"}
_SHORT = {"input_shapes": "input", "output_shapes": "output", "shared": "shares"}
_SHAPES = ("input", "input_shapes", "output_shapes")
#: From how many layers on the same change is one line.
_MANY = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: a sign, the layer or layers, their type, and what there is to say."""

    sign: str
    layer: str
    type: str
    words: tuple[str, ...]


def _folded_norms(diff: Diff) -> frozenset[str]:
    """The norms that an exporter has folded: of two models that run, nobody has, and they are gone."""
    read = "graph" in (diff.old.trace.method, diff.new.trace.method)
    return folded_norms(diff.layers) if read else frozenset()


def headlines(diff: Diff, title: str = "") -> list[str]:
    """What is compared, by a ``title`` or the models' names, and what explains most of the difference."""
    lines = [title or f"{diff.old.model.title} → {diff.new.model.title}"]
    if not diff.old.has_graph and not diff.new.has_graph:
        lines.append("Compared by their tensors alone: the layers of both aren't known")
    if not diff.kinds:
        return [*lines, NO_DIFFERENCE]
    for name_of_total in ("params", "macs"):
        found = [cause_words(cause) for cause in diff.causes if cause.total == name_of_total]
        lines += found[:1]
    if diff.reconciled:
        whole = sum(diff.reconciled.values())
        parts = [f"{units.signed(amount, units.exact)} {kind}" for kind, amount in diff.reconciled.items()]
        lines.append(f"{units.signed(whole, units.exact)} parameters: {', '.join(parts)}")
    elif diff.reconciled is not None:
        lines.append("The parameters are equal")
    if folded := len(_folded_norms(diff)):
        norms = f"{folded} batch norm{'s' * (folded > 1)}"
        side = (
            "" if any(layer.new is None and layer.layer.op == "batch_norm" for layer in diff.layers) else " in the old"
        )
        lines.append(f"{norms} folded into the convolutions before{side}, by their shapes")
    lines += [f"{change.field} {_values(change)}" for change in diff.whole]
    return lines


def cause_words(cause: Cause) -> str:
    """``+2.36 M parameters: layer3 width 256 → 320, 6 layers``."""
    layers = f", {cause.layers} layers" if cause.layers > 1 else ""
    if cause.followers:
        follow = "1 layer" if cause.followers == 1 else f"{cause.followers} layers"
        layers += f", and {follow} after {'it' if cause.layers == 1 else 'them'}"
    what = cause.what
    if what not in ("added", "removed"):
        what = _said(Change(what, cause.old, cause.new, "shapes" if what in _SHAPES else "config"))
    share = "" if cause.amount == cause.difference else f" ({_share(cause)} of the difference)"
    return f"{units.signed(cause.amount, units.si)} {_TITLES[cause.total]}: {cause.place} {what}{layers}{share}"


def _share(cause: Cause) -> str:
    return f"{100 * cause.amount / cause.difference:.0f} %"


def totals(diff: Diff, everything: bool) -> list[tuple[str, str, str, str, str]]:
    """Label, old, new, difference, percent; only what differs, unless ``everything`` is wanted."""
    rows = []
    for each in diff.totals:
        if each.old == each.new and not everything:
            continue
        label, word = _TOTALS[each.name]
        difference = units.signed(each.difference, word)
        rows.append((label, word(each.old), word(each.new), difference, units.percent(each.old, each.new)))
    return rows


def renaming_words(renaming: Renaming) -> str:
    """``encoder → backbone, 24 layers``."""
    old, new = renaming.old or "(nothing)", renaming.new or "(nothing)"
    return f"{old} → {new}" + (f", {renaming.layers} layers" if renaming.layers > 1 else "")


def lines(diff: Diff, everything: bool) -> list[Line]:
    """The layers that differ, the same change to many of them in one line; or every layer by itself."""
    if everything:
        return [_line([layer]) for layer in diff.layers]
    groups: dict[object, list[LayerDiff]] = {}
    folded = _folded_norms(diff)
    for index, layer in enumerate(diff.layers):
        if None in (layer.old, layer.new) and layer.layer.id in folded:
            groups.setdefault("folded", []).append(layer)
        elif layer.status not in ("same", "renamed"):
            groups.setdefault(_group(layer, index), []).append(layer)
    rows = [Line(SIGNS["renamed"], renaming_words(renaming), "", ("renamed",)) for renaming in diff.renamings]
    for key, group in groups.items():
        if key == "folded":
            rows.append(_folded(group))
        else:
            rows += [_line(group)] if len(group) >= _MANY else [_line([layer]) for layer in group]
    return rows


def grouped(diff: Diff, marks: Sequence[str]) -> list[tuple[Line, list[int]]]:
    """The layers that differ, by their places, the same change to many of them with one line.

    ``marks`` has a word for each layer: those that are ``same`` are left out, and a group has one mark.
    """
    groups: dict[tuple[str, object], list[int]] = {}
    folded = _folded_norms(diff)
    for at, (layer, mark) in enumerate(zip(diff.layers, marks, strict=True)):
        key: object = _group(layer, at)
        if None in (layer.old, layer.new) and layer.layer.id in folded:
            key = "folded"
        elif mark == "renamed" and layer.old and layer.new:
            key = renaming_key(*prefixes_of(layer.old.path, layer.new.path))
        if mark != "same":
            groups.setdefault((mark, key), []).append(at)
    found: list[tuple[Line, list[int]]] = []
    for (mark, key), places in groups.items():
        members = [diff.layers[at] for at in places]
        if key == "folded":
            found.append((_folded(members), places))
        elif len(places) < _MANY:
            found += [(_line([diff.layers[at]]), [at]) for at in places]
        elif mark == "renamed":
            paths = [(layer.old.path, layer.new.path) for layer in members if layer.old and layer.new]
            found.append((Line(SIGNS[mark], renaming_words(renamings(paths)[0]), "", ("renamed",)), places))
        else:
            found.append((_line(members), places))
    return sorted(found, key=lambda group: group[1][0])


def _folded(norms: Sequence[LayerDiff]) -> Line:
    first, last = norms[0].layer, norms[-1].layer
    names = first.id if len(norms) == 1 else f"{len(norms)} layers: {first.id} … {last.id}"
    words = "folded into the layer before" if norms[0].new is None else "folded into the layer before in the old"
    return Line(SIGNS[norms[0].status], names, first.type, (words, *_presence_words(norms)))


def _group(layer: LayerDiff, index: int) -> object:
    """What says the same of several layers: the module that came or went with them, or the same settings."""
    if layer.status in ("added", "removed"):
        return layer.status, masked(layer.module)
    # What is said of connections is about this layer alone.
    if layer.moved or any(change.kind == "edges" for change in layer.changes):
        return index
    return tuple(_config_words(layer))


def _line(layers: Sequence[LayerDiff]) -> Line:
    first = layers[0]
    sign = SIGNS[first.status]
    if len(layers) > 1:
        types = list(dict.fromkeys(layer.layer.type for layer in layers))
        if first.status in ("added", "removed"):
            last = layers[-1].module
            names = first.module if first.module == last else f"{first.module}…{last}"
            return Line(sign, names, "", (f"{len(layers)} layers", *_presence_words(layers)))
        names = f"{len(layers)} layers: {first.layer.id} … {layers[-1].layer.id}"
        return Line(sign, names, types[0] if len(types) == 1 else "", tuple(_group_words(layers)))
    words: list[str] = []
    if first.renamed and first.old and first.new:
        words.append(f"was {first.old.id}")
    if first.moved and first.old and first.new:
        words.append(f"moved: reads {_names(first.new.inputs)}, was {_names(first.old.inputs)}")
    if first.status in ("added", "removed"):
        words += [", ".join(format_shape(t.shape) for t in first.layer.output_tensors), *_presence_words(layers)]
    words += [*_config_words(first), *_consequence_words(first)]
    return Line(sign, first.layer.id, first.layer.type, tuple(word for word in words if word))


def _presence_words(layers: Sequence[LayerDiff]) -> list[str]:
    """What layers that were added or removed bring or take."""
    word = "added" if layers[0].new else "removed"
    skips = [layer.skip for layer in layers if layer.skip]
    params = sum(layer.layer.params for layer in layers)
    macs = sum(layer.layer.macs or 0 for layer in layers)
    words = []
    if skips:
        words.append(
            f"skip connection from {skips[0]} {word}" if len(skips) == 1 else f"{len(skips)} skip connections {word}"
        )
    if params:
        words.append(f"{units.exact(params)} params")
    if macs:
        words.append(f"{units.si(macs)} MACs")
    return words


def _config_words(layer: LayerDiff) -> list[str]:
    return [_said(change) for change in layer.changes if change.kind in ("config", "edges")]


def _consequence_words(layer: LayerDiff) -> list[str]:
    return [_said(change) for change in layer.changes if change.kind not in ("config", "edges")]


def _group_words(layers: Sequence[LayerDiff]) -> list[str]:
    """What many layers have in common, and what the rest of their changes sums to."""
    words = _config_words(layers[0])
    if any(change.kind == "shapes" for layer in layers for change in layer.changes):
        words.append("shapes")
    for field, word in (("params", units.exact), ("statistics", units.exact), ("macs", units.si)):
        found = [change for layer in layers for change in layer.changes if change.field == field]
        amounts = [int(c.new) - int(c.old) for c in found if isinstance(c.new, int) and isinstance(c.old, int)]
        if found:
            words.append(f"{field} {units.signed(sum(amounts), word)} in all")
    return words


def _said(change: Change) -> str:
    return change.words or f"{_SHORT.get(change.field, change.field)} {_values(change)}"


def _values(change: Change) -> str:
    if change.kind == "shapes":
        return _pair(_shapes(change.old), _shapes(change.new))
    if change.kind in ("params", "macs") and not isinstance(change.old, tuple):
        before, after = (units.exact(v if isinstance(v, int) else None) for v in (change.old, change.new))
        return _pair(before, after)
    if change.field == "weights":
        return _pair(*(_tensors(side, beside) for side, beside in ((change.old, change.new), (change.new, change.old))))
    if change.field.endswith("dtype"):
        return _pair(*(", ".join(map(str, v)) if isinstance(v, tuple) else v for v in (change.old, change.new)))
    return _pair(change.old, change.new)


def _tensors(weights: Value, others: Value) -> str:
    """Names and shapes of those weights that aren't among the ``others``: ``weight 4x8``."""
    assert isinstance(weights, tuple)
    assert isinstance(others, tuple)
    found = [weight for weight in weights if weight not in others]
    words = [" ".join(value_text(part) or "scalar" for part in weight) for weight in found if isinstance(weight, tuple)]
    return ", ".join(words) or "nothing"


def _shapes(shapes: Value) -> str:
    assert isinstance(shapes, tuple)
    return ", ".join(value_text(shape) for shape in shapes)


def _pair(old: Value, new: Value) -> str:
    before, after = ("nothing" if side == () else value_text(side) for side in (old, new))
    if before == after:  # equal but for digits or quotes that people are spared otherwise
        before, after = repr(old), repr(new)
    return f"{before} → {after}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
