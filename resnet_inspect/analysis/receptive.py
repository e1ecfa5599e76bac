"""Receptive fields.

After Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019): a row of the
output at position i reads the input's rows from ``i * stride - padding`` on, ``size`` of them. Stride and padding are
the article's effective ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..ir import Layer, Summary, Tensor, Value
from ..ops import vocabulary
from ..ops.effect import padding_pairs, per_dimension


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial dimension: rows read, and in rows of the input, the step between outputs and what is read before it.

    ``padding`` is None behind layers that enlarge: their outputs don't all read alike.
    """

    size: int | Fraction = 1
    stride: int | Fraction = 1
    padding: int | Fraction | None = 0

    @property
    def centre(self) -> Fraction | None:
        """Where the first output looks, in rows of the input."""
        return None if self.padding is None else Fraction(self.size - 1, 2) - self.padding


@dataclass(frozen=True, slots=True)
class Field:
    """What an output reads of the input. No ``axes``: all of it.

    Where paths meet it is the largest one's, and ``aligned`` tells whether the centres of all agree; None if that isn't
    known.
    """

    axes: tuple[Axis, ...] = ()
    aligned: bool | None = True

    @property
    def whole(self) -> bool:
        """Whether everything is read."""
        return not self.axes


WHOLE = Field()

#: Rows of its input that one output of a resize reads along a dimension.
_NEIGHBOURS = {"nearest": 1, "nearest-exact": 1, "bilinear": 2, "linear": 2, "trilinear": 2, "bicubic": 4}
#: Rows of no image: what is larger comes of thousands of strides, or isn't meant.
_MOST = 10**100


def receptive_fields(summary: Summary) -> dict[str, Field | None]:
    """The field of every layer, by its id; None where it isn't known (tokens, unknown operations)."""
    fields: dict[str, Field | None] = {}
    for layer in summary.layers:
        if layer.op == "input":
            fields[layer.id] = _start(layer.output_tensors[0]) if layer.output_tensors else None
            continue
        read = [fields.get(source) for source in layer.inputs]
        fields[layer.id] = _known(layer, read) if read else None
    return fields


def _known(layer: Layer, read: Sequence[Field | None]) -> Field | None:
    """As ``_after``; None too where attributes aren't the sizes that they should be, or numbers grow without end."""
    try:
        field = _after(layer, read)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    numbers = [n for axis in field.axes for n in (axis.size, axis.stride, axis.padding or 0)] if field else []
    small = all(abs(n.numerator) < _MOST and n.denominator < _MOST for n in numbers)
    return field if small else None


def network_field(summary: Summary) -> Field | None:
    """The field of the features: of what the last global pooling or flattening reads, else of the last layer."""
    fields = receptive_fields(summary)
    for layer in reversed(summary.layers):
        if layer.inputs and _gathers(layer):
            before = fields.get(layer.inputs[0])
            if before is not None and (not before.whole or not _is_flat(layer.input_tensors[0])):
                return before
    return fields[summary.layers[-1].id] if summary.layers else None


def one_number(field: Field | None, part: str) -> int | str | None:
    """The ``size``, ``stride`` or ``padding`` of a field: one number if all dimensions agree, else ``109x219``.

    The size of a field that reads everything is ``all``. None is unknown.
    """
    if field is None:
        return None
    if field.whole:
        return "all" if part == "size" else None
    numbers = [getattr(axis, part) for axis in field.axes]
    if None in numbers:
        return None
    distinct = list(dict.fromkeys(numbers))
    if len(distinct) > 1:
        return "x".join(map(str, numbers))
    return distinct[0] if isinstance(distinct[0], int) else str(distinct[0])


def _start(tensor: Tensor) -> Field | None:
    return Field((Axis(),) * _spatial(tensor)) if _spatial(tensor) else None


def _spatial(tensor: Tensor) -> int:
    return sum(letter in "DHWL" for letter in tensor.layout or "")


def _is_flat(tensor: Tensor) -> bool:
    """Whether no positions are left: a vector an item, or an image of one pixel."""
    return len(tensor.shape) < 3 or {1} in (set(tensor.spatial), set(tensor.shape[2:]), set(tensor.shape[1:-1]))


