"""What a training step holds from one time to another, in bytes, by what it is held for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from ...ir import Parameter
from .forward import Forward
from .operation import Operation
from .optimizers import states, temporaries
from .plan import LOWER, Plan
from .schedule import Schedule

#: What memory is held for.
PARTS = (
    "weights",
    "statistics",
    "input",
    "gradients",
    "optimizer_states",
    "saved",
    "outputs",
    "output_gradients",
    "temporaries",
)


def held_over_time(
    forward: Forward, plan: Plan, made: Sequence[Operation], order: Schedule, before: Sequence[Parameter]
) -> tuple[tuple[tuple[int, ...], ...], tuple[Parameter, ...]]:
    """What each of ``PARTS`` holds at each time of a schedule and during the optimizer's step, which comes last.

    Beside it what is trained, in the optimizer's order: that of ``before``, if the same was trained then.
    """
    ledger = _Ledger(len(order.steps) + 1)
    _values(ledger, forward, made, order)
    _besides(ledger, made, order)
    _output_gradients(ledger, made, order.backward)
    trained = _parameters(ledger, forward, plan, made, order.backward, before)
    return ledger.over(), trained


def optimizer_states(plan: Plan, trained: Iterable[Parameter], sizes: Iterable[int]) -> int:
    """Bytes that the optimizer keeps for what is trained, whose ``sizes`` are bytes, too."""
    return sum(states(plan.optimizer, p.shape, size) for p, size in zip(trained, sizes, strict=True))


class _Ledger:
    """Bytes of each part over time, as differences: linear in what is written."""

    def __init__(self, times: int) -> None:
        self.changes = {part: [0] * (times + 1) for part in PARTS}

    def hold(self, part: str, size: int, first: int, last: int) -> None:
        """Bytes that are there from one time to another, both among it."""
        if size and first <= last:
            change = self.changes[part]
            change[first] += size
            change[last + 1] -= size

    def over(self) -> tuple[tuple[int, ...], ...]:
        """What each part holds at each time."""
        return tuple(zip(*(accumulate(change[:-1]) for change in self.changes.values()), strict=True))


class _Gradient:
    """A buffer of gradients: its bytes, when it came and when it was last needed, and for how many it waits."""

    __slots__ = ("first", "last", "size", "waiting")

    def __init__(self, size: int, time: int) -> None:
        self.size = size
        self.first = self.last = time
        self.waiting = 0


def _values(ledger: _Ledger, forward: Forward, made: Sequence[Operation], order: Schedule) -> None:
    """Results of operations: until the last reader of the forward pass, or of the backward pass if that keeps them."""
    backward, again, runs = order.backward, order.again, order.runs
    owner = _owners(made)
    ends = _ends(forward, made, owner)
    # The last backward pass that needs each value, and each value that was computed again.
    kept: dict[int, int] = {}
    kept_again: dict[int, int] = {}
    for position, end in backward.items():
        for value in made[position].keeps:
            place = owner[value]
            target = kept_again if runs and order.are_in_one_run(place, position) else kept
            if target.get(place, 0) < end:
                target[place] = end
    for position, run in runs.items():
        # A checkpoint keeps what its module was called with until its last backward pass.
        if run in order.spans:
            end = backward.get(position, order.spans[run][0])
            for place in (owner[read] for read in made[position].reads):
                if not order.are_in_one_run(place, position):
                    kept[place] = max(kept.get(place, 0), end)

    given = {layer.id for layer in forward.called if layer.op == "input"}
    for position, operation in enumerate(made):
        if owner[position] != position or operation.of_weight:
            continue
        size = operation.size
        if operation.layer in given:
            ledger.hold("input", size, 0, len(order.steps))
            continue
        part = "saved" if position in kept else "outputs"
        ledger.hold(part, size, position, max(kept.get(position, 0), ends[position]))
        if position in again:
            first = again[position]
            # What nobody reads in the run is its result; what is read after its end lives until then.
            end = first if ends[position] not in runs else again.get(ends[position], order.spans[runs[position]][1])
            part = "saved" if position in kept_again else "outputs"
            ledger.hold(part, size, first, max(kept_again.get(position, 0), end, first))


def _ends(forward: Forward, made: Sequence[Operation], owner: Sequence[int]) -> list[int]:
    """For each operation the last one of the forward pass that needs its memory."""
    ends = list(range(len(made)))
    last_of: dict[str, int] = {}
    cached: list[int] = []
    for position, operation in enumerate(made):
        last_of[operation.layer] = position
        for read in operation.reads:
            ends[owner[read]] = position
        ends[owner[position]] = position
        if operation.cached:
            cached.append(position)
    for position in cached:
        ends[position] = len(made) - 1
    for layer, index in forward.ends.items():
        place = owner[last_of[layer]]
        ends[place] = max(ends[place], last_of[forward.called[index].id])
    return ends


def _owners(made: Sequence[Operation]) -> list[int]:
    owner: list[int] = []
    for position, operation in enumerate(made):
        owner.append(position if operation.within is None else owner[operation.within])
    return owner


def _besides(ledger: _Ledger, made: Sequence[Operation], order: Schedule) -> None:
    """What operations keep beside values, until their backward pass, and what they need while they run."""
    for position, operation in enumerate(made):
        if operation.forward:
            ledger.hold("temporaries", operation.forward, position, position)
        if position in order.backward and (operation.keeps_besides or operation.forward):
            again = order.again.get(position)
            first = position if again is None else again
            ledger.hold("saved", operation.keeps_besides, first, order.backward[position])
            if again is not None:
                ledger.hold("temporaries", operation.keeps_besides, position, position)
                ledger.hold("temporaries", operation.forward, again, again)


def _output_gradients(ledger: _Ledger, made: Sequence[Operation], backward: dict[int, int]) -> None:
    """Gradients of results: from the first reader whose backward pass runs until that of the operation itself.

    A second gradient is added to the first in place, or in new memory if somebody else still reads the first.
    """
    waiting: dict[int, _Gradient] = {}
    buffers: list[_Gradient] = []

    def new(size: int, time: int) -> _Gradient:
        buffers.append(_Gradient(size, time))
        return buffers[-1]

    nothing = _Gradient(0, 0)
    for position, time in backward.items():
        operation = made[position]
        given = waiting.pop(position, None)
        if given is None:
            # The gradient of the loss is one number, seen in the shape of the result. Autocast sums in float32, so that
            # it gets memory if the result isn't.
            given = new(operation.size, time) if operation.dtype in LOWER.values() else nothing
        given.last = max(given.last, time)
        given.waiting -= 1
        for read in operation.reads:
            source = made[read]
            if not source.differentiated:
                continue
            if operation.gradient == "same" and source.dtype == operation.dtype and source.size <= operation.size:
                passed = given
            elif operation.gradient == "view":
                passed = nothing
            else:
                passed = new(source.size, time)
            before = waiting.get(read)
            if before is None:
                waiting[read] = passed
                passed.waiting += 1
            elif before.waiting == 1 and before is not nothing and before is not passed:
                before.last = max(before.last, time)
                passed.last = max(passed.last, time)
            else:
                before.waiting -= 1
                before.last = passed.last = time
                waiting[read] = new(source.size, time)
                waiting[read].waiting = 1
    for buffer in buffers:
        ledger.hold("output_gradients", buffer.size, buffer.first, buffer.last)


def _parameters(
    ledger: _Ledger,
    forward: Forward,
    plan: Plan,
    made: Sequence[Operation],
    backward: dict[int, int],
    before: Sequence[Parameter],
) -> tuple[Parameter, ...]:
    """Parameters, what is kept beside them, their gradients, and the optimizer's states and temporaries.

    Gives what is trained, in the optimizer's order: that of ``before``, if the same was trained then.
    """
    last = len(ledger.changes["weights"]) - 2
    weights = forward.weights
    found: dict[str, Parameter] = {}
    size_of: dict[str, int] = {}
    for position, time in backward.items():
        for parameter in made[position].trained:
            name = parameter.name
            is_new = name not in found
            if is_new:
                found[name], size_of[name] = parameter, parameter.bytes or 0
                ledger.hold("gradients", size_of[name], 0 if plan.accumulate > 1 else time, last)
                if name.endswith((".lora_A", ".lora_B")):
                    weights += size_of[name]
            if not is_new or plan.accumulate > 1:
                ledger.hold("temporaries", size_of[name], time, time)  # added to the gradient that is there
    if len(before) == len(found) and all(found.get(parameter.name) is parameter for parameter in before):
        trained = tuple(before)
    else:
        names = [p.name for layer in forward.summary.layers for p in layer.parameters if p.name in found]
        trained = tuple(found[name] for name in dict.fromkeys((*names, *found)))
    sizes = [size_of[parameter.name] for parameter in trained]
    ledger.hold("weights", weights, 0, last)
    ledger.hold("statistics", forward.statistics, 0, last)
    ledger.hold("optimizer_states", optimizer_states(plan, trained, sizes), 0, last)
    ledger.hold("temporaries", temporaries(plan.optimizer, plan.implementation, sizes), last, last)
    return trained
