"""What runs when in a training step: forward, backward, and the forward passes that checkpoints repeat."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from .operation import Operation
from .plan import Plan


@dataclass(slots=True, eq=False, repr=False)
class Schedule:
    """The operations of a step in the order in which they run. A time is a place in ``steps``.

    Attributes:
        steps: what runs: the phase (``forward``, ``recompute`` or ``backward``) and the operation's position.
        backward: operation -> the time of its backward pass, in the order of time.
        again: operation -> the time when it runs again.
        runs: operation -> the run of operations that is computed again as one, some of which may not be needed.
        spans: that run -> the first and the last time at which it is computed again.
    """

    steps: list[tuple[str, int]]
    backward: dict[int, int] = field(default_factory=dict)
    again: dict[int, int] = field(default_factory=dict)
    runs: dict[int, range] = field(default_factory=dict)
    spans: dict[range, tuple[int, int]] = field(default_factory=dict)

    def are_in_one_run(self, first: int, second: int) -> bool:
        """Whether two operations are computed again together."""
        return first in self.runs and self.runs[first] is self.runs.get(second)


def schedule(made: Sequence[Operation], plan: Plan, modules: Collection[str]) -> Schedule:
    """The order of a step. A checkpointed module runs again before its backward pass."""
    found = Schedule([("forward", position) for position in range(len(made))], runs=_runs(made, plan, modules))
    steps = found.steps
    for position in reversed(range(len(made))):
        if not made[position].differentiated:
            continue
        run = found.runs.get(position)
        if run is not None and run not in found.spans:
            found.spans[run] = (len(steps), len(steps))
            for other in _needed(made, run):
                found.spans[run] = (found.spans[run][0], len(steps))
                found.again[other] = len(steps)
                steps.append(("recompute", other))
        found.backward[position] = len(steps)
        steps.append(("backward", position))
    return found


def _needed(made: Sequence[Operation], run: range) -> range:
    """The operations of a run until torch has all that these keep: there it stops, before an operation that keeps only
    what it reads (``set_checkpoint_early_stop`` of torch.utils.checkpoint).
    """
    for position in reversed(run):
        operation = made[position]
        if operation.keeps or operation.keeps_besides:
            gives = position in operation.keeps or (operation.keeps_besides and not operation.draws)
            return range(run.start, position + bool(gives))
    return run[:0]


def _runs(made: Sequence[Operation], plan: Plan, modules: Collection[str]) -> dict[int, range]:
    """The run of operations that is computed again as one, for each operation in a checkpointed module."""
    if not plan.checkpoint:
        return {}
    found: dict[int, range] = {}
    known: dict[str, str | None] = {"": None}
    start, current = 0, None
    for position in range(len(made) + 1):
        module = _outermost(made[position].path, plan, modules, known) if position < len(made) else None
        if module != current:
            if current is not None:
                run = range(start, position)
                found.update(dict.fromkeys(run, run))
            start, current = position, module
    return found


def _outermost(path: str, plan: Plan, modules: Collection[str], known: dict[str, str | None]) -> str | None:
    """The checkpointed module that a path lies in, which runs whole; a module in it is no checkpoint of its own.

    ``known`` are those of other paths, to which this one's and its parents' are added.
    """
    inner: list[str] = []
    while path not in known:
        inner.append(path)
        path = path.rpartition(".")[0]
    found = known[path]
    for path in reversed(inner):
        if found is None and path in modules and plan.checkpoints(path):
            found = path
        known[path] = found
    return found
