"""What explains most of a difference in the totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from ..ir import Value
from .names import masked
from .result import Cause, LayerDiff

#: Settings that a layer's weights and work depend on, the most telling first; any other one comes after these.
_WIDTHS = ("out_channels", "out_features", "channels", "embed_dim", "normalized_shape", "in_channels", "in_features")
_TELLING = ("type", "op", "kernel_size", "groups", "stride", "dilation", "padding", "bias", *_WIDTHS)
#: Those that have to fit what a layer reads.
_FITTED = ("channels", "normalized_shape", "in_channels", "in_features")
#: How many causes are worth telling for each total.
_MOST = 3


@dataclass(frozen=True, slots=True)
class _Blame:
    """``added`` or ``removed`` with the module's path as the place, or the name of a setting with its two values."""

    what: str
    old: Value = None
    new: Value = None
    place: str = ""


@dataclass(slots=True)
class _Group:
    """What one change brings: in the layers that were changed, and in those behind them, which follow."""

    amount: int = 0
    followers: int = 0
    paths: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


def causes(layers: Sequence[LayerDiff]) -> tuple[Cause, ...]:
    """For parameters and for MACs, the changes that explain the most of the difference, the largest first.

    A layer whose own settings stayed is laid to the nearest change upstream of it: the layers behind a convolution
    that has lost its stride do more work because of the stride. It is counted, and not named.
    """
    blames = _blames(layers)
    # Modules that differ in their number only came or went together.
    shared = [replace(blame, place=masked(blame.place)) if blame and blame.place else blame for blame, _ in blames]
    found = []
    for total in ("params", "macs"):
        groups: dict[_Blame, _Group] = {}
        amounts = [_amount(layer, total) for layer in layers]
        for layer, amount, key, (blame, follows) in zip(layers, amounts, shared, blames, strict=True):
            if key is None or blame is None:
                continue
            group = groups.setdefault(key, _Group())
            group.amount += amount
            if follows:
                group.followers += amount != 0
            else:
                group.paths.append(layer.layer.path)
                group.places.append(blame.place)
        difference = sum(amounts)
        # What pulls the other way explains nothing.
        helping = [(blame, group) for blame, group in groups.items() if group.amount * difference > 0]
        helping.sort(key=lambda item: -abs(item[1].amount))
        found += [
            Cause(
                total,
                group.amount,
                difference,
                blame.what,
                blame.old,
                blame.new,
                _place(group),
                len(group.paths),
                group.followers,
            )
            for blame, group in helping[:_MOST]
        ]
    return tuple(found)


def followers(layers: Sequence[LayerDiff]) -> list[bool]:
    """For each layer, whether it differs only because a layer before it does: it fits what it reads, or costs more."""
    return [follows for _, follows in _blames(layers)]


def _amount(layer: LayerDiff, total: str) -> int:
    before, after = (0 if side is None else getattr(side, total) or 0 for side in (layer.old, layer.new))
    return int(after - before)


def _blames(layers: Sequence[LayerDiff]) -> list[tuple[_Blame | None, bool]]:
    """For each layer, what is to blame for its difference, and whether that is a change upstream of it."""
    gone = {layer.layer.id: _Blame("removed", place=layer.module) for layer in layers if layer.new is None}
    here: dict[str, _Blame] = {}
    found: list[tuple[_Blame | None, bool]] = []
    for layer in layers:
        if layer.new is None:
            found.append((gone[layer.layer.id], False))
            continue
        blame = _Blame("added", place=layer.module) if layer.old is None else _own(layer)
        follows = False
        if layer.old and layer.changes and (blame is None or _is_fitted(layer)):
            upstream = [here[source] for source in layer.new.inputs if source in here]
            upstream += [gone[source] for source in layer.old.inputs if source in gone]
            if upstream:
                blame, follows = upstream[0], True
            elif blame is None:
                # Which layers it reads says more than how large the results of these are.
                first = next((change for change in layer.changes if change.kind == "edges"), layer.changes[0])
                blame = _Blame(first.field, first.old, first.new, layer.new.path)
        if blame:
            here[layer.new.id] = blame
        found.append((blame, follows))
    return found


def _is_fitted(layer: LayerDiff) -> bool:
    """Whether a layer was only made to fit what it reads."""
    return all(change.field in _FITTED for change in layer.changes if change.kind == "config")


def _own(layer: LayerDiff) -> _Blame | None:
    """The most telling of a layer's own settings that changed."""
    if layer.layer.op == "input":
        shapes = [change for change in layer.changes if change.field == "output_shapes"]
        return _Blame("input", shapes[0].old, shapes[0].new) if shapes else None
    config = {change.field: change for change in layer.changes if change.kind == "config"}
    for name in (*_TELLING, *config):
        if name in config:
            return _Blame("width" if name in _WIDTHS else name, config[name].old, config[name].new)
    return None


def _place(group: _Group) -> str:
    """The modules to blame; or what the paths have in common, or the modules at the top that they stand in."""
    if group.places and group.places[0]:
        first, last = group.places[0], group.places[-1]
        return first if first == last else f"{first}…{last}"
    if len(set(group.paths)) == 1:
        return group.paths[0]
    parts = [path.split(".")[:-1] for path in group.paths]
    common = list(takewhile(lambda names: len(set(names)) == 1, zip(*parts, strict=False)))
    if common:
        return ".".join(names[0] for names in common)
    tops = list(dict.fromkeys(path.split(".")[0] for path in group.paths))
    return ", ".join(tops[:_MOST]) + (f" and {len(tops) - _MOST} more" if len(tops) > _MOST else "")
