"""What a training step holds in memory, from its first operation to its last; all in bytes.

The step is one of many: the optimizer has its states, and ``zero_grad`` has removed the gradients of the step before, as
torch does unless it is asked not to. The loss is the sum of the network's outputs, which keeps nothing. Not included are
workspaces of kernels, the allocator's rounding and the framework's own megabytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...ir import HELD, Summary
from .. import memory
from .operations import Operation, operations
from .optimizers import states, temporaries
from .plan import Plan

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


@dataclass(frozen=True, slots=True)
class Step:
    """A layer at work. ``phase`` is ``forward``, ``recompute``, ``backward`` or ``optimizer``, ``layer`` a layer's id.

    ``parts`` are bytes for each of ``PARTS``; ``saved`` are outputs that the backward pass still needs, ``outputs`` those
    that only the forward pass does.
    """

    phase: str
    layer: str
    parts: tuple[int, ...]

    @property
    def live(self) -> int:
        """All of it."""
        return sum(self.parts)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A training step. Where layers are ``unknown``, or the width of an element is, all numbers are lower bounds."""

    steps: tuple[Step, ...]
    #: How many layers keep what nobody knows.
    unknown: int = 0

    @property
    def peak(self) -> Step | None:
        """The first of the steps that hold the most; None of a network without layers."""
        return max(self.steps, key=lambda step: step.live, default=None)

    @property
    def parts(self) -> dict[str, int]:
        """What the peak consists of."""
        return dict(zip(PARTS, self.peak.parts if self.peak else (0,) * len(PARTS), strict=True))


class _Ledger:
    """Bytes of each part over time, as differences: linear in what is written."""

    def __init__(self) -> None:
        self.changes: dict[str, defaultdict[int, int]] = {part: defaultdict(int) for part in PARTS}

    def hold(self, part: str, size: int, first: int, last: int) -> None:
        """Bytes that are there from one time to another, both among it."""
        if size and first <= last:
            self.changes[part][first] += size
            self.changes[part][last + 1] -= size

    def over(self, times: int) -> Iterator[tuple[int, ...]]:
        now = [0] * len(PARTS)
        changes = list(self.changes.values())
        for time in range(times):
            for place, change in enumerate(changes):
                now[place] += change.get(time, 0)
            yield tuple(now)


@dataclass(slots=True)
class _Gradient:
    """A buffer of gradients: its bytes, when it came and when it was last needed, and for how many it waits."""

    size: int
    first: int
    last: int
    waiting: int = 0


def timeline(summary: Summary, plan: Plan) -> Timeline:
    """Follow a training step through forward pass, backward pass and the optimizer's step."""
    made, results = operations(summary, plan)
    schedule = _schedule(made, plan)
    forward = {operation: time for time, (phase, operation) in enumerate(schedule) if phase == "forward"}
    backward = {operation: time for time, (phase, operation) in enumerate(schedule) if phase == "backward"}
    again = {operation: time for time, (phase, operation) in enumerate(schedule) if phase == "recompute"}
    last = len(schedule)
    ledger = _Ledger()
    _values(ledger, summary, made, results, (forward, backward, again))
    for position, operation in enumerate(made):
        at = forward[position]
        ledger.hold("temporaries", operation.forward, at, at)
        if position in backward:
            first = again.get(position, at)
            ledger.hold("saved", operation.keeps_besides, first, backward[position])
            ledger.hold("temporaries", operation.backward, backward[position], backward[position])
            if position in again:
                ledger.hold("temporaries", operation.keeps_besides, at, at)
                ledger.hold("temporaries", operation.forward, first, first)
    _output_gradients(ledger, made, backward)
    _held(ledger, summary, plan, made, backward, last)
    names = [(phase, made[position].layer) for phase, position in schedule] + [("optimizer", "")]
    return Timeline(tuple(_steps(names, ledger.over(last + 1))), len({o.layer for o in made if o.unknown}))


def _schedule(made: Sequence[Operation], plan: Plan) -> list[tuple[str, int]]:
    """What runs when: (phase, operation). A checkpointed module runs again before its backward pass."""
    schedule = [("forward", position) for position in range(len(made))]
    segments = _segments(made, plan)
    done: set[range] = set()
    for position in reversed(range(len(made))):
        if not made[position].differentiated:
            continue
        segment = segments.get(position)
        if segment is not None and segment not in done:
            done.add(segment)
            schedule += [("recompute", other) for other in segment]
        schedule.append(("backward", position))
    return schedule


def _segments(made: Sequence[Operation], plan: Plan) -> dict[int, range]:
    """The run of operations that is computed again as one, for each operation in a checkpointed module."""
    if not plan.checkpoint:
        return {}
    found: dict[int, range] = {}
    known: dict[str, str | None] = {}
    start, current = 0, None
    for position in range(len(made) + 1):
        module = None
        if position < len(made):
            path = made[position].path
            if path not in known:
                names = path.split(".")
                known[path] = next(
                    (m for m in (".".join(names[:n]) for n in range(1, len(names) + 1)) if plan.checkpoints(m)), None
                )
            module = known[path]
        if module != current:
            if current is not None:
                found.update(dict.fromkeys(range(start, position), range(start, position)))
            start, current = position, module
    return found


