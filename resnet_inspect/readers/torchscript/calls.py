"""TorchScript's built-in functions: of plain values by our own tables, of tensors by torch's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..torch.tensors import tensors_in
from . import quantised, values
from .operators import Operators
from .pickle import RefusedArchiveError
from .schemas import NUMBERS
from .values import ScriptError

#: Values of an object's or a tensor's, as functions of ``prim``.
_PROPERTIES: dict[str, Callable[[torch.Tensor], Any]] = {
    "device": lambda tensor: tensor.device,
    "dtype": lambda tensor: NUMBERS.get(tensor.dtype, 0),
    "layout": lambda tensor: 0,
    "requires_grad": lambda tensor: tensor.requires_grad,
    "data": lambda tensor: tensor,
    "name": lambda tensor: None,
    "is_quantized": lambda tensor: tensor.is_quantized,
    "is_meta": lambda tensor: tensor.is_meta,
    "is_leaf": lambda tensor: tensor.is_leaf,
    **{
        f"is_{kind}": lambda tensor: False
        for kind in ("cuda", "cpu", "nested", "sparse", "mkldnn", "mps", "xpu", "vulkan")
    },
}
_SIZES: dict[str, Callable[..., Any]] = {
    "size": lambda tensor, dim=None: list(tensor.shape) if dim is None else tensor.shape[dim],
    "stride": lambda tensor, dim=None: list(tensor.stride()) if dim is None else tensor.stride()[dim],
    "dim": lambda tensor: tensor.dim(),
    "ndimension": lambda tensor: tensor.dim(),
    "numel": lambda tensor: tensor.numel(),
    "len": lambda tensor: tensor.shape[0],
    "is_floating_point": lambda tensor: tensor.is_floating_point(),
    "is_complex": lambda tensor: tensor.is_complex(),
    "is_contiguous": lambda tensor, *_: tensor.is_contiguous(),
    "storage_offset": lambda tensor: tensor.storage_offset(),
    "element_size": lambda tensor: tensor.element_size(),
    "get_device": lambda tensor: -1,
    "q_scale": lambda tensor: tensor.q_scale(),
    "q_zero_point": lambda tensor: tensor.q_zero_point(),
    "__is__": lambda tensor, other: tensor is other,
    "__isnot__": lambda tensor, other: tensor is not other,
}


class Calls:
    """Calls of built-in functions; ``spend`` takes what they cost."""

    __slots__ = ("_operators", "_spend")

    def __init__(self, operators: Operators, spend: values.Spend) -> None:
        self._operators = operators
        self._spend = spend

    def call(self, namespace: str, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """A function of torch's: of plain values by our own table, of tensors by torch's operator, if it is allowed."""
        first = args[0] if args else None
        if namespace == "prim":
            return self._prim(name, args)
        if namespace == "quantized":
            return quantised.call(name, args, kwargs, self._operators)
        if namespace != "aten":
            return self._operators.call(f"{namespace}::{name}", args, kwargs)
        if isinstance(first, torch.Tensor) and name in _SIZES and not kwargs:
            try:
                return _SIZES[name](*args)
            except (IndexError, TypeError, RuntimeError) as error:
                raise ScriptError(f"{name}: {error}") from error
        if name in ("eq", "ne") and len(args) == 2 and not any(isinstance(item, torch.Tensor) for item in args):
            return values.same(args[0], args[1], self._spend) is (name == "eq")
        try:
            if not kwargs:
                return values.call(name, args, self._spend)
        except LookupError:
            pass
        if name in ("tensor", "as_tensor"):
            return self._tensor(first, kwargs)
        if name in ("IntImplicit", "FloatImplicit", "ScalarImplicit"):
            return self._operators.call("aten::item", args, {})
        if name == "to":
            return self._converted(args, kwargs)
        return self._operators.call(f"aten::{name}", args, kwargs)

    def _prim(self, name: str, args: list[Any]) -> Any:
        first = args[0] if args else None
        if name == "RaiseException":
            raise ScriptError(str(first)[:1000])
        if isinstance(first, torch.Tensor) and name in _PROPERTIES and len(args) == 1:
            return _PROPERTIES[name](first)
        if isinstance(first, torch.Tensor) and name == "shape":
            return list(first.shape)
        if isinstance(first, torch.device) and name in ("type", "index"):
            return first.type if name == "type" else first.index
        if name in ("max", "min") and args:
            items = first if len(args) == 1 else args
            if isinstance(items, list) and items and all(isinstance(item, (int, float)) for item in items):
                return max(items) if name == "max" else min(items)
            raise ScriptError(f"{name} takes numbers")
        if name == "abs" and isinstance(first, (int, float)):
            return abs(first)
        if name == "NumToTensor" and isinstance(first, (int, float)):
            return self._operators.call("aten::scalar_tensor", [first], {"dtype": 4 if isinstance(first, int) else 6})
        if name in ("unchecked_unwrap_optional", "unchecked_cast") and len(args) == 1:
            return first
        raise RefusedArchiveError(f"its code calls prim::{name}, which is not read")

    def _tensor(self, data: Any, kwargs: dict[str, Any]) -> Any:
        """``torch.tensor`` of numbers, whose values are known on meta, too, where they are few."""
        if isinstance(data, torch.Tensor):
            return self._converted([data], kwargs)
        rows, left = self._rows(data)
        dtype = self._operators.dtype(kwargs.get("dtype"))
        if any(isinstance(item, torch.Tensor) for item in left):
            left = [self.number("float", item) for item in left]
        made = torch.tensor(left, dtype=dtype) if left else torch.zeros(0, dtype=dtype)
        return self._operators.placed(made.reshape(rows))

    def _rows(self, data: Any) -> tuple[list[int], list[Any]]:
        """Sizes and numbers of lists in lists, as a tensor has them."""
        sizes: list[int] = []
        items = [data]
        while items and isinstance(items[0], list):
            count = len(items[0])
            if len(sizes) > 8 or any(not isinstance(item, list) or len(item) != count for item in items):
                raise ScriptError("expected sequences of one length")
            sizes.append(count)
            items = values.bounded([part for item in items for part in item], self._spend)
        if not all(isinstance(item, (bool, int, float, complex, torch.Tensor)) for item in items):
            raise ScriptError("a tensor is made of numbers")
        return sizes, items

    def _converted(self, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """``torch.to``: another element type; where a tensor is never changes."""
        row = [item for item in args[1:] if item is not None and not isinstance(item, torch.device)]
        other = next(tensors_in(row), None)
        if not args or not isinstance(args[0], torch.Tensor):
            raise ScriptError("to() takes a tensor")
        dtype = kwargs.get("dtype")
        if row and not isinstance(row[0], (bool, torch.Tensor)):
            dtype, row = row[0], row[1:]
        elif other is not None:
            dtype, row = NUMBERS[other.dtype], row[1:]
        flags = [item for item in row if isinstance(item, bool)][:2]
        copies = flags[1] if len(flags) == 2 else bool(kwargs.get("copy", False))
        dtype = NUMBERS[args[0].dtype] if dtype is None else dtype
        return self._operators.call("aten::to", [args[0], dtype, False, copies], {})

    def number(self, kind: str, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            value = self._operators.call("aten::is_nonzero" if kind == "bool" else "aten::item", [value], {})
        try:
            if isinstance(value, (bool, int, float, complex)) or (isinstance(value, str) and len(value) < 100):
                made = {"int": int, "float": float, "bool": bool, "complex": complex}[kind](value)
                return values.bounded(made, self._spend)
        except (ValueError, OverflowError, TypeError) as error:
            raise ScriptError(str(error)) from error
        raise ScriptError(f"a {type(value).__name__} is not {kind}")
