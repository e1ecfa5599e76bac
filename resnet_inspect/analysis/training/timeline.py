"""What a training step holds in memory, from its first operation to its last; all in bytes.

The optimizer has its states already, and ``zero_grad`` has removed the gradients of the step before, which is torch's
default. The loss is the sum of the network's outputs, which keeps nothing. Not included are workspaces of kernels, the
allocator's rounding and the framework's own megabytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ...ir import HELD, Layer, Summary
from .. import memory
from .operations import Operation, operations
from .optimizers import states, temporaries
from .plan import LOWER, Plan

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
    """A layer at work. ``phase`` is ``forward``, ``recompute``, ``backward`` or ``optimizer``, ``layer`` a layer's id;
    it is "" in the optimizer's step, and where no layer is known to run.

    ``parts`` are bytes for each of ``PARTS``. The outputs of layers are ``saved`` where the backward pass needs them,
    and ``outputs`` where only the forward pass does.
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
    #: The layers of which nobody knows what they keep.
    unknown: tuple[str, ...] = ()

    @property
    def peak(self) -> Step | None:
        """The first of the steps that hold the most; None where nothing runs."""
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
    called = _called(summary)
    made, results = operations(summary, called, plan)
    schedule = _schedule(made, plan, {path for path, _ in summary.modules})
    forward = {operation: time for time, (phase, operation) in enumerate(schedule) if phase == "forward"}
    backward = {operation: time for time, (phase, operation) in enumerate(schedule) if phase == "backward"}
    again = {operation: time for time, (phase, operation) in enumerate(schedule) if phase == "recompute"}
    last = len(schedule)
    ledger = _Ledger()
    _values(ledger, called, made, results, (forward, backward, again), last)
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
    unknown = tuple(dict.fromkeys(operation.layer for operation in made if operation.unknown))
    return Timeline(tuple(_steps(names, ledger.over(last + 1))), unknown if summary.has_graph else _all(summary))


def _called(summary: Summary) -> list[Layer]:
    """The layers that ran. A stranger's summary may say that they read others, too: these edges aren't there."""
    ran = {layer.id for layer in summary.layers if layer.called}
    return [
        layer if ran.issuperset(layer.inputs) else replace(layer, inputs=tuple(x for x in layer.inputs if x in ran))
        for layer in summary.layers
        if layer.called
    ]


def inference(summary: Summary) -> Timeline:
    """What one forward pass without gradients holds: ``memory.live_bytes`` beside the weights."""
    weights, statistics = _weights(summary)
    given = sum(layer.stored_bytes or 0 for layer in summary.layers if layer.op == "input")
    live = memory.live_bytes(summary)
    steps = []
    for layer in summary.layers:
        if layer.called and layer.op != "input":
            held = {"weights": weights, "statistics": statistics, "input": given}
            held["outputs"] = max((live[layer.id] or 0) - given, 0)
            steps.append(Step("forward", layer.id, tuple(held.get(part, 0) for part in PARTS)))
    if not steps:
        held = {"weights": weights, "statistics": statistics, "input": given}
        steps.append(Step("forward", "", tuple(held.get(part, 0) for part in PARTS)))
    unknown = tuple(layer for layer, size in live.items() if size is None)
    return Timeline(tuple(steps), unknown if summary.has_graph else _all(summary))


def _all(summary: Summary) -> tuple[str, ...]:
    """The unknown layers where nothing ran: all of them, or the network itself where none is known."""
    return tuple(layer.id for layer in summary.layers) or (summary.model.name,)


def _weights(summary: Summary) -> tuple[int, int]:
    """Bytes of parameters, and of what is held beside them."""
    parameters = [p for layer in summary.layers for p in layer.parameters]
    held = sum(p.bytes or 0 for p in parameters if p.role in HELD)
    return sum(p.bytes or 0 for p in parameters) - held, held


def _schedule(made: Sequence[Operation], plan: Plan, modules: Collection[str]) -> list[tuple[str, int]]:
    """What runs when: (phase, operation). A checkpointed module runs again before its backward pass."""
    schedule = [("forward", position) for position in range(len(made))]
    segments = _segments(made, plan, modules)
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


def _segments(made: Sequence[Operation], plan: Plan, modules: Collection[str]) -> dict[int, range]:
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
                    (
                        m
                        for m in (".".join(names[:n]) for n in range(1, len(names) + 1))
                        if m in modules and plan.checkpoints(m)
                    ),
                    None,
                )
            module = known[path]
        if module != current:
            if current is not None:
                found.update(dict.fromkeys(range(start, position), range(start, position)))
            start, current = position, module
    return found


def _values(
    ledger: _Ledger,
    called: Sequence[Layer],
    made: Sequence[Operation],
    results: dict[str, int],
    times: tuple[dict[int, int], dict[int, int], dict[int, int]],
    end: int,
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
    last_of = {operation.layer: position for position, operation in enumerate(made)}
    owners = memory.owners_of(called, training=True)
    for layer, index in memory.ends_of(called, owners).items():
        place = owner[results[layer]]
        ends[place] = max(ends[place], last_of[called[index].id])

    # The last backward pass that needs each value, and each value that was computed again.
    kept: dict[int, int] = {}
    kept_again: dict[int, int] = {}
    for position, operation in enumerate(made):
        if position in backward:
            for place in (owner[value] for value in operation.keeps):
                target = kept_again if _same_run(again, place, position) else kept
                target[place] = max(target.get(place, 0), backward[position])
        if position in again:
            # A checkpoint keeps what its module was called with until its last backward pass.
            for place in (owner[read] for read in operation.reads):
                if not _same_run(again, place, position):
                    kept[place] = max(kept.get(place, 0), backward.get(position, again[position]))

    given = {layer.id for layer in called if layer.op == "input"}
    for position, operation in enumerate(made):
        if owner[position] != position or operation.of_weight:
            continue
        size, first, last = operation.size, forward[position], forward[ends[position]]
        if operation.layer in given:
            ledger.hold("input", size, 0, end)
            continue
        part = "saved" if position in kept else "outputs"
        ledger.hold(part, size, first, max(kept.get(position, 0), last))
        if position in again:
            first = again[position]
            last = again.get(ends[position], first)
            part = "saved" if position in kept_again else "outputs"
            ledger.hold(part, size, first, max(kept_again.get(position, 0), last, first))


def _same_run(again: dict[int, int], first: int, second: int) -> bool:
    """Whether two operations are computed again in one run, so that they are as far apart as they were at first."""
    return first in again and second in again and again[second] - again[first] == second - first


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
    weights, statistics = _weights(summary)
    ledger.hold("weights", weights, 0, last)
    ledger.hold("statistics", statistics, 0, last)
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
    names = [p.name for layer in summary.layers for p in layer.parameters if p.name in sizes]
    ordered = [sizes[name] for name in dict.fromkeys((*names, *sizes))]
    ledger.hold("temporaries", temporaries(plan.optimizer, plan.implementation, ordered), last, last)


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