def _values(
    ledger: _Ledger,
    summary: Summary,
    made: Sequence[Operation],
    results: dict[str, int],
    times: tuple[dict[int, int], dict[int, int], dict[int, int]],
) -> None:
    """Results of operations: until the last reader of the forward pass, or of the backward pass if that keeps them."""
    forward, backward, again = times
    owner = _owners(made)
    ends = list(range(len(made)))
    for position, operation in enumerate(made):
        for read in operation.reads:
            ends[owner[read]] = max(ends[owner[read]], position)
        ends[owner[position]] = max(ends[owner[position]], position)
        if operation.cached:
            ends[position] = len(made) - 1
    called = [layer for layer in summary.layers if layer.called]
    last_of = {operation.layer: position for position, operation in enumerate(made)}
    owners = memory.owners_of(called, training=True)
    for layer, index in memory.ends_of(called, owners).items():
        place = owner[results[layer]]
        ends[place] = max(ends[place], last_of[called[index].id])
    ends[owner[len(made) - 1]] = len(made) - 1 if made else 0

    # The last backward pass that needs each value: of those that ran once, and of those that ran again.
    kept: dict[int, int] = {}
    kept_again: dict[int, int] = {}
    for position, operation in enumerate(made):
        if position not in backward:
            continue
        for value in operation.keeps:
            place = owner[value]
            # What is computed again reads the memory that was computed again, if it stands in the same run.
            of_again = position in again and place in again and backward[position] >= again[place] >= 0
            same = of_again and _same_run(again, place, position)
            target = kept_again if same else kept
            target[place] = max(target.get(place, 0), backward[position])
    for position, operation in enumerate(made):
        if position in again:
            # What a module is called with is kept until it has run again, backward.
            for read in operation.reads:
                if not (owner[read] in again and _same_run(again, owner[read], position)):
                    kept[owner[read]] = max(kept.get(owner[read], 0), backward.get(position, again[position]))
    for position, operation in enumerate(made):
        if owner[position] != position or operation.of_weight:
            continue
        size, at, end = operation.size, forward[position], forward[ends[position]]
        if operation.layer in results and operation.gradient and _is_input(summary, operation.layer):
            ledger.hold("input", size, 0, max(forward | backward | again, default=0) and 10**18)
            continue
        if position in kept:
            ledger.hold("saved", size, at, max(kept[position], end))
        else:
            ledger.hold("outputs", size, at, end)
        if position in again:
            start = again[position]
            finish = again.get(ends[position], start)
            if position in kept_again:
                ledger.hold("saved", size, start, max(kept_again[position], finish))
            else:
                ledger.hold("outputs", size, start, max(start, finish))


def _same_run(again: dict[int, int], first: int, second: int) -> bool:
    """Whether two operations are computed again one after the other, without a break."""
    return again[second] - again[first] == second - first


def _is_input(summary: Summary, layer: str) -> bool:
    return layer in {given.id for given in summary.layers if given.op == "input"}


def _owners(made: Sequence[Operation]) -> list[int]:
    owner: list[int] = []
    for position, operation in enumerate(made):
        owner.append(position if operation.within is None else owner[operation.within])
    return owner


def _output_gradients(ledger: _Ledger, made: Sequence[Operation], backward: dict[int, int]) -> None:
    """Gradients of results: from the first reader whose backward pass runs until that of the operation itself.

    A second gradient is added to the first in place, or in new memory if somebody else still reads the first.
    """
    waiting: dict[int, _Gradient] = {}
    buffers: list[_Gradient] = []

    def new(size: int, time: int) -> _Gradient:
        buffers.append(_Gradient(size, time, time))
        return buffers[-1]

    nothing = _Gradient(0, 0, 0)
    for position in sorted(backward, key=lambda p: backward[p]):
        time, operation = backward[position], made[position]
        given = waiting.pop(position, None)
        if given is None:
            given = nothing  # the gradient of the loss is one number, seen in the shape of the result
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


def _held(
    ledger: _Ledger,
    summary: Summary,
    plan: Plan,
    made: Sequence[Operation],
    backward: dict[int, int],
    last: int,
) -> None:
    """Parameters, what is kept beside them, their gradients, and the optimizer's states and temporaries."""
    sizes: dict[str, int] = {}
    for layer in summary.layers:
        for parameter in layer.parameters:
            part = "statistics" if parameter.role in HELD else "weights"
            ledger.hold(part, parameter.bytes or 0, 0, last)
    for position in sorted(backward, key=lambda p: backward[p]):
        time = backward[position]
        for parameter in made[position].trained:
            size = parameter.bytes or 0
            if parameter.name in sizes or plan.accumulate > 1:
                ledger.hold("temporaries", size, time, time)  # added to the gradient that is there
            if parameter.name not in sizes:
                sizes[parameter.name] = size
                ledger.hold("gradients", size, 0 if plan.accumulate > 1 else time, last)
                ledger.hold("optimizer_states", states(plan.optimizer, parameter.shape, size), 0, last)
                if parameter.name.endswith((".lora_A", ".lora_B")):
                    ledger.hold("weights", size, 0, last)
    ledger.hold("temporaries", temporaries(plan.optimizer, plan.implementation, list(sizes.values())), last, last)


def _steps(names: Sequence[tuple[str, str]], parts: Iterator[tuple[int, ...]]) -> Iterator[Step]:
    """One step for each layer and phase: of its operations, the one that holds the most."""
    current: Step | None = None
    for (phase, layer), held in zip(names, parts, strict=True):
        step = Step(phase, layer, held)
        if current is not None and (current.phase, current.layer) == (phase, layer):
            current = replace(current, parts=max(current.parts, held, key=sum))
        else:
            if current is not None:
                yield current
            current = step
    if current is not None:
        yield current
