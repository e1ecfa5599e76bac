"""How often a loop of a TensorFlow graph goes round: its counters are counted, nothing else of it is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...ir import Tensor
from .arithmetic import results
from .calls import Call
from .graph import Loop, Value

#: Operations that are worked out to count rounds. Of a loop that needs more, it is not known how many it makes.
_MOST = 50_000
_Place = tuple[int | None, int]


def rounds_of(loop: Loop, begins: Sequence[Any], known: Callable[[Value], Tensor | None]) -> int | None:
    """The rounds that a loop makes; None if data decides, or they are more than anybody waits for.

    ``begins`` are the numbers that its variables begin with, None where nobody knows them. ``known`` says what sizes a
    value has in each round.
    """
    places = {_place(value): index for index, value in enumerate(loop.given)}
    makers = {_place(value): item for item in (*loop.test_operations, *loop.operations) for value in item.gives}
    # What the test reads of the variables, and what their next values read, until that is all.
    counters: dict[int, None] = {}
    waiting, needed = [loop.test], set[int]()
    while waiting:
        value = waiting.pop()
        if value.source is None:
            continue
        if (index := places.get(_place(value))) is not None:
            if index not in counters:
                counters[index] = None
                waiting.append(loop.results[index])
        elif (maker := makers.get(_place(value))) is None:
            return None
        elif id(maker) not in needed:
            needed.add(id(maker))
            waiting += maker.reads
    order = [item for item in (*loop.test_operations, *loop.operations) if id(item) in needed]
    numbers = {_place(loop.given[index]): begins[index] for index in counters}
    if any(number is None for number in numbers.values()):
        return None

    def number(value: Value) -> Any:
        return value.constant if value.source is None else numbers.get(_place(value))

    for rounds in range(_MOST // max(len(order), 1)):
        for item in order:
            call = Call(item, tuple(map(known, item.reads)), tuple(map(number, item.reads)))
            found = results(call, [known(value) for value in item.gives])
            if not found:
                return None
            numbers.update((_place(value), array) for value, array in zip(item.gives, found, strict=True))
        goes_on = number(loop.test)
        if goes_on is None or goes_on.size != 1:
            return None
        if not goes_on.item():
            return rounds
        following = {_place(loop.given[index]): number(loop.results[index]) for index in counters}
        numbers.update(following)
    return None


def _place(value: Value) -> _Place:
    return value.source, value.index
