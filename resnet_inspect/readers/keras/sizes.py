"""What the sizes that somebody asks for mean to a Keras model, which declares its inputs or doesn't."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import BadRequestError
from ...shape import Expected, Resolved, format_shape
from ...shape import resolve as resolve_image


def resolve(
    sizes: tuple[int, ...],
    batch: int | None,
    declared: Sequence[int | None] | None,
    layout: str | None = None,
    images: bool = False,
    channels_first: bool = False,
) -> Resolved:
    """A shape for a model: with a batch if it has as many sizes as ``declared`` has, or four and more.

    For a model of ``images``, and where four sizes are declared, it may be a square, or in the other ``layout``.
    """
    rank = 4 if declared is None else len(declared)
    if rank == 4 and len(sizes) <= rank and (images or declared is not None):
        own = str(layout_of_rank(rank, channels_first))
        channels = (None if declared is None else declared[own.index("C")]) or 3
        expected = Expected(own, tuple(channels if axis == "C" else 224 for axis in own))
        item = sizes[-3:]
        own_end, other_end = (item[0], item[-1]) if own == "NCHW" else (item[-1], item[0])
        if layout is not None or len(sizes) < 3 or own_end != channels == other_end:
            return resolve_image(sizes, expected, layout, batch or (declared is not None and declared[0]) or None)
    if len(sizes) < rank:
        # A stateful model is made for one batch size.
        sizes = (batch or (declared is not None and declared[0]) or 1, *sizes)
    elif batch not in (None, sizes[0]):
        raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but batch says {batch}")
    return Resolved(sizes, layout_of_rank(len(sizes), channels_first))


def layout_of_rank(rank: int, channels_first: bool = False) -> str | None:
    """How an image of so many dimensions lies; None for what is none."""
    last, first = {3: ("NLC", "NLC"), 4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}.get(rank, (None, None))
    return first if channels_first else last
