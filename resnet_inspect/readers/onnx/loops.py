"""A Loop or a Scan: what it hands to its body, how many steps it makes, and what becomes of their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy
from onnx import TensorProto, helper

from ...ir import Shape, Value
from .guard import MOST_DIMENSIONS, MOST_SIZE
from .nodes import Body, Node
from .operators import settings_of
from .values import Values

#: The opset from which on a Scan has no batch.
_PLAIN_SCAN = 9


@dataclass(frozen=True, slots=True)
class State:
    """What goes from step to step: its first value, its name in the body, what a step makes of it, and the last one's
    name outside ("" if nobody wants it)."""

    first: str
    inside: str
    next: str
    last: str


@dataclass(frozen=True, slots=True)
class Slices:
    """What is cut along an axis, a slice a step, or stacked of what each step gives: its names outside and inside."""

    whole: str
    inside: str
    axis: int


@dataclass(frozen=True, slots=True)
class Repetition:
    """A loop. ``limit`` are its most steps, None if nobody knows; a loop that ``is_limited`` has some.

    ``begins`` says whether it makes a step at all, ``condition`` is what a step says about the next ("" in a Scan).
    """

    body: Body
    states: tuple[State, ...]
    cut: tuple[Slices, ...]
    stacked: tuple[Slices, ...]
    limit: int | None
    is_limited: bool = True
    begins: bool | None = True
    condition: str = ""


def repetition(node: Node, values: Values, opset: int) -> Repetition | None:
    """The loop that a node is; None if it is none, or isn't written as ONNX defines it."""
    if len(node.bodies) != 1 or len(set(node.bodies[0].inputs)) < len(node.bodies[0].inputs):
        return None
    if node.kind == "Loop":
        return _loop(node, values)
    return _scan(node, values) if node.kind == "Scan" and opset >= _PLAIN_SCAN else None


def _loop(node: Node, values: Values) -> Repetition | None:
    body = node.bodies[0]
    most, begins, *first = (*node.inputs, "", "")[: max(len(node.inputs), 2)]
    if len(body.inputs) != len(first) + 2 or not len(first) < len(body.outputs) > len(node.proto.output):
        return None
    condition, *results = body.outputs
    limit = values.numbers.get(most)
    return Repetition(
        body,
        _states(first, body.inputs[2:], results, node.proto.output),
        (),
        tuple(Slices(*names, 0) for names in zip(node.proto.output[len(first) :], results[len(first) :], strict=False)),
        int(limit.item()) if limit is not None and limit.size == 1 else None,
        bool(most),
        flag(values, begins) if begins else True,
        condition,
    )


def _scan(node: Node, values: Values) -> Repetition | None:
    body, settings, made = node.bodies[0], settings_of(node.proto), node.proto.output
    count = settings.get("num_scan_inputs")
    if not isinstance(count, int) or not 0 < count <= len(node.inputs) == len(body.inputs):
        return None
    held = len(node.inputs) - count
    if not held <= len(body.outputs) >= len(made):
        return None
    first, items = node.inputs[:held], node.inputs[held:]
    cut = [
        Slices(whole, inside, axis)
        for whole, inside, axis in zip(items, body.inputs[held:], _axes(settings, "scan_input_axes"), strict=False)
    ]
    wholes = [(values.tensor(part.whole), part.axis) for part in cut]
    if any(whole is not None and not -len(whole.shape) <= axis < len(whole.shape) for whole, axis in wholes):
        return None
    return Repetition(
        body,
        _states(first, body.inputs, body.outputs, made),
        tuple(cut),
        tuple(
            Slices(whole, inside, axis)
            for whole, inside, axis in zip(
                made[held:], body.outputs[held:], _axes(settings, "scan_output_axes"), strict=False
            )
        ),
        next((whole.shape[axis] for whole, axis in wholes if whole is not None), None),
    )


def _axes(settings: Mapping[str, Value], name: str) -> Iterable[int]:
    """The axes of a Scan's inputs or outputs; those that it doesn't say are the first."""
    said = settings.get(name)
    return chain((axis for axis in said if isinstance(axis, int)) if isinstance(said, tuple) else (), repeat(0))


def _states(
    first: Sequence[str], inside: Sequence[str], following: Sequence[str], last: Sequence[str]
) -> tuple[State, ...]:
    outside = (*last, *[""] * len(first))  # not all need to be wanted
    return tuple(map(State, first, inside, following, outside))


def begin(loop: Repetition, values: Values) -> None:
    """Tells the body what it is given in its first step: types, but no numbers, which change from step to step."""
    if loop.condition:
        number, condition = loop.body.inputs[:2]
        values.learn(number, helper.make_tensor_type_proto(TensorProto.INT64, ()))
        values.learn(condition, helper.make_tensor_type_proto(TensorProto.BOOL, ()))
        values.constant.update((number, condition))
        values.static.update((number, condition))
        values.numbers[condition] = numpy.asarray(True)  # or else there would be no step
    for state in loop.states:
        if state.first in values.types:
            values.learn(state.inside, values.types[state.first])
    for part in loop.cut:
        whole = values.tensor(part.whole)
        if part.whole in values.types:
            sizes = None if whole is None else tuple(numpy.delete(whole.shape, part.axis).tolist())
            values.learn(part.inside, of_other_shape(values.types[part.whole], sizes))


def steps_of(loop: Repetition, values: Values) -> int | None:
    """The steps that a loop makes; None if data decides, or they are more than anybody waits for."""
    if loop.begins is False or (loop.limit is not None and loop.limit <= 0):
        return 0
    goes_on = flag(values, loop.condition) if loop.condition else True
    if not loop.begins or goes_on is None or (loop.is_limited and loop.limit is None):
        return None
    if not goes_on:
        return 1
    return loop.limit if loop.limit is not None and loop.limit <= MOST_SIZE else None


def is_steady(loop: Repetition, values: Values) -> bool:
    """Whether each step is given what the first one is given, as far as shapes go."""
    pairs = ((values.tensor(state.inside), values.tensor(state.next)) for state in loop.states)
    return all(before is None or (after is not None and before.shape == after.shape) for before, after in pairs)


def stacked(part: Slices, steps: int | None, values: Values) -> Any:
    """The type of what a loop stacks; None if nothing is known of it."""
    kind, tensor = values.types.get(part.inside), values.tensor(part.inside)
    if kind is None or not kind.HasField("tensor_type"):
        return None
    if steps is None or tensor is None or len(tensor.shape) >= MOST_DIMENSIONS:
        return of_other_shape(kind, None)
    sizes = list(tensor.shape)
    sizes.insert(part.axis if part.axis >= 0 else len(sizes) + 1 + part.axis, steps)
    return of_other_shape(kind, tuple(sizes))


def of_other_shape(kind: Any, sizes: Shape | None) -> Any:
    """A tensor's type with other sizes, None for sizes that nobody knows."""
    return helper.make_tensor_type_proto(kind.tensor_type.elem_type, sizes)


def flag(values: Values, name: str) -> bool | None:
    """A value that is true or false, None if nobody knows beforehand."""
    number = values.numbers.get(name)
    return bool(number.item()) if number is not None and number.size == 1 else None
