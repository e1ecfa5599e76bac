"""Arithmetic on shapes: what ONNX's operators make of a few numbers, in NumPy. Nothing else in a file is computed.

What a node gives has a shape and an element type that are known already and small; here it gets its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy
from onnx import numpy_helper

from ...ir import Tensor
from .operators import Call

#: Tensors of more elements are not shapes.
MOST_ELEMENTS = 1024
#: Element types that there is arithmetic for.
_DTYPES = frozenset(
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    ]
)
#: Of what they read, these want the shape alone.
OF_SHAPES = ("Shape", "Size")


def numbers_in(proto: Any) -> Any:
    """The values of a tensor as an array; None if they aren't there, are too many, or no numbers."""
    if proto is None or prod(proto.dims) > MOST_ELEMENTS:
        return None
    try:
        array = numpy_helper.to_array(proto)
    except Exception:
        return None  # fewer bytes than its shape needs, or of an unknown type
    return array if str(array.dtype) in _DTYPES else None


def results(call: Call, node: Any) -> list[Any] | None:
    """The numbers that a node (which ``call`` tells all about) gives, an array for each of its outputs.

    None if an operator does no arithmetic, something that it reads isn't known, or a result is large.
    """
    work = _WORK.get(call.kind)
    made = call.outputs
    if work is None or not all(t is not None and t.size <= MOST_ELEMENTS and t.dtype in _DTYPES for t in made):
        return None
    is_known = all(call.number(place) is not None for place in range(len(call.given)) if call.given[place])
    if not is_known and call.kind not in OF_SHAPES:
        return None
    outputs = [tensor for tensor in made if tensor is not None]
    try:
        with numpy.errstate(all="ignore"):
            if not any(tensor.size for tensor in outputs):
                found = [numpy.zeros(tensor.shape) for tensor in outputs]
            else:
                found = work(call, node, outputs)
            return [
                numpy.asarray(array).astype(tensor.dtype).reshape(tensor.shape)
                for array, tensor in zip(found, outputs, strict=True)
            ]
    except Exception:
        return None  # numbers that the operator refuses


def _each(function: Callable[..., Any]) -> Callable[[Call, Any, Sequence[Tensor]], list[Any]]:
    """An operator that works element by element."""
    return lambda call, _node, _made: [function(*call.numbers)]


def _of_all(function: Callable[[Any, Any], Any]) -> Callable[[Call, Any, Sequence[Tensor]], list[Any]]:
    """One that takes any number of arrays."""
    return lambda call, _node, _made: [reduce(function, call.numbers)]


