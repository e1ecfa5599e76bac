"""What an ONNX file's inputs are called with: the sizes that the file leaves open, as the request says them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from onnx import helper

from ...errors import BadRequestError, InputError
from ...shape import CHANNELS_FIRST, Expected, Resolved, format_shape, resolve
from ..graph_inputs import check_dtype, given_specs, sizes_text
from ..request import Request
from .graph import Graph
from .guard import MOST_DIMENSIONS, MOST_ELEMENTS
from .nodes import Node
from .stored import dtype_name

#: What an example has where the file leaves a size of an image open, or of anything else.
_IMAGE, _OTHER = 224, 128
#: Inputs that an example has.
_SHOWN = 8
_CHANNEL_COUNTS = (1, 3, 4)
#: What may stand between an image and its first convolution: the pixels are scaled.
_BEFORE_IMAGES = frozenset(
    ["Add", "Cast", "DequantizeLinear", "Div", "Identity", "Mul", "Pad", "QuantizeLinear", "Sub"]
)

#: Symbols of a batch, and of the steps of a sequence, which may stand first.
_BATCH, _STEPS = r"(?i)batch|^[bn]s?$", r"(?i)len|seq|step|time|token|^[lst]$"

#: What exporters write for a size without a name: two of these are two sizes.
_UNNAMED = frozenset(["", "?", "-1", "None"])
#: The sizes of an input: a number, the symbol that stands for one, or None.
_Dims = tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The types of all inputs by name, their layouts, the sizes of the file's symbols, and what to tell the user."""

    types: Mapping[str, Any]
    layouts: Mapping[str, str | None]
    bound: Mapping[str, int]
    notes: tuple[str, ...]


def resolve_inputs(graph: Graph, file: str, request: Request) -> Inputs:
    """Every input with all its sizes.

    Raises:
        InputError: a shape contradicts what the file says, or there are too many.
        BadRequestError: nobody says a size, or an input is named that the file hasn't got.
    """
    types = {value.name: value.type for value in graph.inputs}
    declared = {name: _dims(kind) for name, kind in types.items() if kind.HasField("tensor_type")}
    readers: dict[str, Node] = {}
    for node in graph.nodes:
        if node.kind != "Shape":
            for name in node.inputs:
                readers.setdefault(name, node)
    layouts = {name: _layout(readers, name, len(dims or ())) for name, dims in declared.items()}
    bound: dict[str, int] = {}
    shapes: dict[str, _Dims] = {}
    notes = []
    for name, spec in given_specs(file, list(declared), request).items():
        dims, sizes, dtype = declared[name], spec.shape, dtype_name(types[name].tensor_type.elem_type)
        check_dtype(file, name, spec, dtype)
        resolved = _read(name, dims, sizes, layouts[name], dtype, request)
        shapes[name] = resolved.shape
        notes += [resolved.note] if resolved.note else []
        for symbol, size in zip(dims or (), resolved.shape, strict=False):
            if isinstance(symbol, str) and bound.setdefault(symbol, size) != size:
                raise InputError(
                    f"{file}: {symbol} is {size} in the input {name!r} of {format_shape(sizes)}, but {bound[symbol]} "
                    "in another"
                )
    default = request.batch or 1
    for name, dims in declared.items():
        if name not in shapes:
            if dims is None:
                raise BadRequestError(f"{file} doesn't say the shape of its input {name!r}: give it with --input")
            for place in (place for place, size in enumerate(dims) if _is_batch(place, size)):
                symbol = dims[place]
                size = bound.get(symbol, default) if isinstance(symbol, str) else default
                bound |= {symbol: size} if isinstance(symbol, str) else {}
                dims = (*dims[:place], size, *dims[place + 1 :])
            shapes[name] = dims
    full = {name: tuple(bound.get(d, d) if isinstance(d, str) else d for d in shapes[name]) for name in declared}
    if request.batch is not None and request.batch not in {dims[0] for dims in full.values() if dims}:
        found = ", ".join(f"{name!r} of {format_shape(map(str, dims))}" for name, dims in full.items())  # type: ignore[arg-type]
        raise InputError(f"{file} has a fixed batch, it can't be {request.batch}: its input {found}")
    _check_complete(file, full, declared)
    for name, dims in full.items():
        if len(dims) > MOST_DIMENSIONS or prod(size for size in dims if isinstance(size, int)) > MOST_ELEMENTS:
            raise InputError(
                f"{file}: its input {name!r} has more than {MOST_ELEMENTS} elements, or {MOST_DIMENSIONS} dimensions"
            )
    types |= {name: helper.make_tensor_type_proto(types[name].tensor_type.elem_type, full[name]) for name in full}
    return Inputs(types, layouts, bound, tuple(notes))


