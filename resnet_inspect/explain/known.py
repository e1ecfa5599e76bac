"""What explanations ask of one network, each worked out once."""

from __future__ import annotations

from functools import cached_property
from math import prod

from ..analysis.forms import is_weighted, weighted_depth
from ..analysis.graph import data_inputs
from ..analysis.paths import Paths, paths
from ..analysis.receptive import Field, receptive_fields
from ..analysis.residual import Block, branch_ends, residual_blocks
from ..ir import Layer, Summary, Tensor
from ..ops import vocabulary


class Known:
    """A network and the results of its analyses."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.by_id = {layer.id: layer for layer in summary.layers}

    @cached_property
    def readers(self) -> dict[str, list[Layer]]:
        """Layer -> the layers that read it, each once."""
        found: dict[str, list[Layer]] = {}
        for layer in self.summary.layers:
            for source in dict.fromkeys(layer.inputs):
                found.setdefault(source, []).append(layer)
        return found

    @cached_property
    def fields(self) -> dict[str, Field | None]:
        """The receptive field of every layer."""
        return receptive_fields(self.summary)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The residual blocks."""
        return residual_blocks(self.summary)

    @cached_property
    def paths(self) -> Paths:
        """Depth and number of paths."""
        return paths(self.summary, branch_ends(self.blocks))

    @cached_property
    def depths(self) -> dict[str, int]:
        """Weighted layers on the longest path from an input to each layer, with that layer."""
        found: dict[str, int] = {}
        for name, sources in data_inputs(self.summary.layers).items():
            found[name] = weighted_depth(self.by_id[name]) + max((found[source] for source in sources), default=0)
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """Layer -> its place in the order of execution."""
        return {layer.id: place for place, layer in enumerate(self.summary.layers)}

    @cached_property
    def unread(self) -> tuple[Layer, ...]:
        """The layers that computed something which no other layer reads."""
        return tuple(layer for layer in self.summary.layers if layer.called and layer.id not in self.readers)

    @cached_property
    def shared(self) -> frozenset[str]:
        """Names of the parameters that more than one layer uses."""
        return frozenset(name for layer in self.summary.layers for name in layer.shared)

    def normed_by(self, layer: Layer) -> Layer | None:
        """The batch norm that takes every constant in a channel away; None where anything else uses layer or weights.

        A norm of other channels than those of the layer's bias doesn't: torch's norms the second dimension, a dense
        layer's bias belongs to the last.
        """
        readers, made = self.readers.get(layer.id, []), layer.output_tensors
        if len(readers) != 1 or readers[0].op != "batch_norm" or len(made) != 1:
            return None
        if layer.shared or any(p.name in self.shared for p in layer.parameters):
            return None
        (norm,), rank = readers, len(made[0].shape)
        by_last = rank == 2 or norm.attribute("axis") in (-1, rank - 1)
        return norm if by_last or vocabulary.of(layer.op).family == "convolution" else None

    def trunk(self, block: Block) -> list[Layer]:
        """The weighted layers on a block's branch that work on whole images: without squeeze and excitation."""
        branch = [self.by_id[name] for name in block.branch]
        return [layer for layer in branch if is_weighted(layer) and layer.output_tensors and not _is_pixel(layer)]


def _is_pixel(layer: Layer) -> bool:
    made = image(layer.output_tensors[0])
    return made != "" and set(made.split("x")) == {"1"}


def image(tensor: Tensor) -> str:
    """The spatial sizes of an image: ``56x56``; empty of what is none."""
    return "x".join(map(str, tensor.spatial))


def pixels(sizes: str) -> int:
    """Positions of an image of these sizes; 0 of what is no image."""
    return prod(int(size) for size in sizes.split("x")) if sizes else 0


def same(value: object) -> int | None:
    """The number that a setting is along every dimension; None where it is none, or differs."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return value if isinstance(value, int) and not isinstance(value, bool) else None
