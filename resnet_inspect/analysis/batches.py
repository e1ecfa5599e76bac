"""A network at any batch size, from summaries at two of them, and the largest batch that fits into a memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..ir import Layer, Shape, Summary, Tensor

#: Larger batches aren't looked for: nobody trains with them.
MOST = 2**40


class NotLinearError(Exception):
    """A size of the network doesn't grow by the same amount with every image of a batch."""


def batch_of(summary: Summary) -> int:
    """How many images a network reads at once: the first size of its first input, or its inputs where each is one."""
    if not summary.inputs or not summary.inputs[0].shape:
        return 1
    if _is_alone(summary.inputs[0]):
        return len(summary.inputs)
    return summary.inputs[0].shape[0]


def is_list(summary: Summary) -> bool:
    """Whether a network reads a list of images, each of its own size, in place of a batch."""
    return bool(summary.inputs) and _is_alone(summary.inputs[0])


def _is_alone(tensor: Tensor) -> bool:
    return tensor.layout is not None and "N" not in tensor.layout


def at_batch(first: Summary, second: Summary, sizes: tuple[int, int], batch: int) -> Summary:
    """The network with ``batch`` images, from the summaries at batches of two other ``sizes``.

    Every dimension is a straight line through both: that of a batch grows, others stay.

    Raises:
        NotLinearError: the two have other layers, or a dimension would be no whole number, or two of a tensor grow.
    """
    if batch == sizes[0]:
        return first
    if len(first.layers) != len(second.layers):
        raise NotLinearError
    grown: dict[tuple[Tensor, Tensor], Tensor] = {}

    def tensor(one: Tensor, other: Tensor) -> Tensor:
        if (one, other) not in grown:
            grown[one, other] = replace(one, shape=_shape(one.shape, other.shape, sizes, batch))
        return grown[one, other]

    def tensors(some: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if len(some) != len(others):
            raise NotLinearError
        return some if some == others else tuple(map(tensor, some, others))

    def layer(one: Layer, other: Layer) -> Layer:
        if one.id != other.id:
            raise NotLinearError
        read, given = (
            tensors(one.input_tensors, other.input_tensors),
            tensors(one.output_tensors, other.output_tensors),
        )
        if read is one.input_tensors and given is one.output_tensors:
            return one
        return replace(one, input_tensors=read, output_tensors=given)

    return replace(
        first,
        inputs=tensors(first.inputs, second.inputs),
        outputs=tensors(first.outputs, second.outputs),
        layers=tuple(map(layer, first.layers, second.layers)),
    )


def check_even(first: Summary, second: Summary, sizes: tuple[int, int], batch: int) -> None:
    """Whether the network has whole sizes at a batch.

    Raises:
        NotLinearError: as ``at_batch`` does.
    """
    pairs: set[tuple[Shape, Shape]] = set()
    for one, other in zip(first.layers, second.layers, strict=True):
        for tensor, larger in zip(one.output_tensors, other.output_tensors, strict=True):
            pairs.add((tensor.shape, larger.shape))
    for shape, larger_shape in pairs:
        _shape(shape, larger_shape, sizes, batch)


def _shape(one: Shape, other: Shape, sizes: tuple[int, int], batch: int) -> Shape:
    if len(one) != len(other):
        raise NotLinearError
    found = []
    for size, larger in zip(one, other, strict=True):
        more, rest = divmod((larger - size) * (batch - sizes[0]), sizes[1] - sizes[0])
        if rest or size + more < 0:
            raise NotLinearError
        found.append(size + more)
    if sum(size != larger for size, larger in zip(one, other, strict=True)) > 1:
        raise NotLinearError
    return tuple(found)


def largest(peak: Callable[[int], int], memory: int, start: int) -> int:
    """The largest batch whose peak is within a memory; 0 if not even one image is.

    ``peak`` gives the bytes of a batch and grows with it. It is asked about as many times as a secant needs: few, where
    it grows evenly.

    Raises:
        OverflowError: any batch fits, as the peak doesn't grow.
    """
    fits, exceeds = 0, 0  # the largest batch known to fit, and the smallest known not to; 0: none is known
    known: dict[int, int] = {}
    batch = start
    while not exceeds or exceeds - fits > 1:
        known[batch] = peak(batch)
        if known[batch] <= memory:
            fits = batch
            if fits >= MOST:
                raise OverflowError
        else:
            exceeds = batch
            if batch == 1:
                return 0
        batch = _next(known, memory, fits, exceeds)
    return fits


def _next(known: dict[int, int], memory: int, fits: int, exceeds: int) -> int:
    """Where the line through the two sizes that are known best reaches the memory; halfway, where that is not news."""
    if len(known) == 1:
        (batch,) = known
        return 2 * batch if fits else max(1, batch // 2)
    below, above = sorted(sorted(known, key=lambda size: abs(known[size] - memory))[:2])
    slope = known[above] - known[below]
    guess = below + (memory - known[below]) * (above - below) // slope if slope > 0 else 2 * max(known)
    if not exceeds:
        return min(max(guess, fits + 1), MOST)
    if fits < guess < exceeds:
        return guess
    if guess == fits:
        return fits + 1
    if guess == exceeds:
        return exceeds - 1
    return (fits + exceeds) // 2
