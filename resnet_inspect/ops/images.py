"""Which tensors are images, and how they lie: torch's and ONNX' operators have the channels first."""

from __future__ import annotations

from collections.abc import Sequence

from ..shape import CHANNELS_FIRST
from . import vocabulary


def output_layout(op: str, rank: int, read: Sequence[str | None]) -> str | None:
    """The layout of an output of ``rank`` dimensions, from the op and the layouts of what it reads."""
    way = vocabulary.of(op).layout
    if way == "makes":
        return CHANNELS_FIRST.get(rank)
    if way == "keeps":
        return next((layout for layout in read if layout is not None and len(layout) == rank), None)
    return None


def keeps_layout(op: str) -> bool:
    """Whether an op's results are images where what it reads is, and it says nothing more of that."""
    return vocabulary.of(op).layout == "keeps"


def read_layout(op: str, rank: int) -> str | None:
    """The layout that an op wants of an input with ``rank`` dimensions, if it is one that makes images."""
    return CHANNELS_FIRST.get(rank) if vocabulary.of(op).layout == "makes" else None