def _dims(kind: Any) -> _Dims | None:
    """The sizes in a type; None if even their number is open."""
    if not kind.tensor_type.HasField("shape"):
        return None
    # Some exporters write -1 for what is open.
    return tuple(
        d.dim_value
        if d.HasField("dim_value") and d.dim_value >= 0
        else None
        if d.dim_param in _UNNAMED
        else d.dim_param
        for d in kind.tensor_type.shape.dim
    )


def _is_batch(place: int, size: int | str | None) -> bool:
    """Whether a dimension that is left open is the batch: the first one, or one whose symbol says so."""
    if isinstance(size, int):
        return False
    return bool(re.search(_BATCH, size or "")) or (place == 0 and not re.search(_STEPS, size or ""))


def _layout(readers: Mapping[str, Node], name: str, rank: int) -> str | None:
    """The layout of an input that is an image: the first node that isn't about its pixels tells."""
    while (node := readers.get(name)) is not None:
        if node.kind == "Transpose":
            order = next((tuple(attribute.ints) for attribute in node.proto.attribute if attribute.name == "perm"), ())
            return "NHWC" if order == (0, 3, 1, 2) else None
        if node.kind not in _BEFORE_IMAGES:
            is_image = node.kind in ("BatchNormalization", "MaxPool", "AveragePool") or "Conv" in node.kind
            return CHANNELS_FIRST.get(rank) if is_image else None
        name = next(iter(node.outputs), "")
    return None


def _read(
    name: str, dims: _Dims | None, sizes: tuple[int, ...], layout: str | None, dtype: str, request: Request
) -> Resolved:
    """A given shape as all of an input's: with the batch, and an image's sizes in the file's order."""
    if dims is None:
        return Resolved(sizes, layout)
    own = dims[0] if dims and isinstance(dims[0], int) else None
    layout = layout or "NCHW"
    channels = dims[layout.index("C")] if len(dims) == len(layout) == 4 else None
    is_image = dtype == "uint8" or "float" in dtype
    if is_image and isinstance(channels, int) and len(sizes) <= 4 and (channels in _CHANNEL_COUNTS or len(sizes) < 3):
        default = tuple(size if isinstance(size, int) else _IMAGE for size in dims)
        batch = request.batch if len(sizes) == 4 else request.batch or own
        resolved = resolve(sizes, Expected(layout, default), request.layout, batch)
    elif len(sizes) == len(dims) - 1:
        resolved = Resolved((request.batch or own or 1, *sizes), None)
    else:
        resolved = Resolved(sizes, None)
        if sizes and request.batch not in (None, sizes[0]):
            raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but --batch says {request.batch}")
    shape = resolved.shape
    if len(shape) != len(dims) or any(isinstance(d, int) and d != s for d, s in zip(dims, shape, strict=False)):
        said = f", read as {format_shape(shape)}" if shape != sizes else ""
        refusal = InputError(f"the input {name!r} is {sizes_text(dims)} in the file, got {format_shape(sizes)}{said}")
        raise refusal.with_hint(resolved.hint)
    return resolved


def _check_complete(file: str, shapes: Mapping[str, _Dims], declared: Mapping[str, _Dims | None]) -> None:
    for name, dims in shapes.items():
        for place, size in enumerate(dims):
            if not isinstance(size, int):
                given = [f"--input {format_shape(_example(shape))}" for shape in shapes.values()]
                example = " ".join(given[:_SHOWN]) + (" ..." if len(given) > _SHOWN else "")
                called = f" ({size})" if size else ""
                raise BadRequestError(
                    f"{file} leaves dimension {place}{called} of its input {name!r} open, which is "
                    f"{sizes_text(declared[name] or ())}: say it, for example {example}"
                )


def _example(dims: _Dims) -> Sequence[int]:
    return [size if isinstance(size, int) else _IMAGE if len(dims) == 4 else _OTHER for size in dims]
