"""The stages of a network: residual blocks in a row that give the same number of channels, and what stands around."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from ..analysis.forms import is_weighted
from ..analysis.residual import Block, common_path
from ..ir import Layer
from .known import Known, image, pixels

_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers in a row. ``blocks`` are its residual blocks; none of what comes before the first or after the last."""

    name: str
    layers: tuple[Layer, ...]
    blocks: tuple[Block, ...] = ()

    @property
    def words(self) -> str:
        """What a sentence calls it."""
        return f"The part {self.name} the blocks" if self.name in (_BEFORE, _AFTER) else self.name

    @property
    def params(self) -> int:
        """Parameters as the framework counts them."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int | None:
        """Multiply-adds; None if one of them isn't known."""
        known = [layer.macs for layer in self.layers]
        return None if None in known else sum(macs or 0 for macs in known)

    @property
    def output(self) -> Layer:
        """The layer that gives what the next stage reads."""
        return next((layer for layer in reversed(self.layers) if layer.output_tensors), self.layers[-1])


def chain(known: Known) -> list[Block]:
    """The blocks that follow one another: each begins where, or behind where, the one before it ends.

    Of blocks within blocks these are the inner ones: a skip around half of the network says nothing of its stages.
    """
    found: list[Block] = []
    end = -1
    for block in sorted(known.blocks, key=lambda each: known.places[each.join]):
        if known.places[block.fork] >= end:
            found.append(block)
            end = known.places[block.join]
    return found


def stages(known: Known) -> tuple[Stage, ...]:
    """All layers in order: those before the blocks, each stage, those after. Without blocks, by outermost module."""
    layers = known.summary.layers
    blocks = chain(known)
    if not blocks:
        return _by_module(layers)
    groups = [list(group) for _, group in groupby(blocks, key=lambda block: block.channels[1])]
    paths = sorted(f"{block.path}." for block in blocks)
    found: list[Stage] = []
    at = 0
    for group in groups:
        start, end = known.places[group[0].fork] + 1, known.places[group[-1].join] + 1
        between = layers[at:start]
        if found and not any(map(_counts, between)):
            # An activation behind the last addition is the last layer of the stage before.
            found[-1] = replace(found[-1], layers=(*found[-1].layers, *between))
        elif found and not any(map(is_weighted, between)):
            start = at  # a norm with its activation in front of the next block, as in ResNet v2
        elif between:
            found.append(Stage(_between(between) if found else _BEFORE, between))
        found.append(Stage(_name(group, paths), layers[start:end], tuple(group)))
        at = end
    return (*found, *([Stage(_AFTER, layers[at:])] if layers[at:] else []))


def _counts(layer: Layer) -> bool:
    """Whether a layer has parameters or MACs, or nobody knows."""
    return bool(layer.params or layer.macs or layer.macs is None)


def _name(group: list[Block], paths: list[str]) -> str:
    """The module of a stage's blocks, if it has no others; else the first and the last block.

    ``paths`` are those of all blocks, sorted, each with a point at its end.
    """
    first, last = group[0].path, group[-1].path
    if len(group) == 1:
        return first
    name = common_path([f"{block.path}." for block in group])
    inside = bisect_left(paths, f"{name}/") - bisect_left(paths, f"{name}.")  # a slash comes right behind a point
    return name if name and inside == len(group) else f"{first}…{last}"


def _between(layers: Sequence[Layer]) -> str:
    """The module of the layers between two stages; else the first of them that has a number, and the last."""
    named = [layer.path for layer in layers if _counts(layer)]
    return named[0] if len(named) == 1 else common_path(named) or f"{named[0]}…{named[-1]}"


def _by_module(layers: Sequence[Layer]) -> tuple[Stage, ...]:
    """By outermost module, without those that have neither parameters nor MACs."""
    groups = groupby(layers, key=lambda layer: layer.path.partition(".")[0])
    found = (Stage(name, tuple(group)) for name, group in groups)
    return tuple(stage for stage in found if any(map(_counts, stage.layers)))


def depth_words(known: Known) -> str | None:
    """The depth as a sum over the blocks: ``1 + 3*(3+4+6+3) + 1 = 50``; None where it isn't one.

    Weighted layers are counted along the longest path (He et al. 2015, table 1), which passes every branch.
    """
    blocks = chain(known)
    total = known.paths.longest
    if not blocks or not total:
        return None
    each = [known.depths[block.branch[-1]] - known.depths[block.fork] for block in blocks]
    before = known.depths[blocks[0].fork]
    between = [known.depths[b.fork] - known.depths[a.join] for a, b in pairwise(blocks)]
    after = total - before - sum(each)
    if any(between) or after < 0:
        return None
    counts = [
        (len(list(group)), depth)
        for (_, depth), group in groupby(zip((b.channels[1] for b in blocks), each, strict=True))
    ]
    if len(set(each)) == 1:
        whole = "+".join(str(count) for count, _ in counts)
        middle = f"{each[0]}*{f'({whole})' if len(counts) > 1 else whole}"
    else:
        middle = "(" + "+".join(f"{count}*{depth}" for count, depth in counts) + ")"
    return f"{before} + {middle} + {after} = {total}"


def positions(stage: Stage) -> int:
    """How many positions its last image has; 0 where it gives no image."""
    tensors = stage.output.output_tensors
    return pixels(image(tensors[0])) if tensors else 0
