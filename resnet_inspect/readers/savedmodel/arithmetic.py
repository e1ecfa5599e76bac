"""Arithmetic on shapes: what TensorFlow's operations make of a few numbers, in NumPy. Nothing else is computed.

What an operation gives has sizes and an element type that are known already and small; here it gets its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from ...ir import Tensor
from .calls import Call

#: Tensors of more elements are not shapes.
MOST_ELEMENTS = 64
_DTYPES = frozenset(["bool", "int32", "int64", "float32", "float64"])


def results(call: Call, made: Sequence[Tensor | None]) -> Sequence[Any]:
    """The numbers that an operation gives, an array for each of its outputs, ``made``.

    Nothing if it does no arithmetic, something that it reads isn't known, or a result is large.
    """
    work = _WORK.get(call.kind)
    few = [item for item in made if item is not None and item.size <= MOST_ELEMENTS and item.dtype in _DTYPES]
    if work is None or len(few) < len(made):
        return ()
    try:
        with numpy.errstate(all="ignore"):
            found = [numpy.asarray(array).astype(item.dtype) for array, item in zip(work(call, few), few, strict=True)]
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return ()
    return found if all(array.shape == item.shape for array, item in zip(found, few, strict=True)) else ()


_Work = Callable[[Call, Sequence[Tensor]], Sequence[Any]]


def _each(function: Callable[..., Any]) -> _Work:
    return lambda call, _: [function(*(call.array(place) for place in range(len(call.reads))))]


def _reduction(function: Any) -> _Work:
    return lambda call, _: [function.reduce(call.array(0), axis=call.whole(1), keepdims=call.flag("keep_dims"))]


def _shapes(call: Call, _made: Sequence[Tensor]) -> list[Any]:
    return list(call.shapes())


def _unpacked(call: Call, made: Sequence[Tensor]) -> list[Any]:
    return list(numpy.moveaxis(call.array(0), call.integer("axis"), 0))


_WORK: Mapping[str, _Work] = {
    **dict.fromkeys(("Add", "AddV2"), _each(numpy.add)),
    **dict.fromkeys(("Div", "RealDiv"), _each(numpy.divide)),
    **dict.fromkeys(("ExpandDims", "Reshape", "Squeeze"), lambda call, made: [call.array(0).reshape(made[0].shape)]),
    **dict.fromkeys(("Shape", "ShapeN"), _shapes),
    "Cast": lambda call, _: [call.array(0)],
    "Ceil": _each(numpy.ceil),
    "ConcatV2": lambda call, _: [
        numpy.concatenate([call.array(place) for place in range(len(call.reads) - 1)], call.whole(-1)[0])
    ],
    "Fill": lambda call, made: [numpy.full(made[0].shape, call.array(1))],
    "Equal": _each(numpy.equal),
    "Floor": _each(numpy.floor),
    "FloorDiv": _each(numpy.floor_divide),
    "FloorMod": _each(numpy.mod),
    "GatherV2": lambda call, _: [numpy.take(call.array(0), call.array(1), call.whole(2)[0])],
    "Greater": _each(numpy.greater),
    "GreaterEqual": _each(numpy.greater_equal),
    "Less": _each(numpy.less),
    "LessEqual": _each(numpy.less_equal),
    "LogicalAnd": _each(numpy.logical_and),
    "LogicalNot": _each(numpy.logical_not),
    "LogicalOr": _each(numpy.logical_or),
    "Max": _reduction(numpy.maximum),
    "Maximum": _each(numpy.maximum),
    "Min": _reduction(numpy.minimum),
    "Minimum": _each(numpy.minimum),
    "Mul": _each(numpy.multiply),
    "Neg": _each(numpy.negative),
    "Pack": lambda call, _: [
        numpy.stack([call.array(place) for place in range(len(call.reads))], call.integer("axis"))
    ],
    "Prod": _reduction(numpy.multiply),
    "Range": lambda call, _: [numpy.arange(*(call.whole(place)[0] for place in (0, 1, 2)))],
    "Rank": lambda call, _: [len(call.shape(0))],
    "Round": _each(numpy.round),
    "Size": lambda call, _: [numpy.prod(call.shape(0), dtype=numpy.int64)],
    "StridedSlice": lambda call, _: [call.array(0)[tuple(call.index(call.array(0).ndim))]],
    "Sub": _each(numpy.subtract),
    "Sum": _reduction(numpy.add),
    "Unpack": _unpacked,
}
