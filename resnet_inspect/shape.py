"""Shapes as people type them, and what they mean to a model: ``3x512x512``, ``512``, NCHW and NHWC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from .errors import BadRequestError, InputError

#: What tells channels from sizes: gray, colour, colour with alpha.
_CHANNEL_COUNTS = (1, 3, 4)

#: Layouts with the channels first, and the same with the channels last.
_TWINS = {"NCHW": "NHWC", "NCDHW": "NDHWC", "NCL": "NLC", "CHW": "HWC"}
_TWINS.update({last: first for first, last in list(_TWINS.items())})

#: The layout of an image, or of what is like one, by its number of dimensions, where the channels stand first.
CHANNELS_FIRST = {3: "NCL", 4: "NCHW", 5: "NCDHW"}

_MAX_RANK = 16
_MAX_DIGITS = 18
#: The largest size that is taken, of a dimension or a window.
MOST_SIZE = 10**_MAX_DIGITS - 1
#: Elements of a tensor: what is worked out of more can no longer be divided and printed.
MOST_ELEMENTS = 10**75


@dataclass(frozen=True, slots=True)
class Expected:
    """One input that a model reads: its layout (``NCHW``), and its default sizes in that order.

    A layout without ``N`` (``CHW``) is an input that has no batch dimension.
    """

    layout: str
    sizes: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Number of channels that the model was made for."""
        return self.sizes[self.layout.index("C")]

    def text(self) -> str:
        """The sizes without the batch, as a user would type them."""
        return format_shape(s for s, axis in zip(self.sizes, self.layout, strict=True) if axis != "N")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A full input shape in the model's own layout, and what to tell the user about how it came to be.

    ``hint`` is what was probably meant, to be said only if the model refuses the shape; ``other`` is what else it may
    mean, to be tried then.
    """

    shape: tuple[int, ...]
    layout: str | None
    note: str | None = None
    hint: str | None = None
    other: Resolved | None = None


def format_shape(sizes: Iterable[int]) -> str:
    """``(1, 3, 512, 512)`` as ``1x3x512x512``; a scalar's empty shape as ``scalar``."""
    return "x".join(str(size) for size in sizes) or "scalar"


def parse_shape(text: str) -> tuple[int, ...]:
    """The sizes in ``3x512x512``, ``3,512,512``, ``3 512 512`` or ``(3, 512, 512)``; ``scalar`` has none.

    Raises:
        BadRequestError: the text holds anything but positive whole numbers.
    """
    if text.strip() == "scalar":
        return ()
    shown = f"{text!r:.60}"
    sizes = text.strip().strip("()[]").strip()
    if re.search(r"^[x×X*]|[x×X*]\s*([x×X*]|$)", sizes):
        raise BadRequestError(f"{shown} is not a shape: a size is missing beside an x; try 3x224x224")
    parts = [part for part in re.split(r"[x×X,*\s]+", sizes) if part]
    if not parts:
        raise BadRequestError(f"{shown} is not a shape: give sizes such as 3x224x224")
    if len(parts) > _MAX_RANK:
        raise BadRequestError(f"{shown} has {len(parts)} dimensions; at most {_MAX_RANK} are possible")
    for part in parts:
        if not re.fullmatch(r"[-+]?[0-9]+", part):
            raise BadRequestError(f"{shown} is not a shape: {part!r:.60} is not a whole number; try 3x224x224")
        if len(part) > _MAX_DIGITS:
            raise BadRequestError(f"{shown} is not a shape: no size has {len(part)} digits")
        if int(part) < 1:
            raise BadRequestError(f"{shown} is not a shape: every size must be at least 1, got {int(part)}")
    shape = tuple(int(part) for part in parts)
    if prod(shape) >= MOST_ELEMENTS:
        raise BadRequestError(f"{shown} is not a shape: no tensor has {prod(shape):.1e} elements")
    return shape


def twin(layout: str) -> str:
    """The layout with the channels at the other end: NCHW <-> NHWC."""
    return _TWINS[layout]


def resolve(
    sizes: Sequence[int],
    expected: Expected,
    layout: str | None = None,
    batch: int | None = None,
) -> Resolved:
    """What ``sizes`` mean to a model that reads ``expected``.

    One number is a square with the model's own channels, two are height and width. The layout is ``layout``
    (``NCHW`` or ``NHWC``, for videos likewise), else inferred: if exactly one end is 1, 3 or 4, the
    channels stand there; else the model's own.

    Raises:
        InputError: the number of sizes fits no reading.
        BadRequestError: the shape's batch contradicts ``batch``.
    """
    own = expected.layout
    batched = own.startswith("N")
    item_layout = own.removeprefix("N")
    default = expected.sizes[1:] if batched else expected.sizes
    sizes = tuple(sizes)
    if len(sizes) in (1, 2) and "W" in own:
        height_and_width = dict(zip("HW", sizes if len(sizes) == 2 else sizes * 2, strict=True))
        item = tuple(height_and_width.get(axis, size) for axis, size in zip(item_layout, default, strict=True))
        note = f"input {format_shape(sizes)} has no channels and was completed: {format_shape(item)} {item_layout}"
        return Resolved(_with_batch(item, batch or 1, batched), own, note)
    if len(sizes) == len(item_layout) + 1 and batched:
        if batch is not None and batch != sizes[0]:
            raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but --batch says {batch}")
        batch, sizes = sizes[0], sizes[1:]
    elif len(sizes) != len(item_layout):
        names = "x".join(item_layout)
        also = f" or {'x'.join(own)}" if batched else ""
        raise InputError(
            f"{format_shape(sizes)} has {len(sizes)} sizes; this model reads {names}{also}, "
            f"for example {expected.text()}"
        )
    return _in_own_layout(sizes, expected, layout, batch or 1)


def _in_own_layout(sizes: tuple[int, ...], expected: Expected, layout: str | None, batch: int) -> Resolved:
    own = expected.layout
    first, last = is_telling(sizes[0]), is_telling(sizes[-1])
    own_first = _channels_first(own)
    if layout is not None:
        given_first = _channels_first(layout)
    elif first != last:
        given_first = first
    else:
        given_first = own_first
    note = hint = None
    item = sizes
    given = own if given_first == own_first else twin(own)
    if given != own:
        item = (sizes[-1], *sizes[:-1]) if own_first else (*sizes[1:], sizes[0])
        if layout is None:
            read = f"{format_shape(sizes)} was read as {given}"
            note = f"input {read} and converted to {own}: {format_shape(item)}"
    channels, other_end = (sizes[0], sizes[-1]) if given_first else (sizes[-1], sizes[0])
    if layout is not None and channels != expected.channels and other_end == expected.channels:
        hint = f"{format_shape(sizes)} looks like {twin(given)}: did you mean --layout {order(twin(given))}?"
    return Resolved(_with_batch(item, batch, own.startswith("N")), own, note, hint)


def is_telling(size: int) -> bool:
    """Whether a size at the end of an image's shape is taken as its channels."""
    return size in _CHANNEL_COUNTS


def _with_batch(item: tuple[int, ...], batch: int, batched: bool) -> tuple[int, ...]:
    return (batch, *item) if batched else item


def _channels_first(layout: str) -> bool:
    return layout.removeprefix("N").startswith("C")


def order(layout: str) -> str:
    """The word that ``--layout`` takes for a layout of any rank."""
    return "NCHW" if _channels_first(layout) else "NHWC"