def _after(layer: Layer, read: Sequence[Field | None]) -> Field | None:
    if not layer.input_tensors or not layer.output_tensors:
        return None
    known_op = vocabulary.of(layer.op)
    if known_op.family == "attention" or any(field is not None and field.whole for field in read):
        return WHOLE
    known = [field for field in read if field is not None]
    # A second input that is unknown may be anything; one that no image leads to is a constant.
    if not known or len(known) < len(read) or len({len(field.axes) for field in known}) > 1:
        return None
    before = known[0] if len(known) == 1 else _largest(known)
    if _gathers(layer):
        return WHOLE
    family, reads = known_op.family, known_op.reads
    if reads == "position" and _same_sizes(layer, len(before.axes)):
        return before
    if family == "resize":
        return _resized(layer, before)
    if layer.attribute("kernel_size") is not None:
        return _windowed(layer, before)
    if family == "adaptive pool":
        return _adaptive(layer, before)
    if family == "padding":
        return _padded(layer, before)
    if family == "dealing":
        return _dealt(layer, before)
    if layer.op == "dense":
        return before if len(layer.input_tensors[0].shape) > 2 else WHOLE
    if reads == "channels":
        return before if _over_channels(layer) else WHOLE
    if reads == "moved":
        return before if _same_sizes(layer, len(before.axes)) else None
    return WHOLE if reads == "all" else None


def _gathers(layer: Layer) -> bool:
    """Whether a layer makes one position of all: global pooling, a mean over the image, flattening."""
    before, after = layer.input_tensors[:1], layer.output_tensors[:1]
    if not before or not after or (_is_flat(before[0]) and layer.op != "flatten"):
        return False
    family = vocabulary.of(layer.op).family
    if family in ("global pool", "adaptive pool", "reduction") or layer.op in ("flatten", "reshape"):
        return _is_flat(after[0]) and before[0].size > 0 and len(before[0].shape) > 2
    return False


def _same_sizes(layer: Layer, dimensions: int) -> bool:
    """Whether the spatial sizes stand in the output as in the input; without a layout, be they first or last."""
    tensor, after = layer.input_tensors[0], layer.output_tensors[0].shape
    before = tensor.shape
    sizes = {before[2 : 2 + dimensions], before[1 : 1 + dimensions], before[-dimensions:]}
    if _spatial(tensor) == dimensions:
        sizes = {tensor.spatial}
    return bool(sizes & {after[start : start + dimensions] for start in range(1, len(after) - dimensions + 1)})


def _largest(fields: Sequence[Field]) -> Field:
    by_axis = list(zip(*(field.axes for field in fields), strict=True))
    agree = all(len({(axis.centre, axis.stride) for axis in paths}) == 1 for paths in by_axis)
    aligned: bool | None = agree and all(field.aligned for field in fields)
    if any(axis.padding is None for paths in by_axis for axis in paths) or None in {field.aligned for field in fields}:
        aligned = None
    return Field(tuple(max(paths, key=lambda axis: axis.size) for paths in by_axis), aligned)