def _reduction(function: Any) -> Callable[[Call, Any, Sequence[Tensor]], list[Any]]:
    def work(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
        array = call.numbers[0]
        axes = call.whole_numbers(1) if call.has(1) else call.integers("axes")
        if not axes and call.integer("noop_with_empty_axes", 0):
            return [array]
        return [function.reduce(array, axis=tuple(axes) if axes else None, dtype=array.dtype)]

    return work


def _divided(first: Any, second: Any) -> Any:
    if first.dtype.kind not in "iu":
        return numpy.divide(first, second)
    quotient, rest = numpy.floor_divide(first, second), numpy.remainder(first, second)
    return quotient + ((rest != 0) & ((first < 0) ^ (second < 0)))  # towards zero


def _modulo(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    return [(numpy.fmod if call.integer("fmod", 0) == 1 else numpy.mod)(*call.numbers)]


def _as_it_is(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    """The same numbers, in the shape or of the type that is known."""
    return [call.numbers[0]]


def _concat(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    return [numpy.concatenate(call.numbers, axis=call.integer("axis", 0))]


def _constant(_call: Call, node: Any, made: Sequence[Tensor]) -> list[Any]:
    value = next((numbers_in(attribute.t) for attribute in node.attribute if attribute.name == "value"), numpy.zeros(1))
    return [numpy.full(made[0].shape, value.item())]


def _expand(call: Call, _node: Any, made: Sequence[Tensor]) -> list[Any]:
    return [numpy.broadcast_to(call.numbers[0], made[0].shape)]


def _gather(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    return [numpy.take(call.numbers[0], call.numbers[1], axis=call.integer("axis", 0))]


def _range(call: Call, _node: Any, made: Sequence[Tensor]) -> list[Any]:
    start, _, step = (array.reshape(()) for array in call.numbers)
    return [start + step * numpy.arange(made[0].size)]


def _shape(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    tensor = call.inputs[0]
    assert tensor is not None  # or else nobody knows what this gives
    end = call.settings.get("end")
    return [numpy.array(tensor.shape[call.integer("start", 0) : end if isinstance(end, int) else None], numpy.int64)]


def _size(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    tensor = call.inputs[0]
    assert tensor is not None
    return [numpy.array(tensor.size, numpy.int64)]


def _slice(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    array = call.numbers[0]
    starts, ends, axes, steps = (
        call.whole_numbers(place) if call.has(place) else call.integers(name)
        for place, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    )
    assert starts is not None
    assert ends is not None
    taken = [slice(None)] * array.ndim
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        taken[axes[place] if axes else place] = slice(start, end, steps[place] if steps else None)
    return [array[tuple(taken)]]


def _split(call: Call, _node: Any, made: Sequence[Tensor]) -> list[Any]:
    axis = call.integer("axis", 0)
    return numpy.split(call.numbers[0], numpy.cumsum([tensor.shape[axis] for tensor in made])[:-1], axis)


def _tile(call: Call, _node: Any, made: Sequence[Tensor]) -> list[Any]:
    array, repeats = call.numbers[0], call.whole_numbers(1) or ()
    if tuple(size * times for size, times in zip(array.shape, repeats, strict=True)) != made[0].shape:
        return []
    return [numpy.tile(array, repeats)]


def _transpose(call: Call, _node: Any, _made: Sequence[Tensor]) -> list[Any]:
    return [numpy.transpose(call.numbers[0], call.integers("perm") or None)]


_WORK: Mapping[str, Callable[[Call, Any, Sequence[Tensor]], list[Any]]] = {
    "Abs": _each(numpy.abs),
    "Add": _each(numpy.add),
    "And": _each(numpy.logical_and),
    "Cast": _as_it_is,
    "Ceil": _each(numpy.ceil),
    "Concat": _concat,
    "ConstantOfShape": _constant,
    "Div": _each(_divided),
    "Equal": _each(numpy.equal),
    "Expand": _expand,
    "Flatten": _as_it_is,
    "Floor": _each(numpy.floor),
    "Gather": _gather,
    "Greater": _each(numpy.greater),
    "GreaterOrEqual": _each(numpy.greater_equal),
    "Identity": _as_it_is,
    "Less": _each(numpy.less),
    "LessOrEqual": _each(numpy.less_equal),
    "Max": _of_all(numpy.maximum),
    "Min": _of_all(numpy.minimum),
    "Mod": _modulo,
    "Mul": _each(numpy.multiply),
    "Neg": _each(numpy.negative),
    "Not": _each(numpy.logical_not),
    "Or": _each(numpy.logical_or),
    "Pow": _each(numpy.power),
    "Range": _range,
    "ReduceMax": _reduction(numpy.maximum),
    "ReduceMin": _reduction(numpy.minimum),
    "ReduceProd": _reduction(numpy.multiply),
    "ReduceSum": _reduction(numpy.add),
    "Reshape": _as_it_is,
    "Round": _each(numpy.round),
    "Shape": _shape,
    "Sign": _each(numpy.sign),
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _each(numpy.sqrt),
    "Squeeze": _as_it_is,
    "Sub": _each(numpy.subtract),
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _as_it_is,
    "Where": _each(numpy.where),
}
