"""An operation of a TensorFlow graph beside what is known of the values that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...ir import Shape, Tensor
from .graph import Operation


class UnknownError(LookupError):
    """What an operation reads isn't known beforehand."""


@dataclass(frozen=True, slots=True)
class Call:
    """``reads`` are what the operation reads, each with all its sizes if they are known.

    ``numbers`` are their elements, an array each, where these are a few and known beforehand. ``items`` are the sizes
    of each tensor in what is a list of tensors.
    """

    operation: Operation
    reads: tuple[Tensor | None, ...]
    numbers: tuple[Any, ...]
    items: tuple[Shape | None, ...] = ()

    @property
    def kind(self) -> str:
        """The operation's kind, ``Conv2D``."""
        return self.operation.kind

    def tensor(self, position: int) -> Tensor | None:
        """What is read at a position, if it is there and its sizes are known."""
        return self.reads[position] if -len(self.reads) <= position < len(self.reads) else None

    def shape(self, position: int) -> Shape:
        """The sizes of what is read at a position.

        Raises:
            UnknownError: they aren't known.
        """
        tensor = self.tensor(position)
        if tensor is None:
            raise UnknownError(position)
        return tensor.shape

    def shapes(self) -> Sequence[Shape]:
        """The sizes of all that is read.

        Raises:
            UnknownError: some aren't known.
        """
        return [self.shape(position) for position in range(len(self.reads))]

    def item(self, position: int) -> Shape:
        """The sizes of each tensor in a list that is read.

        Raises:
            UnknownError: they aren't known.
        """
        found = self.items[position] if position < len(self.items) else None
        if found is None:
            raise UnknownError(position)
        return found

    def array(self, position: int) -> Any:
        """The elements of what is read at a position.

        Raises:
            UnknownError: they aren't known.
        """
        found = self.numbers[position] if -len(self.numbers) <= position < len(self.numbers) else None
        if found is None:
            raise UnknownError(position)
        return found

    def whole(self, position: int) -> tuple[int, ...]:
        """Those elements as whole numbers in a row: sizes, axes.

        Raises:
            UnknownError: they aren't known.
        """
        return tuple(int(item) for item in self.array(position).flat)

    def integer(self, name: str, default: int = 0) -> int:
        """A setting that is a whole number."""
        return int(self.operation.attributes[name].i) if name in self.operation.attributes else default

    def integers(self, name: str) -> tuple[int, ...]:
        """A setting that is a row of whole numbers."""
        return tuple(self.operation.attributes[name].list.i) if name in self.operation.attributes else ()

    def flag(self, name: str) -> bool:
        """A setting that is true or false."""
        return name in self.operation.attributes and bool(self.operation.attributes[name].b)

    def text(self, name: str) -> str:
        """A setting that is a word."""
        return self.operation.attributes[name].s.decode() if name in self.operation.attributes else ""

    def index(self, rank: int) -> list[slice | int | None]:
        """What a StridedSlice takes along each of ``rank`` dimensions; None for one that is new.

        Raises:
            UnknownError: the numbers in it aren't known.
        """
        begin, end, step = (self.whole(position) for position in (1, 2, 3))
        masks = {name: self.integer(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
        found: list[slice | int | None] = []
        new = bin(masks["new_axis"]).count("1")
        for place in range(len(begin)):
            bit = 1 << place
            if masks["ellipsis"] & bit:
                found += [slice(None)] * (rank + new - len(begin) + 1)
            elif masks["new_axis"] & bit:
                found.append(None)
            elif masks["shrink_axis"] & bit:
                found.append(begin[place])
            else:
                ends = (None if masks["begin"] & bit else begin[place], None if masks["end"] & bit else end[place])
                found.append(slice(*ends, step[place]))
        rest = rank - sum(item is not None for item in found)
        return [*found, *[slice(None)] * rest]
