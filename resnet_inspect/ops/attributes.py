"""Settings of operators in the form that every reader gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Value


def paddings(pairs: Iterable[tuple[int, int]]) -> Value:
    """Rows before and after along each dimension, one number where both are equal: ((1, 1), (0, 1)) -> (1, (0, 1))."""
    return tuple([before if before == after else (before, after) for before, after in pairs])


def explicit_padding(
    way: str, sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Value:
    """``same``, ``same_lower``, ``valid`` and ``causal`` in numbers, for an input of these spatial ``sizes``.

    ``same`` gives one output for each ``stride`` inputs, and where the rows don't divide into two halves, one more at
    the end (Keras, torch, ONNX' SAME_UPPER) or, as ``same_lower``, at the beginning.
    """
    pairs = []
    for size, window, step, gap in zip(sizes, kernel, stride, dilation, strict=True):
        span = gap * (window - 1) + 1
        if way == "causal":
            pairs.append((span - 1, 0))
            continue
        total = max((-(-size // step) - 1) * step + span - size, 0) if way.startswith("same") else 0
        less, more = total // 2, total - total // 2
        pairs.append((more, less) if way == "same_lower" else (less, more))
    return paddings(pairs)


def zeros_around(rank: int, pad: Value, mode: Value = None, value: Value = None) -> Value:
    """The ``padding`` of a ``pad`` of torch's that puts rows and columns of zeros around an image; None of any other.

    ``pad`` has the last dimension first: (left, right, top, bottom).
    """
    if rank != 4 or mode not in (None, "constant") or value not in (None, 0) or not isinstance(pad, tuple):
        return None
    sizes = [item for item in pad if isinstance(item, int) and item >= 0]
    if len(pad) != 4 or len(sizes) != 4:
        return None
    left, right, top, bottom = sizes
    return paddings([(top, bottom), (left, right)])
