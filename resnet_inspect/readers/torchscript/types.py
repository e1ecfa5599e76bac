"""TorchScript's types, as its code writes them, held against values."""

from __future__ import annotations

import ast
from typing import Any

import torch

from .archive import Archive, Kind
from .modules import Packed, Scripted, Thing
from .pickle import RefusedArchiveError
from .values import ScriptError, Spend

_PLAIN: dict[str, Any] = {
    "Tensor": torch.Tensor,
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "str": str,
    "NoneType": type(None),
    "Device": torch.device,
    "list": list,
    "tuple": tuple,
    "number": (int, float, complex),
    "Scalar": (int, float, complex),
}


class Types:
    """The types of an archive's code."""

    __slots__ = ("_archive", "_spend")

    def __init__(self, archive: Archive, spend: Spend) -> None:
        self._archive = archive
        self._spend = spend

    def matches(self, node: ast.expr, value: Any) -> bool:
        """Whether a value is of a type."""
        self._spend(1)
        if isinstance(node, (ast.Tuple, ast.List)):
            return any(self.matches(item, value) for item in node.elts)
        if isinstance(node, ast.Name):
            if node.id in ("Any", "t", "AnyTuple", "AnyList"):
                return True
            kind = _PLAIN.get(node.id)
            if kind is None:
                raise RefusedArchiveError(f"its code has an unknown type {node.id}")
            return isinstance(value, kind) and (node.id not in ("int", "number") or not isinstance(value, bool))
        if isinstance(node, ast.Constant) and node.value is None:
            return value is None
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            return self._generic(node.value.id, node.slice, value)
        if isinstance(node, ast.Attribute):
            return self._named(ast.unparse(node), value)
        raise RefusedArchiveError(f"its code has a type of the kind {type(node).__name__}")

    def _generic(self, name: str, inner: ast.expr, value: Any) -> bool:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "Optional":
            return value is None or self.matches(parts[0], value)
        if name == "Union":
            return any(self.matches(part, value) for part in parts)
        if name == "Final":
            return self.matches(parts[0], value)
        if name == "List":
            return isinstance(value, list) and all(self.matches(parts[0], item) for item in value)
        if name == "Dict" and len(parts) == 2:
            return isinstance(value, dict) and all(
                self.matches(parts[0], key) and self.matches(parts[1], item) for key, item in value.items()
            )
        if name == "Tuple":
            parts = [part for part in parts if not isinstance(part, ast.Tuple)]
            return (
                isinstance(value, tuple)
                and len(value) == len(parts)
                and all(self.matches(part, item) for part, item in zip(parts, value, strict=True))
            )
        raise RefusedArchiveError(f"its code has an unknown type {name}")

    def _named(self, name: str, value: Any) -> bool:
        if name.startswith("__torch__.torch.classes."):
            return isinstance(value, Packed)
        kind = self._archive.find(name)
        if not isinstance(kind, Kind):
            raise RefusedArchiveError(f"its code has a type {name}, which is a function")
        if kind.base == "NamedTuple":
            return isinstance(value, tuple) and len(value) == len(kind.fields)
        return isinstance(value, (Scripted, Thing)) and (value.kind == name or kind.base == "Interface")

    def given(self, node: ast.expr | None, value: Any) -> Any:
        """What a user gives for an argument of a type, as a value of the code: tuples stand for lists, too.

        Raises:
            ScriptError: it is of another type.
        """
        value = _as_said(node, value)
        if node is not None and not self.matches(node, value):
            raise ScriptError(f"forward() expects a value of type {ast.unparse(node)}, got a {type(value).__name__}")
        return value


def _as_said(node: ast.expr | None, value: Any) -> Any:
    name = node.value.id if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else ""
    inner = node.slice if isinstance(node, ast.Subscript) else None
    if name == "Optional" and value is not None:
        return _as_said(inner, value)
    if isinstance(value, (list, tuple)) and name in ("List", "Tuple"):
        parts: list[Any] = inner.elts if isinstance(inner, ast.Tuple) else [inner] * len(value)
        parts = parts if len(parts) == len(value) else [None] * len(value)
        made = [_as_said(part, item) for part, item in zip(parts, value, strict=True)]
        return made if name == "List" else tuple(made)
    if isinstance(value, dict) and name == "Dict" and isinstance(inner, ast.Tuple):
        return {key: _as_said(inner.elts[1], item) for key, item in value.items()}
    if isinstance(node, ast.Name) and node.id == "float" and type(value) is int:
        return float(value)
    return value
