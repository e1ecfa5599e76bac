"""Input sizes: which fit, which is the smallest, and where a stride drops rows or columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError
from ..ir import Layer, Summary, Value
from ..ops import vocabulary

#: Summarises the model for an image of a height and a width; raises InputError if it doesn't fit.
Attempt = Callable[[int, int], Summary]


@dataclass(frozen=True, slots=True)
class TriedInput:
    """Whether one input fits: the summary, or what the model says, the layer that refuses it, and what to do."""

    given: str
    summary: Summary | None = None
    problem: str | None = None
    layer: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A layer that never reads the last ``rows`` and ``columns`` of what it is given."""

    layer: str
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest sizes that fit; no square if the default isn't one and none up to it fits.

    Multiples of ``even`` drop no row and no column; None if there is no such number.
    """

    square: int | None
    height: int
    width: int
    default: tuple[int, int]
    even: int | None


def smallest(attempt: Attempt, default: tuple[int, int]) -> Smallest:
    """Tries every square from 1 upwards: what fits need not go on fitting, so that halving would lie.

    ``height`` is the smallest with the default width, ``width`` likewise.
    """
    height, width = default
    whole = attempt(height, width)
    square = next((size for size in range(1, max(default) + 1) if _fits(attempt, size, size)), None)
    return Smallest(
        square=square,
        height=_least(lambda size: _fits(attempt, size, width), square, height),
        width=_least(lambda size: _fits(attempt, height, size), square, width),
        default=default,
        even=_even(attempt, whole, default),
    )


def _fits(attempt: Attempt, height: int, width: int) -> bool:
    try:
        attempt(height, width)
    except InputError:
        return False
    return True


def _least(fits: Callable[[int], bool], near: int | None, default: int) -> int:
    """The smallest side that fits, from where the smallest square stands: downwards as far as it fits, or upwards."""
    size = min(near or default, default)
    if fits(size):
        while size > 1 and fits(size - 1):
            size -= 1
        return size
    return next(larger for larger in range(size + 1, default + 1) if larger == default or fits(larger))


#: Rows after which the pattern of sizes that drop something repeats: the strides of image networks multiply to it.
_PERIOD = 32


def _even(attempt: Attempt, whole: Summary, default: tuple[int, int]) -> int | None:
    """The smallest power of two whose multiples, over a period from near the default on, drop nothing."""
    step = 1
    while step <= max(default):
        near = [max(step, size // step * step) for size in default]
        try:
            for more in range(0, max(_PERIOD, 2 * step), step):
                height, width = (size + more for size in near)
                if drops(whole if (height, width) == default else attempt(height, width)):
                    break
            else:
                return step
        except InputError:
            pass  # a U-Net's halves meet only where every size halves evenly
        step *= 2
    return None


def drops(summary: Summary) -> list[Drop]:
    """The layers that drop rows or columns of their input, in execution order.

    A window of k (dilated: d (k - 1) + 1) at stride s reads rows up to (outputs - 1) s + max(k, s) of the padded input;
    what lies behind, less the padding, is dropped. A row between two windows (k < s) is stepped over, not dropped.
    """
    by_id = {layer.id: layer for layer in summary.layers}
    found = []
    for layer in summary.layers:
        if (
            "stride" not in dict(layer.attributes)
            or not _reads_and_gives(layer)
            or vocabulary.of(layer.op).family == "transposed convolution"
        ):
            continue
        padded = by_id[layer.inputs[0]] if layer.inputs and by_id[layer.inputs[0]].op == "zero_pad2d" else None
        rows, columns = (_dropped(layer, padded, axis) for axis in (0, 1))
        if rows or columns:
            found.append(Drop(layer.id, rows, columns))
    return found


def _reads_and_gives(layer: Layer) -> bool:
    return bool(layer.input_tensors and layer.output_tensors)


def _dropped(layer: Layer, padded: Layer | None, axis: int) -> int:
    before, after = layer.input_tensors[0], layer.output_tensors[0]
    if len(before.shape) != 4 or len(after.shape) != 4:
        return 0
    place = (1 if (before.layout or "").endswith("C") else 2) + axis
    kernel, stride, dilation = (_of(layer.attribute(name), axis) or 1 for name in ("kernel_size", "stride", "dilation"))
    start = _padding(layer.attribute("padding"), axis)[0]
    # Of a padding layer in front, what is dropped is its own zeros first.
    zeros = _padding(padded.attribute("padding"), axis)[1] if padded else 0
    reach = (after.shape[place] - 1) * stride + max(dilation * (kernel - 1) + 1, stride)
    return max(0, start + before.shape[place] - zeros - reach)


def _of(value: Value, axis: int) -> int:
    found = value[axis] if isinstance(value, tuple) and len(value) > axis else value
    return found if isinstance(found, int) else 0


def _padding(value: Value, axis: int) -> tuple[int, int]:
    """Rows of padding before and behind: both sides alike, or a pair for each axis."""
    found = value[axis] if isinstance(value, tuple) and len(value) > axis else value
    if isinstance(found, tuple):
        return _of(found, 0), _of(found, 1)
    return (found, found) if isinstance(found, int) else (0, 0)
