"""Residual blocks, found from the edges alone: additions whose paths part at one layer and meet again.

One path does the work, the branch; the other is the shortcut: the identity, a projection, or little else (He et al.
2015, section 3.2; 2016, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from ..errors import ModelError
from ..ir import Layer, Summary
from .forms import behind, breaks, channels_of, form, is_weighted, shortcut_kind, weighted_depth
from .graph import Dominators, data_inputs


@dataclass(frozen=True, slots=True)
class Block:
    """A residual block. ``fork`` and ``join`` are the ids of the layer where the paths part and of the addition.

    ``branch`` and ``shortcut`` are the ids of the layers on each path; ``kind`` is the shortcut's: ``identity``,
    ``projection`` or ``other``. ``channels`` go in and out. ``skipped`` counts the weighted layers that a step along
    the shortcut leaves out. ``breaks`` says what keeps the block from passing its input on as it is.
    """

    path: str
    form: str
    kind: str
    fork: str
    join: str
    branch: tuple[str, ...]
    shortcut: tuple[str, ...]
    stride: int | None
    channels: tuple[int, int]
    params: int
    macs: int | None
    skipped: int
    breaks: tuple[str, ...]


def residual_blocks(summary: Summary) -> tuple[Block, ...]:
    """The blocks in execution order; one may stand inside the branch of another.

    Each input is followed by itself: a mask, a step of time or an encoder's output that enters a branch from another
    input takes nothing from the shortcut around it.
    """
    by_id = {layer.id: layer for layer in summary.layers}
    found: dict[str, _Parts] = {}
    effort = _Effort()
    for layer in summary.layers:
        if layer.op == "input":
            effort.spend(8 * len(summary.layers))  # dominators are more work than a look
            found = _joins(by_id, data_inputs(summary.layers, layer.id), effort) | found
    readers: dict[str, list[Layer]] = {}
    for name, sources in data_inputs(summary.layers).items():
        for source in sources:
            readers.setdefault(source, []).append(by_id[name])
    forks, joins = {fork.id for fork, *_ in found.values()}, set(found)
    return tuple(
        _block(join, *found[join.id], [layer for layer in readers.get(join.id, ()) if behind(layer, forks)], joins)
        for join in summary.layers
        if join.id in found
    )


def branch_ends(blocks: Iterable[Block]) -> set[tuple[str, str]]:
    """The edges (layer, addition) that end the branches of blocks; a branch has a weighted layer, so it has an end."""
    return {(block.branch[-1], block.join) for block in blocks}


#: Layers that the search looks at, some seconds' worth: residual networks of a thousand blocks take thousands.
_MOST_STEPS = 5_000_000
#: Fork, branch, shortcut and the shortcut's kind.
_Parts = tuple[Layer, list[Layer], list[Layer], str]


class _Effort:
    """How many layers the search may still look at: skips within skips make it quadratic, which no real network is."""

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ModelError("its skip connections are nested too deeply to search for residual blocks")


def _joins(by_id: dict[str, Layer], inputs: dict[str, tuple[str, ...]], effort: _Effort) -> dict[str, _Parts]:
    """The additions where two paths meet again."""
    dominators = Dominators(inputs)
    found = {}
    for name, sources in inputs.items():
        fork = dominators.of(name) if is_addition(by_id[name]) and len(sources) == 2 else None
        if fork is None or not _is_even(by_id[name]):
            continue
        sides = [[by_id[item] for item in _side(source, fork, inputs, effort)] for source in sources]
        parts = _parts(sides)
        if parts is not None:
            found[name] = (by_id[fork], *parts)
    return found


def _is_even(join: Layer) -> bool:
    """Whether what is added has one shape: a vector spread over an image conditions it, and is not a path of it."""
    shapes = {tensor.shape for tensor in (*join.input_tensors, *join.output_tensors)}
    return len(shapes) == 1 and bool(join.output_tensors)


def is_addition(layer: Layer) -> bool:
    """Whether a layer adds its inputs; Keras' layer that scales one of them is known by its name."""
    return layer.op == "add" or (layer.op == "other" and layer.type == "CustomScaleLayer")


def _side(end: str, fork: str, inputs: dict[str, tuple[str, ...]], effort: _Effort) -> list[str]:
    """The layers from behind ``fork`` to ``end``, what a layer reads before the layer: ``end`` is the last one."""
    found: dict[str, None] = {}
    waiting = [(end, False)]
    while waiting:
        effort.spend(1)
        name, done = waiting.pop()
        if done:
            found[name] = None
        elif name != fork and name not in found:
            waiting.append((name, True))
            waiting += [(source, False) for source in reversed(inputs[name])]
    return list(found)


def _parts(sides: list[list[Layer]]) -> tuple[list[Layer], list[Layer], str] | None:
    """Branch, shortcut and the shortcut's kind; None if the two sides are no such thing."""
    work = [(sum(map(is_weighted, side)), len(side)) for side in sides]
    shortcut, branch = sides if work[0] < work[1] else sides[::-1]
    kind = shortcut_kind(shortcut)
    if kind is None or not any(map(is_weighted, branch)) or {x.id for x in shortcut} & {x.id for x in branch}:
        return None
    return branch, shortcut, kind


def _block(
    join: Layer, fork: Layer, branch: list[Layer], shortcut: list[Layer], kind: str, after: list[Layer], joins: set[str]
) -> Block:
    members = [*branch, *shortcut, join]
    channels = channels_of(fork), channels_of(join)
    # Around other blocks it is a skip of the whole network, as in a feature pyramid.
    outer = any(layer.id in joins for layer in branch)
    return Block(
        path=common_path([layer.path for layer in members]) or join.path,
        form="other" if outer else form(branch, channels, after),
        kind=kind,
        fork=fork.id,
        join=join.id,
        branch=tuple(layer.id for layer in branch),
        shortcut=tuple(layer.id for layer in shortcut),
        stride=_stride(fork, join),
        channels=channels,
        params=sum(layer.params for layer in members),
        macs=None if any(layer.macs is None for layer in members) else sum(layer.macs or 0 for layer in members),
        skipped=_longest(branch) - _longest(shortcut),
        breaks=breaks(shortcut, kind, after),
    )


def _longest(side: Sequence[Layer]) -> int:
    """Weighted layers on the longest path through one side."""
    longest: dict[str, int] = {}
    for layer in side:
        longest[layer.id] = weighted_depth(layer) + max((longest.get(source, 0) for source in layer.inputs), default=0)
    return max(longest.values(), default=0)


def common_path(paths: Iterable[str]) -> str:
    """The module around all paths; without modules, as in Keras, what their names begin with: ``conv2_block1``."""
    parts = [path.split(".") for path in paths]
    if modules := _shared([item[:-1] for item in parts]):
        return ".".join(modules)
    return "".join(_shared([item[0] for item in parts])).rpartition("_")[0]


def _shared(sequences: Sequence[Sequence[str]]) -> list[str]:
    """What all begin with."""
    together = zip(*sequences, strict=False)
    return [items[0] for items in takewhile(lambda items: len(set(items)) == 1, together)]


def _stride(fork: Layer, join: Layer) -> int | None:
    """How much smaller the image gets, along the dimension that shrinks most; None where there is no image."""
    if not (fork.output_tensors and join.output_tensors):
        return None
    sizes = fork.output_tensors[0].spatial, join.output_tensors[0].spatial
    steps = [-(-before // after) for before, after in zip(*sizes, strict=False) if after]
    return max(steps, default=None)
