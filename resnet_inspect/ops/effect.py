"""What a rule answers, and how rules read attributes and images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from ..errors import InputError
from ..ir import Shape, Tensor, Value
from ..shape import format_shape
from .formula import Formula, Law, axes


class Weight(NamedTuple):
    """A weight in canonical terms: ``kernel``, ``bias``, ``gamma``, ``beta``, ``mean``, ``variance``.

    A convolution's kernel is (spatial..., in, out), a dense one (in, out), as Keras writes them; the
    flavor of a graph says how its framework names and orders them.
    """

    name: str
    shape: Shape
    statistics: bool = False


#: A formula for each dimension, by its letter, and what stands in them.
Window = tuple[tuple[tuple[str, Formula], ...], dict[str, int]]


class Effect(NamedTuple):
    """The output of one operation, the weights that it needs and its multiply-adds.

    ``law`` has the formulas of its weights and multiply-adds, and ``symbols`` the numbers to put in. ``window`` gives
    the formulas of the output's sizes, for which only explanations ask.
    """

    output: Tensor
    weights: tuple[Weight, ...] = ()
    macs: int = 0
    law: Law | None = None
    symbols: Mapping[str, int] = {}
    window: Callable[[], Window] | None = None


class Image(NamedTuple):
    """A tensor of batch, channels and spatial sizes, whatever its layout."""

    batch: int
    channels: int
    spatial: Shape

    @classmethod
    def of(cls, tensor: Tensor) -> Image:
        """Reads ``tensor`` by its layout; without one, the channels come first as in torch."""
        channels_last = tensor.layout is not None and tensor.layout.endswith("C")
        batch, *rest = tensor.shape
        if channels_last:
            return cls(batch, rest[-1], tuple(rest[:-1]))
        return cls(batch, rest[0], tuple(rest[1:]))

    def tensor(self, like: Tensor) -> Tensor:
        """This image as a tensor with the layout and element type of ``like``."""
        channels_last = like.layout is not None and like.layout.endswith("C")
        shape = (
            (self.batch, *self.spatial, self.channels) if channels_last else (self.batch, self.channels, *self.spatial)
        )
        return Tensor(shape, like.dtype, like.layout)


def image_of_rank(tensor: Tensor, dimensions: int) -> Image:
    """Reads a batch of images with ``dimensions`` spatial sizes.

    Raises:
        InputError: the tensor has another number of dimensions.
    """
    if len(tensor.shape) != dimensions + 2:
        raise InputError(
            f"expects {dimensions + 2} dimensions (batch, channels and {dimensions} sizes), "
            f"got {format_shape(tensor.shape)}"
        )
    return Image.of(tensor)


def per_dimension(value: Value, dimensions: int) -> Shape:
    """A size for each spatial dimension: 3 -> (3, 3)."""
    if isinstance(value, tuple):
        return tuple([item for item in value if isinstance(item, int)])
    if isinstance(value, int):
        return (value,) * dimensions
    raise TypeError(f"expected a size or a tuple of sizes, got {value!r}")


def padding_pairs(value: Value, dimensions: int) -> tuple[tuple[int, int], ...]:
    """Rows before and after, for each spatial dimension: 3 -> ((3, 3), (3, 3)); ((0, 1), (0, 1)) as it is."""
    pairs = []
    for item in value if isinstance(value, tuple) else (value,) * dimensions:
        if isinstance(item, int):
            pairs.append((item, item))
        elif isinstance(item, tuple) and len(item) == 2:
            before, after = per_dimension(item, 2)
            pairs.append((before, after))
        else:
            raise TypeError(f"expected a padding or a pair of paddings, got {item!r}")
    return tuple(pairs)


def window_positions(
    size: int,
    kernel: int,
    stride: int,
    padding: tuple[int, int],
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """How often a window fits along one dimension (Dumoulin and Visin 2016, relationship 6 and 15).

    In ceil mode a last window may hang over the end if it starts inside the input or its left padding,
    as torch and Caffe have it.
    """
    span = dilation * (kernel - 1) + 1
    free = size + padding[0] + padding[1] - span
    if free < 0:
        return 0
    if not ceil_mode:
        return free // stride + 1
    positions = -(-free // stride) + 1
    return positions - 1 if (positions - 1) * stride >= size + padding[0] else positions


def window_output(image: Image, attributes: Mapping[str, Value]) -> Shape:
    """Spatial sizes after a sliding window with ``kernel_size``, ``stride``, ``padding``, ``dilation``.

    Raises:
        InputError: the window is larger than the padded input.
    """
    dimensions = len(image.spatial)
    kernel = per_dimension(attributes["kernel_size"], dimensions)
    stride = per_dimension(attributes["stride"], dimensions)
    padding = padding_pairs(attributes["padding"], dimensions)
    dilation = per_dimension(attributes.get("dilation", 1), dimensions)
    ceil_mode = bool(attributes.get("ceil_mode", False))
    along = zip(image.spatial, kernel, stride, padding, dilation, strict=True)
    output = tuple([window_positions(*sizes, ceil_mode) for sizes in along])
    if min(output) < 1:
        raise InputError(
            f"its {format_shape(kernel)} kernel"
            + (f" with dilation {format_shape(dilation)}" if max(dilation) > 1 else "")
            + f" is larger than its input of {format_shape(image.spatial)}"
            + (" with padding" if any(sum(pair) for pair in padding) else "")
        )
    return output


#: How the padding on both sides of a dimension is called where the two differ.
_SIDES = {"d": ("p_front", "p_back"), "h": ("p_top", "p_bottom"), "w": ("p_left", "p_right")}


@cache
def _window_sizes(rank: int, uneven: tuple[bool, ...], ceil_mode: bool) -> tuple[tuple[str, Formula], ...]:
    """The formulas of ``window_output``, by dimension; ``uneven`` are the dimensions with two different paddings."""
    found = []
    for letter, is_uneven in zip(axes(rank), uneven, strict=True):
        x = letter.lower()
        padding = " + ".join(_SIDES[x]) if is_uneven else f"2*p_{x}"
        rounded = "ceil" if ceil_mode else "floor"
        text = f"{rounded}(({letter} + {padding} - d_{x}*(k_{x}-1) - 1)/s_{x}) + 1"
        found.append((letter, Formula(text, "Dumoulin and Visin 2016, relationship 15")))
    return tuple(found)


def window(image: Image, attributes: Mapping[str, Value]) -> Window:
    """The formulas of ``window_output``, with input, kernel, stride, padding and dilation."""
    rank = len(image.spatial)
    kernel = per_dimension(attributes["kernel_size"], rank)
    stride = per_dimension(attributes["stride"], rank)
    padding = padding_pairs(attributes["padding"], rank)
    dilation = per_dimension(attributes.get("dilation", 1), rank)
    found: dict[str, int] = {}
    for at, letter in enumerate(axes(rank)):
        x = letter.lower()
        before, after = padding[at]
        pads = {f"p_{x}": before} if before == after else dict(zip(_SIDES[x], padding[at], strict=True))
        found |= {letter: image.spatial[at], f"k_{x}": kernel[at], f"s_{x}": stride[at], f"d_{x}": dilation[at], **pads}
    uneven = tuple(before != after for before, after in padding)
    return _window_sizes(rank, uneven, bool(attributes.get("ceil_mode", False))), found
