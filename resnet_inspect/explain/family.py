"""The ResNets side by side, and what each has that the one it comes from hasn't: all of it told by their graphs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..analysis.forms import channels_of
from ..analysis.residual import Block
from ..ir import Summary
from ..units import percent
from .explanation import Explanation, Section, Table
from .known import Known, same
from .stages import chain
from .versions import network_version

_COLUMNS = (
    ("model", "Model", False),
    ("version", "Version", False),
    ("depth", "Depth", True),
    ("blocks", "Blocks", False),
    ("form", "Block", False),
    ("width", "Width", True),
    ("groups", "Groups", True),
    ("params", "Params", True),
    ("macs", "MACs", True),
)


@dataclass(frozen=True, slots=True)
class _Profile:
    """What tells one member of the family from another. ``width`` is that of the first block's inner convolution."""

    model: str
    version: str | None
    depth: int
    blocks: tuple[int, ...]
    form: str
    width: int
    groups: int
    strided: str
    biases: bool
    counts_statistics: bool
    params: int
    macs: int


def explain_family(name: str, summaries: Sequence[Summary]) -> Explanation:
    """A table of the networks, and a sentence for each difference from the most alike before it."""
    found = [_profile(Known(summary)) for summary in summaries]
    rows = tuple(
        {
            **{key: getattr(each, key) for key, _, _ in _COLUMNS},
            "version": each.version or "v1 = v1.5",
            "blocks": "-".join(map(str, each.blocks)),
        }
        for each in found
    )
    sentences = []
    for place, each in enumerate(found):
        if place:
            base = min(found[:place], key=lambda other: _distance(other, each))
            sentences.append(_sentence(base, each))
    sections = (
        Section("The family", table=Table(_COLUMNS, rows)),
        Section("What differs", sentences=tuple(sentences)),
    )
    return Explanation("family", f"The {name} family", sections)


def _profile(known: Known) -> _Profile:
    blocks = chain(known)
    groups = [list(group) for _, group in groupby(blocks, key=lambda block: block.channels[1])]
    inner = [next((x for x in known.trunk(b) if (same(x.attribute("kernel_size")) or 1) > 1), None) for b in blocks]
    first = next(layer for layer in inner if layer is not None)
    totals = known.summary.totals
    return _Profile(
        model=known.summary.model.name,
        version=network_version(known),
        depth=known.paths.longest,
        blocks=tuple(map(len, groups)),
        form="bottleneck" if len(known.trunk(blocks[0])) == 3 else blocks[0].form,
        width=channels_of(first),
        groups=same(first.attribute("groups")) or 1,
        strided=_strided(groups),
        biases=bool(first.attribute("bias")),
        counts_statistics=any(p.role == "statistics" and p.counted for x in known.summary.layers for p in x.parameters),
        params=totals.params,
        macs=totals.macs,
    )


def _strided(groups: list[list[Block]]) -> str:
    """Which block of a stage makes the image smaller: the first one, as in the paper, the last one, or another."""
    strided = [(group.index(block), len(group)) for group in groups for block in group if (block.stride or 1) > 1]
    if all(place == 0 for place, _ in strided):
        return "first"
    return "last" if all(place == size - 1 for place, size in strided) else "other"


def _distance(old: _Profile, new: _Profile) -> tuple[int, int]:
    return len(list(_differences(old, new))), abs(new.params - old.params)


def _differences(old: _Profile, new: _Profile) -> Iterator[str]:
    if old.form != new.form:
        yield f"{new.form} blocks instead of {old.form} ones"
    if old.blocks != new.blocks:
        yield f"{sum(new.blocks)} blocks ({'-'.join(map(str, new.blocks))}) instead of {sum(old.blocks)}"
    if old.groups != new.groups:
        yield f"{new.groups} groups in its 3x3 convolutions instead of {old.groups}"
    if old.width != new.width:
        times = f"{new.width / old.width:g} times as wide"
        yield f"inner convolutions {times} ({old.width} -> {new.width} channels at first)"
    if old.version != new.version and None not in (old.version, new.version):
        where = {"v1": "its stride in the first 1x1 convolution", "v1.5": "its stride in the 3x3 convolution"}
        yield where.get(new.version or "", "norm and activation before each convolution") + f" ({new.version})"
    if new.strided != old.strided:
        yield f"its image made smaller by the {new.strided} block of a stage instead of the {old.strided}"
    if new.biases != old.biases:
        yield f"{'a' if new.biases else 'no'} bias in the convolutions before its norms"
    if new.counts_statistics != old.counts_statistics:
        yield f"moving statistics {'' if new.counts_statistics else 'not '}counted as parameters"


def _sentence(base: _Profile, new: _Profile) -> str:
    what = ", ".join(_differences(base, new)) or "the same blocks"
    return (
        f"{new.model} is {base.model} with {what}: depth {base.depth} -> {new.depth}, "
        f"{percent(base.params, new.params)} parameters, {percent(base.macs, new.macs)} MACs."
    )
