"""What a training step holds in memory, from its first operation to its last; all in bytes.

The optimizer has its states already, and ``zero_grad`` has removed the gradients of the step before, which is torch's
default. The loss is the sum of the network's outputs, which keeps nothing. Not included are workspaces of kernels, the
allocator's rounding and the framework's own megabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ...ir import Parameter, Summary
from ...ops import vocabulary
from .. import memory
from .forward import Forward, forward, weights_of
from .ledger import PARTS, held_over_time, optimizer_states
from .operation import Operation
from .operations import operations
from .optimizers import temporaries
from .plan import Plan
from .schedule import Schedule, schedule


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


@dataclass(frozen=True, eq=False, repr=False)
class Timeline:
    """A training step. Where layers are ``unknown``, or the width of an element is, all numbers are lower bounds."""

    #: The phase and the layer of each operation, in the order of time.
    order: tuple[tuple[str, str], ...]
    #: What each of ``PARTS`` holds in bytes during each operation.
    held: tuple[tuple[int, ...], ...]
    #: The layers of which nobody knows what they keep.
    unknown: tuple[str, ...] = ()
    #: The operations of the forward pass.
    made: tuple[Operation, ...] = ()
    #: What the optimizer changes, in its order.
    trained: tuple[Parameter, ...] = ()
    #: The forward pass, the plan and the schedule that it follows; None where nothing is trained.
    followed: tuple[Forward, Plan, Schedule] | None = None

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
        if not self.order:
            return None
        when = self.live.index(max(self.live))
        return Step(*self.order[when], self.held[when])

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


def timeline(summary: Summary, plan: Plan, before: Timeline | None = None) -> Timeline:
    """Follow a training step through forward pass, backward pass and the optimizer's step.

    ``before`` is an earlier timeline of the same network. What both have in common isn't worked out again.
    """
    earlier = before.followed if before else None
    passed = forward(summary, earlier[0] if earlier else None)
    if before and earlier and earlier[0] is passed and earlier[1].runs_as(plan):
        made: Sequence[Operation] = before.made
    else:
        made = operations(summary, passed.called, plan)
    order = schedule(made, plan, {path for path, _ in summary.modules})
    held, trained = held_over_time(passed, plan, made, order, before.trained if before else ())
    names = (*((phase, made[position].layer) for phase, position in order.steps), ("optimizer", ""))
    unknown = tuple(dict.fromkeys(operation.layer for operation in made if operation.unknown))
    known = unknown if summary.has_graph else _all(summary)
    return Timeline(names, held, known, tuple(made), trained, (passed, plan, order))


def doubled(found: Timeline) -> Timeline:
    """The same with twice the images, where every tensor begins with the batch, as in the local backend's networks.

    A batch norm keeps one number for each channel, and weights stay as they are. The operations of the result have the
    larger sizes, so ``timeline`` can't take it as ``before`` for the network with the smaller batch.
    """
    if found.followed is None:
        grows = [part in ("input", "outputs") for part in PARTS]
        steps = (tuple(size << grow for size, grow in zip(sizes, grows, strict=True)) for sizes in found.held)
        return replace(found, held=tuple(steps))
    passed, plan, order = found.followed
    given = {layer.id for layer in passed.called if layer.op == "input"}
    by_channel = {layer.id for layer in passed.called if vocabulary.of(layer.op).besides == "channels"}
    made: list[Operation] = []
    of_images: set[int] = set()
    for position, operation in enumerate(found.made):
        if operation.layer in given or not of_images.isdisjoint(operation.reads):
            of_images.add(position)
            operation = copy(operation)
            operation.size *= 2
            if operation.layer not in by_channel:
                operation.keeps_besides *= 2
                operation.forward *= 2
        made.append(operation)
    held, _ = held_over_time(passed, plan, made, order, found.trained)
    return replace(found, held=held, made=tuple(made))


def with_optimizer(found: Timeline, before: Plan, plan: Plan) -> int:
    """The peak of a timeline, in bytes, where another optimizer steps than in the plan ``before`` that it follows.

    Its states are there all the time, and what its step needs beside them is there in the last.
    """
    sizes = [parameter.bytes or 0 for parameter in found.trained]
    kept = optimizer_states(plan, found.trained, sizes) - optimizer_states(before, found.trained, sizes)
    old, new = (temporaries(each.optimizer, each.implementation, sizes) for each in (before, plan))
    *others, last = found.live
    return kept + max((*others, last - old + new))


def inference(summary: Summary) -> Timeline:
    """What one forward pass without gradients holds: ``memory.live_bytes`` beside the weights."""
    weights, statistics = weights_of(summary)
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
