"""What a graph runs: node by node, one branch of an If, one step of a Loop or a Scan.

A row stands for a node in a body however often it runs. Which branch runs, or how many steps, is often decided by
data alone: the dearer branch and one step stand for all then, as torch's ``cond`` and ``while_loop`` do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy

from ...ir import Attributes
from .arithmetic import OF_SHAPES, numbers_in, results
from .attributes import attributes_of
from .cost import macs_of
from .graph import Graph
from .guard import MOST_SIZE
from .loops import Repetition, begin, flag, is_steady, of_other_shape, repetition, stacked, steps_of
from .nodes import Node
from .operators import op_of
from .values import Values, Work, infer

#: Operators that give something else each time, and one that runs a graph that isn't opened.
_NEVER_CONSTANT = ("Random", "Bernoulli", "Multinomial", "SequenceMap")


class Operation(NamedTuple):
    """A node that is a layer, and how often it runs."""

    node: Node
    op: str
    attributes: Attributes
    macs: int | None
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Same:
    """A value under another name: what a body is given or gives."""

    name: str
    other: str


@dataclass(frozen=True, slots=True)
class Course:
    """What runs, in order. ``remarks`` are what rows don't tell of it; ``elsewhere`` are tensors that the file holds
    for branches that aren't shown."""

    steps: list[Operation | Same] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)

    def add(self, other: Course, times: int = 1) -> None:
        """Adds what runs next, all of it so many times."""
        self.steps.extend(
            step._replace(steps=step.steps * times) if times > 1 and isinstance(step, Operation) else step
            for step in other.steps
        )
        self.remarks.update(other.remarks)
        self.elsewhere.update(other.elsewhere)

    @property
    def longest(self) -> int:
        """How often what runs most often does."""
        return max((step.steps for step in self.steps if isinstance(step, Operation)), default=1)

    @property
    def cost(self) -> tuple[bool, int]:
        """Whether there are operations that nobody can count, and the multiply-adds of the others."""
        found = [step for step in self.steps if isinstance(step, Operation)]
        return any(step.macs is None for step in found), sum((step.macs or 0) * step.steps for step in found)


def follow(
    graph: Graph, inputs: Mapping[str, Any], bound: Mapping[str, int], parameters: Collection[str]
) -> tuple[Values, Course]:
    """The values of a graph whose inputs have these types, and what it runs.

    ``bound`` are the sizes that its symbols stand for.
    """
    values = Values(graph.stored.keys() - parameters, set(graph.stored))
    for name, tensor in graph.stored.items():
        values.hold(name, tensor.element_type, tensor.shape)
        if name in values.constant and (numbers := numbers_in(tensor.proto)) is not None:
            values.numbers[name] = numbers
    for name, kind in inputs.items():
        values.learn(name, kind)
    return values, _Follower(graph, values, bound).run(graph.nodes)


