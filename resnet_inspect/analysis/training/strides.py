"""In which order the elements of a result lie in memory: what can't be seen in a new shape is copied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...ir import Layer, Shape

Strides = tuple[int, ...]


#: A network has few shapes, and many layers of each.
_remembered = lru_cache(maxsize=1024)


@_remembered
def contiguous(shape: Shape) -> Strides:
    """Strides of a tensor whose last dimension is the innermost."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def viewed(shape: Shape, strides: Strides, new: Shape) -> Strides | None:
    """Strides of the same memory in a new shape; None if that needs a copy (torch's ``computeStride``)."""
    if 0 in shape:
        return contiguous(new)
    result = [0] * len(new)
    place = len(new) - 1
    step = strides[-1] if strides else 1
    held = filled = 1
    for dim in reversed(range(len(shape))):
        held *= shape[dim]
        if dim == 0 or (shape[dim - 1] != 1 and strides[dim - 1] != held * step):
            while place >= 0 and (filled < held or new[place] == 1):
                result[place] = filled * step
                filled *= new[place]
                place -= 1
            if filled != held:
                return None
            if dim > 0:
                step, held, filled = strides[dim - 1], 1, 1
    return None if place >= 0 else tuple(result)


@_remembered
def dense(shape: Shape, strides: Strides) -> Strides:
    """Strides without gaps in the same order of dimensions: what an operation by element gives."""
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    result = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        result[dim] = step
        step *= max(shape[dim], 1)
    return tuple(result)


def by_position(shape: Shape) -> Strides:
    """Strides of (batch, heads, positions, width) in memory that has the heads of a position side by side.

    So does torch's memory-efficient kernel give what it computes.
    """
    batch, heads, positions, width = shape
    a, b, c, d = contiguous((batch, positions, heads, width))
    return a, c, b, d


def permuted(layer: Layer, strides: Strides) -> Strides:
    """Strides of a transposed tensor; those of a contiguous one where the layer doesn't say which way it was turned."""
    shape = layer.output_tensors[0].shape
    rank = len(strides)
    plain = [value for name, value in layer.attributes if name.startswith("argument")]
    swapped = [value for name, value in layer.attributes if name in ("dim0", "dim1")] or plain
    order: Sequence[object] = swapped if len(swapped) == rank else ()
    dims = layer.attribute("dims") or layer.attribute("perm")
    if isinstance(dims, tuple):
        order = dims
    elif len(swapped) == 2 and all(isinstance(value, int) for value in swapped) and (rank != 2 or not plain):
        first, second = (int(value) % rank for value in swapped if isinstance(value, int))
        turned = list(range(rank))
        turned[first], turned[second] = second, first
        order = turned
    found = [value % rank for value in order if isinstance(value, int)]
    if sorted(found) != list(range(rank)):
        return contiguous(shape)
    return tuple(strides[dim] for dim in found)


def sliced(layer: Layer, shape: Shape, strides: Strides) -> Strides:
    """Strides of a part of a tensor; those of a contiguous one where the layer doesn't say which part."""
    result = layer.output_tensors[0].shape
    text = layer.attribute("index")
    if not isinstance(text, str):
        return strides if len(result) == len(strides) else contiguous(result)
    parts = [part.strip() for part in text.split(",")]
    taken = sum(part not in ("...", "None") for part in parts)
    if "..." not in parts:
        parts.append("...")
    found: list[int] = []
    dim = 0
    for part in parts:
        if part == "...":
            count = len(shape) - taken
            found += strides[dim : dim + count]
            dim += count
        elif part == "None":
            found.append(0)
        elif dim >= len(shape):
            return contiguous(result)
        else:
            if ":" in part:
                jump = part.split(":")[2:]
                found.append(strides[dim] * (int(jump[0]) if jump and jump[0].lstrip("-").isdigit() else 1))
            elif not part.lstrip("-").isdigit():
                return contiguous(result)
            dim += 1
    return tuple(found) if len(found) == len(result) else contiguous(result)
