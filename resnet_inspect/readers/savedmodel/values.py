"""What is known of the values of a TensorFlow graph: each operation needs the sizes of what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...ir import UNKNOWN, Shape, Tensor
from .arithmetic import results
from .calls import Call
from .description import Described, describe
from .graph import Loop, Operation, Value
from .loops import rounds_of
from .shapes import item_of

_Key = tuple[int | None, int]
#: How often a loop is gone round to see which sizes stay.
_ROUNDS = 3


class Values:
    """The sizes, the layouts and, of shapes, the numbers of values; and the layers that made them."""

    def __init__(self) -> None:
        self._known: dict[_Key, Tensor] = {}
        self._numbers: dict[_Key, Any] = {}
        #: Sizes of each tensor in a list of tensors.
        self._items: dict[_Key, Shape] = {}
        self._sources: dict[int | None, str] = {}

    def learn(self, value: Value, tensor: Tensor | None) -> None:
        """Sets what a value is; None where its sizes aren't known."""
        if tensor is None:
            self._known.pop(_key(value), None)
        else:
            self._known[_key(value)] = tensor

    def known(self, value: Value) -> Tensor | None:
        """What a value is, if all its sizes are known."""
        if value.source is None:
            return None if value.dims is None or -1 in value.dims else Tensor(value.dims, value.dtype)
        return self._known.get(_key(value))

    def tensor(self, value: Value) -> Tensor:
        """Its sizes, type and layout; UNKNOWN if the sizes aren't known."""
        return self.known(value) or UNKNOWN

    def source(self, value: Value) -> str | None:
        """The id of the layer that made it; None if it depends on no input."""
        return self._sources.get(value.source)

    def produced(self, value: Value, layer: str, layout: str | None) -> None:
        """Records the layer that produced it, and its layout."""
        assert value.source is not None  # a constant has no layer
        self._sources[value.source] = layer
        if (tensor := self.known(value)) is not None:
            self.learn(value, replace(tensor, layout=layout))

    def infer(self, operation: Operation, wanted: str | None = None) -> Described:
        """Describes an operation and learns what it gives; ``wanted`` is the layout that a reader of it wants."""
        numbers = (
            value.constant if value.source is None else self._numbers.get(_key(value)) for value in operation.reads
        )
        items = (self._items.get(_key(value)) for value in operation.reads)
        call = Call(operation, tuple(map(self.known, operation.reads)), tuple(numbers), tuple(items))
        described = describe(call, wanted)
        worked_out = () if operation.flows else results(call, described.outputs)
        for value, tensor in zip(operation.gives, described.outputs, strict=True):
            self.learn(value, tensor)
            self._numbers.pop(_key(value), None)
            self._set_item(value, item_of(call))
        for value, array in zip(operation.gives, worked_out, strict=False):
            self._numbers[_key(value)] = array
        if operation.loop is not None:
            return self._gone_round(described, operation, operation.loop, call.numbers)
        return described

    def _gone_round(self, described: Described, operation: Operation, loop: Loop, numbers: Sequence[Any]) -> Described:
        """What a loop gives has the sizes that its variables begin with, if a round changes none of them.

        What a round does change is taken for unknown in the next one; where that never ends, nothing is known. A list
        that is filled in the loop has what each round puts into it. The multiply-adds are those of all rounds.
        """
        begins = [self.known(value) for value in operation.reads]
        lists = [self._items.get(_key(value)) for value in operation.reads]
        for _ in range(_ROUNDS):
            for value, tensor, item in zip(loop.given, begins, lists, strict=True):
                self.learn(value, tensor)
                self._set_item(value, item)
            inside = [self.infer(inner) for inner in (*loop.test_operations, *loop.operations)]
            ends = [self.known(value) for value in loop.results]
            filled = [self._items.get(_key(value)) for value in loop.results]
            changed = [
                (begin is not None and (end is None or end.shape != begin.shape)) or (before not in (None, after))
                for begin, end, before, after in zip(begins, ends, lists, filled, strict=True)
            ]
            if not any(changed):
                for value, begin, item in zip(operation.gives, begins, filled, strict=True):
                    self.learn(value, begin)
                    self._set_item(value, item)
                return _of_rounds(described, inside, loop, rounds_of(loop, numbers, self.known))
            begins = [None if is_new else begin for begin, is_new in zip(begins, changed, strict=True)]
            lists = [None if is_new else item for item, is_new in zip(lists, changed, strict=True)]
        return described

    def _set_item(self, value: Value, item: Shape | None) -> None:
        if item is None:
            self._items.pop(_key(value), None)
        else:
            self._items[_key(value)] = item


def _key(value: Value) -> _Key:
    return value.source, value.index


def _of_rounds(described: Described, inside: Sequence[Described], loop: Loop, rounds: int | None) -> Described:
    """A loop with the multiply-adds of so many rounds, and of the test after the last; None of which nobody knows."""
    least, is_known = 0, True
    for place, part in enumerate(inside):
        # A loop of which nothing is known may end before its first round.
        times = (rounds or 0) + (place < len(loop.test_operations))
        least += times * (part.macs_at_least if part.macs is None else part.macs)
        is_known &= part.macs == 0 or (part.macs is not None and rounds is not None)
    attributes = described.attributes if rounds is None else (*described.attributes, ("steps", rounds))
    macs, least = (least, 0) if is_known else (None, least)
    return described._replace(attributes=attributes, macs=macs, macs_at_least=least)
