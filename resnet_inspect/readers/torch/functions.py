"""torch's functions in our vocabulary: the plain name of what was called, its op, its arguments by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch

from ...ir import Attributes, Value, frozen_value
from ...ops import vocabulary
from ...ops.attributes import dimension_or_several, in_each_dimension, padded
from ..aten.operators import FUNCTIONS, with_limits
from .compat import schemas_of
from .operators import is_plain

#: Functions by their plain name; one that isn't here and isn't an op of its own name is ``other``.
_FUNCTION_OPS = {
    **FUNCTIONS,
    "T": "transpose",
    "concatenate": "concat",
    "flex_attention": "attention",
    "getitem": "slice",
    "interpolate": "resize",
    **dict.fromkeys(("new_empty", "new_full", "new_ones", "new_zeros", "zero"), "fill"),
    **dict.fromkeys(("empty_like", "full_like", "ones_like", "zeros_like"), "fill"),
    "multi_head_attention_forward": "attention",
    **dict.fromkeys(("linalg_vector_norm", "norm"), "vector_norm"),
    "normalize": "unit_norm",
    "scaled_dot_product_attention": "attention",
}
_DUNDERS = {
    "truediv": "div",
    "iadd": "add",
    "radd": "add",
    "isub": "sub",
    "rsub": "sub",
    "imul": "mul",
    "rmul": "mul",
}
_DUNDERS.update(
    {"itruediv": "div", "rtruediv": "div", "rdiv": "div", "rmatmul": "matmul", "ipow": "pow", "rpow": "pow"}
)

#: Operators whose operands stand the other way round: ``1 - x`` is no ``x - 1``.
_REFLECTED = frozenset(["rsub", "rtruediv", "rdiv", "rpow", "rmatmul"])


def function_name(func: Any) -> str:
    """The plain name of what ran: ``Tensor.__iadd__``, ``add_`` and ``torch.add`` are all ``add``."""
    name = _bare_name(func)
    return _DUNDERS.get(name, name) or "function"


def _bare_name(func: Any) -> str:
    name: str = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":
        name = getattr(func.__self__, "__name__", "attribute")
    return name.partition(".")[0].strip("_")  # of an operator's overloads, mul.Tensor and mul.Scalar, both are mul


def function_op(name: str) -> str:
    """The op of a function's plain name."""
    return _FUNCTION_OPS.get(name) or vocabulary.named(name) or "other"


def describe_function(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, Attributes]:
    """The op of a call, and everything that changes what it computes."""
    op, attributes = function_op(function_name(func)), function_attributes(func, args, kwargs)
    settings = dict(attributes)
    if op == "where" and len(args) + len(kwargs) < 3:
        return "other", attributes  # of a condition alone, the places where it is true
    if op in ("clamp", "hard_tanh"):
        return with_limits(op, settings)
    if op == "pad" and args and isinstance(args[0], torch.Tensor):
        found = padded(args[0].dim(), settings.get("pad"), settings.get("mode"), settings.get("value"))
        return (op, attributes) if found is None else (found[0], tuple(found[1].items()))
    if op.startswith("adaptive_") and "output_size" in settings:
        settings["output_size"] = in_each_dimension(settings["output_size"], int(op[-2]))
    if "dim" in settings:
        settings["dim"] = dimension_or_several(settings["dim"])
    return op, tuple(settings.items())


def function_attributes(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Attributes:
    """A function's arguments other than tensors, by name, without those that are None.

    ``reflected`` says that they come the other way round, as in ``1 - x``.
    """
    name = function_name(func)
    names, defaults = _signature(name, tuple(_kind(value) for value in args), tuple(kwargs))
    attributes: dict[str, Value] = {}
    for key, value in {**defaults, **dict(zip(names, args, strict=False)), **kwargs}.items():
        if key in ("self", "input", "out") or value is None or _has_tensor(value):
            continue
        if name == "getitem" or isinstance(value, slice):
            attributes["index"] = _index_text(value)
        elif is_plain(value):
            attributes[key] = frozen_value(value)
    if _bare_name(func) in _REFLECTED:
        attributes["reflected"] = True
    return tuple(attributes.items())


#: Kind of a value -> the types of a schema's argument that take it.
_TAKEN_BY = {
    "tensor": ("Tensor",),
    "bool": ("bool", "number"),
    "int": ("int", "number", "float"),
    "float": ("float", "number"),
    "str": ("str",),
    "list": ("List",),
    "dtype": ("int",),
    "device": ("Device",),
}


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return "tensor"
    for kind, types in (
        ("bool", bool),
        ("int", int),
        ("float", float),
        ("str", str),
        ("list", (list, tuple)),
        ("dtype", torch.dtype),
        ("device", torch.device),
    ):
        if isinstance(value, types):
            return kind
    return "other"


@lru_cache(maxsize=1024)
def _signature(name: str, kinds: tuple[str, ...], keywords: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Argument names of a function, and the defaults that belong in its attributes.

    torch's built-in functions have no Python signature; their schemas have the names, and the one that takes
    the given values is meant.
    """
    if name == "flatten":
        return ("input", "start_dim", "end_dim"), {"start_dim": 0, "end_dim": -1}
    if name == "getitem":
        return ("input", "index"), {}
    for schema in schemas_of(f"aten::{name}"):
        positional = [argument for argument in schema.arguments if not argument.kwarg_only]
        known = {argument.name for argument in schema.arguments}
        named = {*keywords} - {"input", "return_indices"}
        if "out" in known or len(positional) < len(kinds) or not known.issuperset(named):
            continue
        if all(_takes(argument, kind) for argument, kind in zip(positional, kinds, strict=False)):
            return tuple(argument.name for argument in positional), {}
    return tuple(f"argument{index}" for index in range(len(kinds))), {}


def _takes(argument: Any, kind: str) -> bool:
    text = str(argument.type)
    if kind == "dtype":
        return bool(argument.name == "dtype")
    if "List" in text and kind == "int":
        return argument.N is not None  # int[1] takes a plain number
    return any(word in text for word in _TAKEN_BY.get(kind, ("",)))


def _has_tensor(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_has_tensor(item) for item in value)
    return isinstance(value, torch.Tensor)


def _index_text(index: Any) -> str:
    """``x[:, 0]``'s index as it was written."""

    def one(item: Any) -> str:
        if isinstance(item, slice):
            ends = ["" if end is None else str(end) for end in (item.start, item.stop, item.step)]
            return ":".join(ends[:2]) + (f":{ends[2]}" if ends[2] else "")
        return "..." if item is Ellipsis else "tensor" if isinstance(item, torch.Tensor) else str(item)

    return ", ".join(one(item) for item in index) if isinstance(index, tuple) else one(index)
