"""Settings of operators in the form that every reader gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..ir import Value


def paddings(pairs: Iterable[tuple[int, int]]) -> Value:
    """Rows before and after along each dimension, one number where both are equal: ((1, 1), (0, 1)) -> (1, (0, 1))."""
    return tuple([before if before == after else (before, after) for before, after in pairs])


def in_each_dimension(value: Value, rank: int) -> tuple[Value, ...]:
    """A setting for each spatial dimension, where one stands for all of them: 1 -> (1, 1)."""
    if not isinstance(value, tuple):
        return (value,) * rank
    return value * rank if len(value) == 1 else value


def dimension_or_several(dims: Value) -> Value:
    """The dimensions that an operator works along, one alone as a number: (1,) -> 1."""
    return dims[0] if isinstance(dims, tuple) and len(dims) == 1 else dims


def clamped(settings: Mapping[str, Value], least: str = "min", most: str = "max") -> tuple[str, dict[str, Value]]:
    """The word and settings of what keeps values between two limits, which ``settings`` have by these names.

    One pair of limits makes ReLU6 of it and one the hard tanh, whatever a framework calls it.
    """
    limits = settings.get(least), settings.get(most)
    named = {name: value for name, value in zip(("min", "max"), limits, strict=True) if value is not None}
    rest = {name: value for name, value in settings.items() if name not in (least, most)}
    words: Mapping[Value, str] = {(0, 6): "relu6", (-1, 1): "hard_tanh"}
    return words.get(limits, "clamp"), {**named, **rest}


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


def pairs_from_last(sides: Sequence[int]) -> list[tuple[int, int]]:
    """Rows before and after along the last dimensions, of torch's order: (left, right, top, bottom)."""
    return [(sides[i], sides[i + 1]) for i in range(len(sides) - 2, -1, -2)]


def pad(pairs: Sequence[tuple[int, int]], mode: Value = None, value: Value = None) -> dict[str, Value]:
    """The settings of a ``pad``: rows before and after along the last dimensions, the first of which has some.

    ``mode`` is ``constant``, ``reflect``, ``replicate``, ``circular`` or ``symmetric``; a constant has a ``value``.
    """
    first = next((place for place, pair in enumerate(pairs) if pair != (0, 0)), len(pairs))
    settings: dict[str, Value] = {"padding": paddings(pairs[first:]), "mode": mode or "constant"}
    return settings if settings["mode"] != "constant" else {**settings, "value": value or 0}


def padded(rank: int, sides: Value, mode: Value = None, value: Value = None) -> tuple[str, dict[str, Value]] | None:
    """The word and settings of a ``pad`` of torch's, whose ``sides`` have the last dimension first.

    Rows and columns of zeros around an image are ``zero_pad2d``. None if the sides are not a row of numbers.
    """
    if not isinstance(sides, tuple) or len(sides) % 2:
        return None
    numbers = [item for item in sides if isinstance(item, int)]
    if len(numbers) != len(sides):
        return None
    pairs = pairs_from_last(numbers)
    if rank == 4 and len(pairs) == 2 and mode in (None, "constant") and not value and min(numbers) >= 0:
        return "zero_pad2d", {"padding": paddings(pairs)}
    return "pad", pad(pairs, mode, value)
