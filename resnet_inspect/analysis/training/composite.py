"""Layers that torch makes of several operations: attention with projections, adapters, activations in many steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from ...ir import Layer, Parameter, Tensor
from ...ops import composed
from .plan import LOWER

if TYPE_CHECKING:
    from .operations import Recorder


@dataclass(slots=True, eq=False, repr=False)
class _Words:
    """Adds operations to a layer that torch makes of several."""

    recorder: Recorder
    layer: Layer

    def add(
        self,
        word: str,
        reads: tuple[int, ...],
        result: Tensor,
        weights: Iterable[Parameter] = (),
        view: bool = False,
        adapter: bool = False,
    ) -> int:
        part = replace(
            self.layer,
            type=word,
            op=word,
            inputs=(),
            input_tensors=(),
            output_tensors=(result,),
            parameters=tuple(weights),
            shared=(),
            attributes=(),
            view=view,
        )
        position = self.recorder.operation(part, reads)
        if adapter:
            made = self.recorder.made[position]
            made.trained, made.differentiated, made.keeps = part.parameters, True, made.reads
        return position


def by_element(recorder: Recorder, layer: Layer, value: int) -> int:
    """The operators by element that a layer is made of (``composed.py``)."""
    words = _Words(recorder, layer)
    whole = layer.output_tensors[0]
    line = replace(whole, shape=(*whole.shape[:-1], 1))
    made = [value]
    held = recorder.weights(layer)
    for part in composed.parts(layer):
        reads = tuple(made[read] for read in part.reads)
        weights = [p for p in held if part.weight is not None and p.name.rpartition(".")[2] == part.weight]
        result = line if part.reduces else whole
        made.append(words.add(part.word, reads, replace(result, dtype=part.dtype or result.dtype), weights))
    return made[-1]


def attention(recorder: Recorder, layer: Layer, reads: tuple[int, ...]) -> int:
    """torch's ``multi_head_attention_forward``: a projection, three views of it, attention, another projection."""
    tensor = layer.output_tensors[0]
    width = tensor.shape[-1]
    words = _Words(recorder, layer)
    kept = recorder.weights(layer)
    inner = [p for p in kept if "in_proj" in p.name or "_proj_weight" in p.name or ".bias_" in p.name]
    outer = [p for p in kept if p not in inner]
    first = reads[0]
    if layer.attribute("batch_first") is True:
        first = words.add("copy", (first,), tensor)
    query, key = layer.input_tensors[0], layer.input_tensors[-1]
    tripled = Tensor((*key.shape[:-1], 3 * width), tensor.dtype)
    projected = words.add("dense", (first,) if len(set(reads)) == 1 else reads, tripled, inner)
    made = recorder.made
    made[projected].forward = made[projected].size  # the product, before the bias is added
    apart = words.add("copy", (projected,), tripled)
    slices = tuple(words.add("slice", (apart,), tensor, view=True) for _ in range(3))
    result = words.add("attention", slices, tensor)
    heads = layer.attribute("num_heads")
    made[result].keeps_besides = 4 * prod(query.shape[:-1]) * (heads if isinstance(heads, int) else 1)
    # The flash kernel, for half precision, writes its result in the order of the query's memory, which is the one that
    # the projection reads. The memory-efficient kernel for float32 doesn't: its result is copied.
    merged = words.add("copy", (result,), tensor, view=made[result].dtype in LOWER.values())
    return words.add("dense", (merged,), tensor, outer)


def adapter(recorder: Recorder, layer: Layer, reads: tuple[int, ...], result: int) -> int:
    """A layer with an adapter: what it gives, and the product of two thin matrices (Hu et al. 2021)."""
    rank = recorder.plan.lora or 0
    read, given = layer.input_tensors[0], layer.output_tensors[0]
    words = _Words(recorder, layer)
    down = Parameter(f"{layer.path}.lora_A", (rank, read.shape[-1]), read.dtype, "trainable")
    up = Parameter(f"{layer.path}.lora_B", (given.shape[-1], rank), read.dtype, "trainable")
    thin = words.add("dense", reads[:1], Tensor((*read.shape[:-1], rank), read.dtype), [down], adapter=True)
    wide = words.add("dense", (thin,), given, [up], adapter=True)
    scaled = words.add("neg", (wide,), given)
    return words.add("add", (result, scaled), given)
