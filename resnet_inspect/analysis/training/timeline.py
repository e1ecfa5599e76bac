"""What a training step holds in memory, from its first operation to its last; all in bytes.

The optimizer has its states already, and ``zero_grad`` has removed the gradients of the step before, which is torch's
default. The loss is the sum of the network's outputs, which keeps nothing. Not included are workspaces of kernels, the
allocator's rounding and the framework's own megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, groupby
from operator import itemgetter
from typing import NamedTuple

from ...ir import HELD, Layer, Parameter, Summary
from .. import memory
from .operation import Operation
from .operations import operations
from .optimizers import states, temporaries
from .plan import LOWER, Plan
from .schedule import Schedule, schedule

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


class Forward(NamedTuple):
    """A forward pass of a summary, however it is trained: the layers that ran, which read one another alone, and the
    place among them of the last one during which the memory of each layer that has its own is needed. ``weights`` are
    the bytes of parameters, ``statistics`` those of what is held beside them.
    """

    summary: Summary
    called: Sequence[Layer]
    ends: Mapping[str, int]
    weights: int
    statistics: int


class Step(NamedTuple):
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


@dataclass(frozen=True)
class Timeline:
    """A training step. Where layers are ``unknown``, or the width of an element is, all numbers are lower bounds."""

    #: The phase and the layer of each operation, in the order of time.
    order: tuple[tuple[str, str], ...]
    #: What each of ``PARTS`` holds in bytes during each operation.
    held: tuple[tuple[int, ...], ...] = field(repr=False)
    #: The layers of which nobody knows what they keep.
    unknown: tuple[str, ...] = ()
    #: The operations of the forward pass.
    made: tuple[Operation, ...] = field(default=(), repr=False)
    #: What the optimizer changes, in its order.
    trained: tuple[Parameter, ...] = field(default=(), repr=False)
    #: The forward pass and the plan that it follows; None where nothing is trained.
    followed: tuple[Forward, Plan] | None = field(default=None, repr=False)

    @cached_property
    def live(self) -> tuple[int, ...]:
        """Bytes alive during each operation."""
        return tuple(map(sum, self.held))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """One step for each layer and phase: of its operations, the one that holds the most."""
        both = groupby(zip(self.order, self.held, strict=True), key=itemgetter(0))
        return tuple(
            Step(phase, layer, max((held for _, held in together), key=sum)) for (phase, layer), together in both
        )

    @cached_property
    def peak(self) -> Step | None:
        """The first of the steps that hold the most; None where nothing runs."""
        return max(self.steps, key=lambda step: step.live, default=None)

    def is_like(self, other: Timeline) -> bool:
        """Whether the same happens in both, but for sizes."""
        same = map(_is_like, self.made, other.made)
        return (len(self.made), len(self.live)) == (len(other.made), len(other.live)) and all(same)

    @property
    def parts(self) -> dict[str, int]:
        """What the peak consists of."""
        return dict(zip(PARTS, self.peak.parts if self.peak else (0,) * len(PARTS), strict=True))


def _is_like(one: Operation, other: Operation) -> bool:
    return (one.layer, one.reads, one.within, one.keeps, one.gradient, one.differentiated) == (
        (other.layer, other.reads, other.within, other.keeps, other.gradient, other.differentiated)
    )


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


@dataclass(slots=True, eq=False, repr=False)
class _Gradient:
    """A buffer of gradients: its bytes, when it came and when it was last needed, and for how many it waits."""

    size: int
    first: int
    last: int
    waiting: int = 0


def timeline(summary: Summary, plan: Plan, before: Timeline | None = None) -> Timeline:
    """Follow a training step through forward pass, backward pass and the optimizer's step.

    ``before`` is an earlier timeline of the same network. What both have in common isn't worked out again.
    """
    earlier = before.followed if before else None
    forward = _forward(summary, earlier[0] if earlier else None)
    if before and earlier and earlier[0] is forward and earlier[1].runs_as(plan):
        made: Sequence[Operation] = before.made
    else:
        made = operations(summary, forward.called, plan)
    order = schedule(made, plan, {path for path, _ in summary.modules})
    last = len(order.steps)
    ledger = _Ledger(last + 1)
    _values(ledger, forward, made, order)
    for position, operation in enumerate(made):
        if operation.forward:
            ledger.hold("temporaries", operation.forward, position, position)
        if position in order.backward and (operation.keeps_besides or operation.backward or operation.forward):
            end = order.backward[position]
            again = order.again.get(position)
            ledger.hold("saved", operation.keeps_besides, position if again is None else again, end)
            ledger.hold("temporaries", operation.backward, end, end)
            if again is not None:
                ledger.hold("temporaries", operation.keeps_besides, position, position)
                ledger.hold("temporaries", operation.forward, again, again)
    _output_gradients(ledger, made, order.backward)
    trained = _held(ledger, forward, plan, made, order.backward, before.trained if before else ())
    names = (*((phase, made[position].layer) for phase, position in order.steps), ("optimizer", ""))
    unknown = tuple(dict.fromkeys(operation.layer for operation in made if operation.unknown))
    known = unknown if summary.has_graph else _all(summary)
    return Timeline(names, ledger.over(), known, tuple(made), trained, (forward, plan))


def with_optimizer(found: Timeline, before: Plan, plan: Plan) -> int:
    """The peak of a timeline, in bytes, where another optimizer steps than in the plan ``before`` that it follows.

    Its states are there all the time, and what its step needs beside them is there in the last.
    """
    sizes = [parameter.bytes or 0 for parameter in found.trained]
    kept = _states(plan, found.trained, sizes) - _states(before, found.trained, sizes)
    old, new = (temporaries(each.optimizer, each.implementation, sizes) for each in (before, plan))
    *others, last = found.live
    return kept + max((*others, last - old + new))


def _forward(summary: Summary, before: Forward | None) -> Forward:
    """The layers that ran. A stranger's summary may say that they read others, too: these edges aren't there."""
    if before and before.summary is summary:
        return before
    ran = {layer.id for layer in summary.layers if layer.called}
    called = [
        layer if ran.issuperset(layer.inputs) else replace(layer, inputs=tuple(x for x in layer.inputs if x in ran))
        for layer in summary.layers
        if layer.called
    ]
    if before and len(called) == len(before.called) and all(map(_share_alike, called, before.called)):
        ends = before.ends
    else:
        ends = memory.ends_of(called, memory.owners_of(called, training=True))
    return Forward(summary, called, ends, *_weights(summary))


def _share_alike(one: Layer, other: Layer) -> bool:
    """Whether two layers need the memory of the same others, and as long as they run."""
    return (one.id, one.path, one.op, one.inputs, one.view, one.attributes) == (
        (other.id, other.path, other.op, other.inputs, other.view, other.attributes)
    )


def inference(summary: Summary) -> Timeline:
    """What one forward pass without gradients holds: ``memory.live_bytes`` beside the weights."""
    weights, statistics = _weights(summary)
    given = sum(layer.stored_bytes or 0 for layer in summary.layers if layer.op == "input")
    live = memory.live_bytes(summary)
    ran = [layer.id for layer in summary.layers if layer.called and layer.op != "input"] or [""]
    held = {"weights": weights, "statistics": statistics, "input": given}
    sizes = ({**held, "outputs": max((live.get(layer) or 0) - given, 0)} for layer in ran)
    unknown = tuple(layer for layer, size in live.items() if size is None)
    return Timeline(
        tuple(("forward", layer) for layer in ran),
        tuple(tuple(parts.get(part, 0) for part in PARTS) for parts in sizes),
        unknown if summary.has_graph else _all(summary),
    )


def _all(summary: Summary) -> tuple[str, ...]:
    """The unknown layers where nothing ran: all of them, or the network itself where none is known."""
    return tuple(layer.id for layer in summary.layers) or (summary.model.name,)


def _weights(summary: Summary) -> tuple[int, int]:
    """Bytes of parameters, and of what is held beside them."""
    weights = held = 0
    for layer in summary.layers:
        for parameter in layer.parameters:
            if parameter.role in HELD:
                held += parameter.bytes or 0
            else:
                weights += parameter.bytes or 0
    return weights, held


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


def _held(
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
    ledger.hold("optimizer_states", _states(plan, trained, sizes), 0, last)
    ledger.hold("temporaries", temporaries(plan.optimizer, plan.implementation, sizes), last, last)
    return trained


def _states(plan: Plan, trained: Iterable[Parameter], sizes: Iterable[int]) -> int:
    return sum(states(plan.optimizer, p.shape, size) for p, size in zip(trained, sizes, strict=True))