def _windowed(layer: Layer, before: Field) -> Field | None:
    rank = len(before.axes)
    kernel = per_dimension(layer.attribute("kernel_size"), rank)
    # Without a stride of their own, torch's pooling windows stand side by side.
    stride = per_dimension(layer.attribute("stride", kernel), rank)
    dilation = per_dimension(layer.attribute("dilation", 1), rank)
    if not len(kernel) == len(stride) == len(dilation) == rank:
        return None
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if vocabulary.of(layer.op).family == "transposed convolution":
        # An output between inputs reads every stride-th row of the kernel.
        reads = [-(-span // s) for span, s in zip(spans, stride, strict=True)]
        return _enlarged(before, reads, [Fraction(1, s) for s in stride])
    padding = padding_pairs(layer.attribute("padding", 0), rank)
    if len(padding) != rank:
        return None
    return replace(
        before,
        axes=tuple(
            Axis(
                axis.size + (span - 1) * axis.stride,
                axis.stride * s,
                None if axis.padding is None else axis.padding + p[0] * axis.stride,
            )
            for axis, span, s, p in zip(before.axes, spans, stride, padding, strict=True)
        ),
    )


def _adaptive(layer: Layer, before: Field) -> Field | None:
    """Adaptive pooling is a window without overlap where the sizes divide; else its windows differ."""
    given, made = (tensor.shape[2:] for tensor in _ends(layer))
    if (
        len(given) != len(before.axes)
        or len(made) != len(given)
        or 0 in made
        or any(size % positions for size, positions in zip(given, made, strict=True))
    ):
        return None
    steps = [size // positions for size, positions in zip(given, made, strict=True)]
    return replace(
        before,
        axes=tuple(
            replace(axis, size=axis.size + (step - 1) * axis.stride, stride=axis.stride * step)
            for axis, step in zip(before.axes, steps, strict=True)
        ),
    )


def _padded(layer: Layer, before: Field) -> Field | None:
    """Rows added in front move the window back, rows cut off move it on."""
    sign, key = (-1, "cropping") if layer.op == "crop" else (1, "padding")
    value = layer.attribute(key)
    if value is None:
        return None
    pairs = padding_pairs(value, len(before.axes)) if layer.op != "pad" else _along_axes(value, layer.input_tensors[0])
    if len(pairs) != len(before.axes):
        return None
    return replace(
        before,
        axes=tuple(
            replace(axis, padding=None if axis.padding is None else axis.padding + sign * pair[0] * axis.stride)
            for axis, pair in zip(before.axes, pairs, strict=True)
        ),
    )


def _dealt(layer: Layer, before: Field) -> Field | None:
    """Rows dealt out to several images stand further apart in each, and nearer when they are put back."""
    steps = per_dimension(layer.attribute("block_shape"), len(before.axes))
    if len(steps) != len(before.axes):
        return None
    if layer.op == "space_to_batch":
        padded = _padded(layer, before)
        axes = padded.axes if padded else ()
        return replace(before, axes=tuple(replace(a, stride=a.stride * s) for a, s in zip(axes, steps, strict=True)))
    pairs = padding_pairs(layer.attribute("cropping"), len(before.axes))
    strides = [_plain(Fraction(axis.stride, step)) for axis, step in zip(before.axes, steps, strict=True)]
    return replace(
        before,
        axes=tuple(
            replace(axis, stride=stride, padding=None if axis.padding is None else axis.padding - pair[0] * stride)
            for axis, stride, pair in zip(before.axes, strides, pairs, strict=True)
        ),
    )


def _along_axes(value: Value, image: Tensor) -> tuple[tuple[int, int], ...]:
    """The rows before and after along the spatial dimensions of an image whose last dimensions are padded."""
    pairs = padding_pairs(value, 0)
    every = ((0, 0),) * (len(image.shape) - len(pairs)) + pairs
    return tuple(pair for pair, letter in zip(every, image.layout or "", strict=False) if letter in "DHWL")


def _resized(layer: Layer, before: Field) -> Field | None:
    rank = len(before.axes)
    rows = _NEIGHBOURS.get(str(layer.attribute("mode", layer.attribute("interpolation", "nearest"))))
    sizes = [(t.shape[1:-1] if (t.layout or "").endswith("C") else t.shape[2:]) for t in _ends(layer)]
    if rows is None or any(len(item) != rank or 0 in item for item in sizes):
        return None
    steps = [Fraction(small, large) for small, large in zip(*sizes, strict=True)]
    return _enlarged(before, [rows if step != 1 else 1 for step in steps], steps)


def _enlarged(before: Field, reads: Sequence[int], steps: Sequence[Fraction]) -> Field:
    """Outputs that stand ``steps`` of the input's rows apart and read ``reads`` of them each."""
    return replace(
        before,
        axes=tuple(
            Axis(axis.size + (rows - 1) * axis.stride, _plain(axis.stride * step), None)
            for axis, rows, step in zip(before.axes, reads, steps, strict=True)
        ),
    )


def _ends(layer: Layer) -> tuple[Tensor, Tensor]:
    return layer.input_tensors[0], layer.output_tensors[0]


def _plain(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _over_channels(layer: Layer) -> bool:
    """Whether a layer norm looks at one position: over the last dimension alone."""
    shape = layer.attribute("normalized_shape", layer.attribute("axis"))
    return isinstance(shape, int) or (isinstance(shape, tuple) and len(shape) == 1)
