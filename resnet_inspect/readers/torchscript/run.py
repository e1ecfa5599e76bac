"""TorchScript's code, run by an interpreter of our own: what its serialiser writes, and nothing else.

Names in the code are looked up in tables: of variables, of an object's attributes, of functions of this module. Each
step costs fuel, and so does what a list, a text or a recurrent layer takes, so that any code ends within seconds.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

import torch

from ..torch.compat import without_function_modes
from . import values
from .archive import Archive, Kind
from .calls import Calls
from .modules import Loader, Packed, Scripted, Thing
from .operators import Operators
from .pickle import RefusedArchiveError
from .types import Types
from .values import ScriptError

#: Steps of one run. A detection model's takes fifty thousand.
_FUEL = 2_000_000
_MOST_CALLS = 400
#: Values in what a forward returns.
_MOST_RETURNED = 100_000
#: No variable has such a name: it stands for a table of functions.
_RESERVED = frozenset(["torch", "ops", "CONSTANTS", "__torch__", "getattr", "annotate", "uninitialized", "isinstance"])
_WORDS = {"inf": math.inf, "nan": math.nan, "infj": complex(0, math.inf), "nanj": complex(0, math.nan)}


class Function:
    """A function or class of the archive as a value of its code."""

    __slots__ = ("name", "node")

    def __init__(self, name: str, node: Kind | ast.FunctionDef) -> None:
        self.name = name
        self.node = node


class Program:
    """An archive's code, ready to run on ``device``; ``model`` is its root module."""

    __slots__ = ("_archive", "_built", "_calls", "_constants", "_fuel", "_loader", "_operators", "_types", "model")

    def __init__(self, archive: Archive, device: str) -> None:
        self._archive = archive
        self._fuel, self._calls = _FUEL, 0
        self._types = Types(archive, self.spend)
        self._operators = Operators(device, self.spend)
        self._built = Calls(self._operators, self.spend)
        self._loader = Loader(archive, device, self._setstate)
        self._constants: tuple[Any, ...] = ()
        with without_function_modes():
            constants = archive.pickled("constants")
            made = self._loader.make(constants, "constants")
            self._constants = made if isinstance(made, tuple) else (made,)
            self.model = self._loader.make(archive.pickled("data"))
        if not isinstance(self.model, Scripted):
            raise RefusedArchiveError("there is no module in it")
        kind = archive.find(self.model.kind)
        if not isinstance(kind, Kind) or kind.hooked:
            raise RefusedArchiveError("its module has hooks, which aren't read")
        # Not by setattr: the file may have a module of that name.
        self.model.__dict__["listen"] = self._operators.listen
        if "forward" in kind.methods:
            self.model.__dict__["run"] = self._forward

    def spend(self, steps: int) -> None:
        """Takes so many steps from the fuel; raises RefusedArchiveError once there is none."""
        self._fuel -= steps
        if self._fuel < 0:
            raise RefusedArchiveError(f"its code takes more than {_FUEL} steps")

    def _setstate(self, made: Any, kind: Kind, state: Any) -> None:
        self._call(kind.methods["__setstate__"], [made, state], {})

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        """The root's forward, seen by none of the observers but those of operators."""
        self._fuel, self._calls = _FUEL, 0
        kind = self._archive.find(self.model.kind)
        assert isinstance(kind, Kind)
        with without_function_modes():
            method = kind.methods["forward"]
            given = {name: self._types.given(_annotation(method, name), value) for name, value in kwargs.items()}
            row = [
                self._types.given(argument.annotation, value)
                for argument, value in zip(method.args.args[1:], args, strict=False)
            ]
            if len(row) < len(args):
                raise ScriptError(f"forward() takes {len(row)} arguments, got {len(args)}")
            try:
                return self._returned(self._call(method, [self.model, *row], given), [_MOST_RETURNED])
            except RecursionError as error:
                raise RefusedArchiveError("its code is nested too deeply") from error

    def _returned(self, value: Any, left: list[int], depth: int = 0) -> Any:
        """What the forward returns, as plain containers: each thing of the archive is its values."""
        left[0] -= 1
        if left[0] < 0 or depth > 50:
            raise RefusedArchiveError("its forward returns too many values")
        if isinstance(value, (list, tuple)):
            kind = list if isinstance(value, list) else tuple
            return kind(self._returned(item, left, depth + 1) for item in value)
        items = value.values if isinstance(value, Thing) else value
        if isinstance(items, dict):
            return {key: self._returned(item, left, depth + 1) for key, item in items.items()}
        return value

    def _call(self, function: ast.FunctionDef, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """What a function gives, whose arguments are bound as Python would."""
        self.spend(2)
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise RefusedArchiveError("its functions call one another too deeply")
        names = [argument.arg for argument in function.args.args]
        defaults = function.args.defaults
        if len(args) > len(names) or not kwargs.keys() <= set(names[len(args) :]):
            raise ScriptError(f"{function.name}() takes {len(names)} arguments")
        bound = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
        scope = {**{name: self._value(node, {}) for name, node in bound.items() if name not in names[: len(args)]}}
        scope.update(zip(names, args, strict=False))
        scope.update(kwargs)
        missing = [name for name in names if name not in scope]
        if missing or not _RESERVED.isdisjoint(names):
            raise ScriptError(f"{function.name}() is missing a value for {', '.join(missing) or 'a name of torch'}")
        returned = self._block(function.body, scope)
        self._calls -= 1
        return returned[0] if returned else None

    def _block(self, body: Sequence[ast.stmt], scope: dict[str, Any]) -> list[Any] | None:
        """Runs statements; a list with what they return, if they do."""
        for node in body:
            self.spend(1)
            if isinstance(node, ast.Assign):
                value = self._value(node.value, scope)
                for target in node.targets:
                    self._assign(target, value, scope)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._assign(node.target, self._value(node.value, scope), scope)
            elif isinstance(node, ast.Expr):
                self._value(node.value, scope)
            elif isinstance(node, ast.Return):
                return [None if node.value is None else self._value(node.value, scope)]
            elif isinstance(node, ast.If):
                returned = self._block(node.body if self._truth(node.test, scope) else node.orelse, scope)
                if returned:
                    return returned
            elif isinstance(node, ast.While) and not node.orelse:
                while self._truth(node.test, scope):
                    self.spend(1)
                    if returned := self._block(node.body, scope):
                        return returned
            elif isinstance(node, ast.For) and not node.orelse:
                for item in self._items(node.iter, scope):
                    self.spend(1)
                    self._assign(node.target, item, scope)
                    if returned := self._block(node.body, scope):
                        return returned
            elif isinstance(node, ast.With) and len(node.items) == 1:
                held = self._value(node.items[0].context_expr, scope)
                entered = self._method(held, "__enter__", [])
                if node.items[0].optional_vars is not None:
                    self._assign(node.items[0].optional_vars, entered, scope)
                if returned := self._block(node.body, scope):
                    return returned
                self._method(held, "__exit__", [None, None, None])
            elif not isinstance(node, ast.Pass):
                raise RefusedArchiveError(
                    f"its code has a statement of the kind {type(node).__name__}, which is not read"
                )
        return None

    def _items(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            ends = [self._value(item, scope) for item in node.args]
            if (
                not 1 <= len(ends) <= 3
                or not all(isinstance(end, int) for end in ends)
                or (len(ends) > 2 and not ends[2])
            ):
                raise ScriptError("range() takes one to three whole numbers")
            return range(*ends)
        items = self._value(node, scope)
        if not isinstance(items, (list, tuple)):
            raise ScriptError(f"a {type(items).__name__} can't be gone through")
        return list(items)

    def _truth(self, node: ast.expr, scope: dict[str, Any]) -> bool:
        value = self._value(node, scope)
        if isinstance(value, torch.Tensor):
            return bool(self._operators.call("aten::is_nonzero", [value], {}))
        if not isinstance(value, (bool, int, float)):
            raise ScriptError(f"a {type(value).__name__} is neither true nor false")
        return bool(value)

    def _assign(self, target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            if target.id in _RESERVED:
                raise RefusedArchiveError(f"its code has a variable {target.id}")
            scope[target.id] = value
        elif isinstance(target, ast.Tuple):
            if not isinstance(value, (list, tuple)) or len(value) != len(target.elts):
                raise ScriptError(f"{len(target.elts)} values are expected")
            for part, item in zip(target.elts, value, strict=True):
                self._assign(part, item, scope)
        elif isinstance(target, ast.Attribute):
            owner = self._value(target.value, scope)
            if isinstance(owner, Scripted):
                owner.put(target.attr, value)
            elif isinstance(owner, Thing):
                owner.values[target.attr] = value
            else:
                raise RefusedArchiveError(f"its code sets {target.attr} of a {type(owner).__name__}")
        elif isinstance(target, ast.Subscript):
            owner, key = self._value(target.value, scope), self._value(target.slice, scope)
            values.call("_set_item", [owner, key, value], self.spend)
        else:
            raise RefusedArchiveError(f"its code assigns to a {type(target).__name__}, which is not read")

    def _value(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        if isinstance(node, ast.Name):
            if node.id in scope:
                return scope[node.id]
            if node.id in _WORDS:
                return _WORDS[node.id]
            raise RefusedArchiveError(f"its code has an unknown name {node.id}")
        if isinstance(node, ast.Constant):
            if isinstance(node.value, (bool, int, float, complex, str, type(None))):
                return values.bounded(node.value, self.spend)
        elif isinstance(node, ast.Call):
            return self._called(node, scope)
        elif isinstance(node, ast.Attribute):
            return self._attribute(node, scope)
        elif isinstance(node, (ast.List, ast.Tuple)):
            items = [self._value(item, scope) for item in node.elts]
            self.spend(len(items) // 8)
            return items if isinstance(node, ast.List) else tuple(items)
        elif isinstance(node, ast.Dict):
            made: dict[Any, Any] = {}
            for key, item in zip(node.keys, node.values, strict=True):
                if key is not None:
                    values.call("_set_item", [made, self._value(key, scope), self._value(item, scope)], self.spend)
            return made
        elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            return self._item(self._value(node.value, scope), self._value(node.slice, scope))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return values.call("neg", [self._value(node.operand, scope)], self.spend)
        elif isinstance(node, ast.IfExp):
            return self._value(node.body if self._truth(node.test, scope) else node.orelse, scope)
        raise RefusedArchiveError(f"its code has an expression of the kind {type(node).__name__}, which is not read")

    def _item(self, items: Any, key: Any) -> Any:
        if isinstance(items, Scripted):  # a list of modules, in code of old
            items, key = items._modules, str(key)
        if not isinstance(items, (list, tuple, dict, str)) or not isinstance(key, (int, float, bool, str)):
            raise ScriptError(f"a {type(items).__name__} has no items")
        try:
            return items[key]  # type: ignore[index]
        except (LookupError, TypeError) as error:
            raise ScriptError(f"{type(items).__name__} index out of range: {key}") from error

    def _attribute(self, node: ast.Attribute, scope: dict[str, Any]) -> Any:
        path = dotted(node)
        root = path.partition(".")[0]
        if root == "__torch__":
            return Function(path, self._archive.find(path))
        if root == "CONSTANTS":
            number = node.attr.removeprefix("c")
            if path.count(".") != 1 or not number.isdecimal() or int(number) >= len(self._constants):
                raise RefusedArchiveError(f"its code has an unknown constant {path}")
            return self._constants[int(number)]
        if root in _RESERVED:
            raise RefusedArchiveError(f"its code has {path}, which is not read")
        return self._of(self._value(node.value, scope), node.attr)

    def _of(self, owner: Any, name: str) -> Any:
        """An attribute, from the tables of the archive's own objects alone."""
        try:
            if isinstance(owner, Scripted):
                return owner.get(name)
            if isinstance(owner, Thing):
                return owner.values[name]
            if isinstance(owner, values.Row):
                return owner[owner.fields.index(name)]
            if isinstance(owner, Function) and isinstance(owner.node, Kind) and owner.node.base == "Enum":
                return Thing(owner.name, {"name": name, "value": self._value(owner.node.constants[name], {})})
        except (KeyError, ValueError):
            if isinstance(owner, (Scripted, Thing)):
                kind = self._archive.find(owner.kind)
                if isinstance(kind, Kind) and name in kind.constants:
                    return self._value(kind.constants[name], {})
        raise RefusedArchiveError(f"its code reads {name} of a {_kind(owner)}, which has none")

    def _called(self, node: ast.Call, scope: dict[str, Any]) -> Any:
        self.spend(1)
        function = node.func
        path = dotted(function)
        root, _, rest = path.partition(".")
        if path and not rest and root not in scope:
            return self._built_in(root, node, scope)
        args = [self._value(item, scope) for item in node.args]
        kwargs = {word.arg: self._value(word.value, scope) for word in node.keywords if word.arg is not None}
        if len(kwargs) != len(node.keywords):
            raise RefusedArchiveError("its code has a call with keywords that aren't named")
        if root == "torch":
            return self._built.call("aten", rest, args, kwargs)
        if root == "ops":
            namespace, _, name = rest.partition(".")
            return self._built.call(namespace, name, args, kwargs)
        if root in _RESERVED and root != "__torch__":
            raise RefusedArchiveError(f"its code calls {path}, which is not read")
        if isinstance(function, ast.Attribute) and not path.startswith("__torch__."):
            return self._method(self._value(function.value, scope), function.attr, args, kwargs)
        if path.startswith("__torch__.") and path.endswith(".__new__"):
            kind = self._archive.find(path.removesuffix(".__new__"))
            if not isinstance(kind, Kind) or kind.base:
                raise RefusedArchiveError(f"its code makes an object with {path}")
            return Thing(kind.name)
        return self._applied(self._value(function, scope), args, kwargs)

    def _applied(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """A call of a value: a function of the archive, or a class of rows with names."""
        if not isinstance(function, Function):
            raise RefusedArchiveError(f"its code calls a {_kind(function)}")
        if isinstance(function.node, ast.FunctionDef):
            return self._call(function.node, args, kwargs)
        if function.node.base != "NamedTuple" or kwargs or len(args) != len(function.node.fields):
            raise RefusedArchiveError(f"its code calls the class {function.name}")
        return values.Row(args, function.node.fields)

    def _method(self, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any] | None = None) -> Any:
        if isinstance(owner, Packed) and name == "unpack" and not args:
            return (owner.weight, owner.bias)
        if isinstance(owner, (Scripted, Thing)):
            kind = self._archive.find(owner.kind)
            if isinstance(kind, Kind) and name in kind.methods:
                return self._call(kind.methods[name], [owner, *args], kwargs or {})
        raise RefusedArchiveError(f"its code calls {name} of a {_kind(owner)}, which is not read")

    def _built_in(self, name: str, node: ast.Call, scope: dict[str, Any]) -> Any:
        """``getattr(self, "0")``, ``annotate(List[int], [])``, and their kind."""
        args = node.args
        if node.keywords:
            raise RefusedArchiveError(f"its code calls {name} with keywords, which is not read")
        if name == "getattr" and len(args) == 2 and isinstance(args[1], ast.Constant):
            return self._of(self._value(args[0], scope), str(args[1].value))
        if name in ("annotate", "unchecked_cast") and len(args) == 2:
            value = self._value(args[1], scope)
            # What was traced hands a size on as a tensor, and calls it a number where one is wanted.
            is_number = isinstance(value, torch.Tensor) and isinstance(args[0], ast.Name) and args[0].id == "number"
            return self._built.call("aten", "ScalarImplicit", [value], {}) if is_number else value
        if name == "uninitialized" and len(args) == 1:
            return None
        if name == "isinstance" and len(args) == 2:
            return self._types.matches(args[1], self._value(args[0], scope))
        row = [self._value(item, scope) for item in args]
        if name == "print":
            return None
        if name == "str" and len(row) == 1:
            return values.text(row[0], self.spend)
        if name in ("int", "float", "bool", "complex") and len(row) == 1:
            return self._built.number(name, row[0])
        raise RefusedArchiveError(f"its code calls {name}, which is not read")


def dotted(node: ast.expr) -> str:
    """``torch.add`` as written, empty for anything but names and dots."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _annotation(function: ast.FunctionDef, name: str) -> ast.expr | None:
    return next((argument.annotation for argument in function.args.args if argument.arg == name), None)


def _kind(value: Any) -> str:
    return value.kind if isinstance(value, (Scripted, Thing)) else type(value).__name__
