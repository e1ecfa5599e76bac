"""Which tensors of a TensorFlow graph are images: from the operations on images, before and behind them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ...ops import vocabulary
from .calls import Call
from .graph import Operation
from .operators import BROADCASTING, CONVOLUTIONS, LIKE_FIRST, NORMS, POOLS, RESIZES, TRANSPOSED, word_of

_OF_IMAGES = frozenset([*CONVOLUTIONS, *TRANSPOSED, *POOLS, *NORMS, *RESIZES, "DepthToSpace", "SpaceToDepth"])


def layout_of(operation: Operation) -> str | None:
    """How an operation on images takes them. The file leaves defaults out: channels that are last."""
    kind = operation.kind
    written = operation.attributes["data_format"].s.decode() if "data_format" in operation.attributes else ""
    if kind == "BiasAdd":
        return written if written == "NCHW" else None  # the default is any tensor's
    if kind not in _OF_IMAGES:
        return None
    return written or ("NDHWC" if "3D" in kind else "NHWC")


def wanted_layouts(operations: Sequence[Operation]) -> dict[tuple[int | None, int], str]:
    """The layouts of values that operations on images read, by source and index: directly, or behind others.

    A pad or an activation in front of a convolution reads an image as well.
    """
    found: dict[tuple[int | None, int], str] = {}
    for operation in reversed(operations):
        if not operation.flows or not operation.gives:
            continue
        layout, reads = layout_of(operation), operation.reads
        if layout is not None:
            place = 2 if operation.kind in TRANSPOSED else 0
            reads = reads[place : place + 1]
        elif _keeps(operation.kind):
            layout = found.get((operation.gives[0].source, 0))
        else:
            continue
        for value in reads:
            if layout is not None and value.flows and (value.dims is None or len(value.dims) == len(layout)):
                found[value.source, value.index] = layout  # of several readers, the first one's
    return found


def layout_given(call: Call, op: str, rank: int, wanted: str | None) -> str | None:
    """The layout of a result with ``rank`` dimensions; ``wanted`` is what its readers say."""
    known = [layout_of(call.operation)]
    if _keeps(call.kind) or vocabulary.of(op).layout == "keeps":
        known += [tensor.layout for tensor in call.reads if tensor is not None]
    return next((layout for layout in (*known, wanted) if layout is not None and len(layout) == rank), None)


@cache
def _keeps(kind: str) -> bool:
    """Whether an operation gives an image where it reads one."""
    return (
        kind in LIKE_FIRST
        or kind in BROADCASTING
        or kind in ("BatchToSpaceND", "SpaceToBatchND")
        or vocabulary.of(word_of(kind)).layout == "keeps"
    )
