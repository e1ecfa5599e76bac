"""Stages and blocks of a network without modules, by its layers' names: as Keras' own applications name theirs."""

from __future__ import annotations

import re
from dataclasses import replace

from ..ir import Layer, Summary

#: ``conv2_block1_1_conv``, ``block_3_expand``, ``block2b_se_reduce``: a stage, the block's number, the layer in it.
_BLOCK = re.compile(r"((.*?)_?(?:block_?\d+|expanded_conv(?:_\d+)?))([a-z]?)_.", re.IGNORECASE)


def with_blocks(summary: Summary) -> Summary:
    """The summary with modules around the layers whose names say a stage and a block; as it is if it has modules.

    A layer that nobody named (``add_3``) belongs to the block whose layers it follows.
    """
    if 2 * sum("." in layer.path for layer in summary.layers) > len(summary.layers):
        return summary
    blocks: dict[str, set[str]] = {}
    places: list[tuple[str, str]] = []
    place = ("", "")
    for layer in summary.layers:
        if found := _BLOCK.match(layer.path.partition(".")[0]):
            place = (found[1] if found[3] else found[2], found[1] + found[3])
            blocks.setdefault(place[0], set()).add(place[1])
        elif not _is_unnamed(layer):
            place = ("", "")
        places.append(place)
    if not blocks:
        return summary
    layers = []
    modules: dict[str, str] = {}
    for layer, (stage, block) in zip(summary.layers, places, strict=True):
        # A stage of one block is that block.
        parts = [stage, block] if stage and len(blocks[stage]) > 1 else [block]
        if block:
            modules |= {stage: "Stage"} if len(parts) > 1 else {}
            modules[".".join(parts)] = "Block"
            layer = replace(layer, path=".".join([*parts, layer.path]))
        layers.append(layer)
    return replace(summary, layers=tuple(layers), modules=(*summary.modules, *modules.items()))


def _is_unnamed(layer: Layer) -> bool:
    """Whether Keras named a layer by its class, and a number: ``re_lu_27``."""
    return re.sub(r"_\d+$", "", layer.path).replace("_", "") == layer.type.lower()
