"""The stages of a network: residual blocks in a row that give the same number of channels, and what stands around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import prod

from ..analysis.residual import Block, common_path
from ..ir import Layer
from .known import Known, image


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers in a row. ``blocks`` are its residual blocks; none of what comes before the first or after the last."""

    name: str
    layers: tuple[Layer, ...]
    blocks: tuple[Block, ...] = ()

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
        return self.layers[-1]


def chain(known: Known) -> list[Block]:
    """The blocks that follow one another: each begins where, or behind where, the one before it ends."""
    found: list[Block] = []
    end = -1
    for block in sorted(known.blocks, key=lambda each: (known.places[each.fork], -known.places[each.join])):
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
    starts = [known.places[group[0].fork] + 1 for group in groups]
    end = known.places[blocks[-1].join] + 1
    found = []
    for group, start, stop in zip(groups, starts, [*starts[1:], end], strict=True):
        name = common_path([block.path for block in group]) if len(group) > 1 else ""
        name = name or group[0].path
        found.append(Stage(name, layers[start:stop], tuple(group)))
    before, after = layers[: starts[0]], layers[end:]
    return (
        *([Stage("before the blocks", before)] if before else []),
        *found,
        *([Stage("after the blocks", after)] if after else []),
    )


def _by_module(layers: Sequence[Layer]) -> tuple[Stage, ...]:
    groups = groupby(layers, key=lambda layer: layer.path.partition(".")[0])
    return tuple(Stage(name, tuple(group)) for name, group in groups)


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
        middle = f"{each[0]}*({'+'.join(str(count) for count, _ in counts)})"
    else:
        middle = "(" + "+".join(f"{count}*{depth}" for count, depth in counts) + ")"
    return f"{before} + {middle} + {after} = {total}"


def positions(stage: Stage) -> int | None:
    """How many positions its last image has; None where it gives no image."""
    tensors = stage.output.output_tensors
    sizes = image(tensors[0]) if tensors else ""
    return prod(int(size) for size in sizes.split("x")) if sizes else None