class _Follower:
    def __init__(self, graph: Graph, values: Values, bound: Mapping[str, int]) -> None:
        self._graph = graph
        self._values = values
        self._bound = bound
        #: Work -> the op, attributes and multiply-adds of a node that does it.
        self._counted: dict[Work, tuple[str, Attributes, int | None]] = {}

    def run(self, nodes: Collection[Node]) -> Course:
        """What these nodes run."""
        course = Course()
        for node in nodes:
            if node.kind == "If" and sorted(body.role for body in node.bodies) == ["else_branch", "then_branch"]:
                self._branch(node, course)
            elif (loop := repetition(node, self._values, self._graph.versions.get("", 0))) is not None:
                self._repeat(node, loop, course)
            else:
                self._plain(node, course)
        return course

    def _plain(self, node: Node, course: Course) -> None:
        values = self._values
        work = values.work(node)
        is_sure = infer(self._graph, node, values, self._bound, work)
        if node.bodies:
            course.remarks[f"what runs inside {node.kind} isn't counted"] = None
        elif not node.proto.domain and not node.kind.startswith(_NEVER_CONSTANT):
            shape_is_known = bool(node.inputs) and values.tensor(node.inputs[0]) is not None
            if (node.kind in OF_SHAPES and shape_is_known) or values.constant.issuperset(node.reads):
                values.constant.update(node.outputs)
                if is_sure and (found := results(values.call(node), node.proto)) is not None:
                    values.numbers.update(zip(node.outputs, found, strict=True))
            if values.static.issuperset(node.reads):
                values.static.update(node.outputs)
            values.static.update(values.constant.intersection(node.outputs))
        if not values.constant.issuperset(node.outputs):
            counted = self._counted.get(work) if work is not None and is_sure else None
            if counted is None:
                call = values.call(node)
                op = op_of(call)
                attributes = attributes_of(call, op)
                counted = (op, attributes, macs_of(call, op, attributes))
                if work is not None and is_sure:
                    self._counted[work] = counted
            course.steps.append(Operation(node, *counted))

    def _branch(self, node: Node, course: Course) -> None:
        """The branch of an If that runs; where data decides, the dearer one."""
        otherwise, then = sorted(node.bodies, key=lambda body: body.role)
        condition = flag(self._values, node.inputs[0]) if node.inputs else None
        if condition is not None:
            taken = then if condition else otherwise
            course.add(self.run(taken.nodes))
        else:
            first, second = self.run(then.nodes), self.run(otherwise.nodes)
            # What nobody can count may be the most.
            taken, other = (then, otherwise) if first.cost >= second.cost else (otherwise, then)
            course.add(first if taken is then else second)
            is_known = not (first.cost[0] or second.cost[0])
            which = "the branch with more MACs of its own" if is_known else "one branch"
            course.remarks[f"of If, {which} is shown"] = None
            used = {use.name for inner in other.nodes for use in inner.uses}
            course.elsewhere.update(used & self._graph.stored.keys())
        others = taken.outputs if condition is not None else other.outputs
        numbers = self._values.numbers
        for name, given, instead in zip(node.proto.output, taken.outputs, others, strict=False):
            if given in numbers and instead in numbers and numpy.array_equal(numbers[given], numbers[instead]):
                numbers[name] = numbers[given]
            self._rename(name, given, course, node.inputs[:1])

    def _repeat(self, node: Node, loop: Repetition, course: Course) -> None:
        """One step of a loop, which counts for all of them where their number is known."""
        values = self._values
        if steps_of(loop, values) == 0:
            for state in loop.states:
                self._rename(state.last, state.first, course, node.reads)
            return
        for known in (values.constant, values.static):
            if known.issuperset(node.reads):
                known.update(loop.body.inputs)
        begin(loop, values)
        for state in loop.states:
            values.origins[state.inside] = values.origin(state.first)
        for part in loop.cut:
            values.origins[part.inside] = values.origin(part.whole)
        given = [(state.inside, state.first) for state in loop.states] + [
            (part.inside, part.whole) for part in loop.cut
        ]
        course.steps.extend(Same(inside, outside) for inside, outside in given)
        step = self.run(loop.body.nodes)
        steps = steps_of(loop, values)
        is_steady_loop = is_steady(loop, values)
        times = steps if is_steady_loop or steps == 1 else None
        if times is not None and times * step.longest > MOST_SIZE:
            times = None
        course.add(step, times or 1)
        if times is None:
            course.remarks[f"of {node.kind}, one step is counted"] = None
        elif times > 1:
            course.remarks[f"of {node.kind}, one step is shown, with the MACs of all"] = None
        for state in loop.states:
            kind = values.types.get(state.next)
            is_known = times is not None or is_steady_loop or kind is None or not kind.HasField("tensor_type")
            self._rename(state.last, state.next, course, node.reads, kind if is_known else of_other_shape(kind, None))
        # A condition worked out from the first step's shapes says nothing of those that grow.
        certain = steps if is_steady_loop or steps == 1 else None
        for part in loop.stacked:
            self._rename(part.whole, part.inside, course, node.reads, stacked(part, certain, values))

    def _rename(self, name: str, given: str, course: Course, decided_by: Collection[str], kind: Any = None) -> None:
        """Makes ``name`` what ``given`` is, of another ``kind`` if one is said."""
        values = self._values
        if not name:
            return
        kind = values.types.get(given) if kind is None else kind
        if kind is not None:
            values.learn(name, kind)
        values.claim(name, self._graph.hints, self._bound)
        for known in (values.constant, values.static):
            if known.issuperset((given, *decided_by)):
                known.add(name)
        values.origins[name] = values.origin(given)
        course.steps.append(Same(name, given))
