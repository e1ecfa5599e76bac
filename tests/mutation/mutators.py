"""Small mistakes that a program can have: each mutant is the module's syntax tree with one of them.

Not touched: docstrings, annotations, type variables, decorators and imports; the wording of f-strings; ``strict=`` of
``zip``, which guards against mistakes of our own; and what an ``assert`` or a ``raise`` of a ``TypeError`` says to a
developer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Comparisons with the ones that take their place: a boundary that is off by one, and the opposite.
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
#: Functions and methods that are easily mistaken for one another.
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}
_CALLS |= {"startswith": "endswith", "endswith": "startswith", "rpartition": "partition", "partition": "rpartition"}
#: Fields of the syntax tree that say nothing about what a program does.
_SILENT = {"annotation", "returns", "decorator_list", "type_comment"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: what stands in a ``field`` of a node of the tree, or at a place of that field, is replaced."""

    line: int
    kind: str
    what: str
    owner: ast.AST
    field: str
    place: int | None
    replacement: ast.AST

    def put(self) -> None:
        """Puts the mistake into the tree."""
        if self.place is None:
            setattr(self.owner, self.field, self.replacement)
        else:
            getattr(self.owner, self.field)[self.place] = self.replacement


def mutants(tree: ast.Module) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    return sorted(_below(tree), key=lambda mutant: mutant.line)


def _below(owner: ast.AST) -> Iterator[Mutant]:
    for name, value in ast.iter_fields(owner):
        if name in _SILENT:
            continue
        for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_silent(node):
                continue
            for kind, replacement in _mistakes(node, name):
                ast.copy_location(replacement, node)
                ast.fix_missing_locations(replacement)
                what = f"{_text(node)} -> {_text(replacement)}"
                yield Mutant(getattr(node, "lineno", 0), kind, what, owner, name, place, replacement)
            yield from _below(node)


def _is_silent(node: ast.AST) -> bool:
    """Whether a node is a docstring, an import, or something else that isn't touched."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return _text(node.exc.func) == "TypeError"
    if isinstance(node, ast.Assign) and (_text(node.targets[0]) == "__all__" or _text(node.value)[:8] == "TypeVar("):
        return True
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return True
    return isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert, ast.JoinedStr))


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _mistakes(node: Any, field: str) -> Iterator[tuple[str, ast.AST]]:
    """The mistakes that can be made at a node: their kind, and what stands there then."""
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield "boolean", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield "boolean" if isinstance(node.op, ast.Not) else "arithmetic", node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Call):
        yield from _called(node)
    else:
        yield from _statements(node)
    if field in ("test", "ifs") and not isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
        yield "condition", ast.UnaryOp(ast.Not(), node)


def _compared(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    for place, operator in enumerate(node.ops):
        for number, other in enumerate(_COMPARISONS[type(operator)]):
            kind = "boundary" if number == 0 and len(_COMPARISONS[type(operator)]) > 1 else "comparison"
            yield kind, ast.Compare(node.left, [*node.ops[:place], other(), *node.ops[place + 1 :]], node.comparators)


def _constants(value: object) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield "constant", ast.Constant(value + 1)
    elif isinstance(value, str):
        yield "constant", ast.Constant(f"{value}?" if value else "?")


def _called(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    function = node.func
    if isinstance(function, ast.Name) and function.id == "len":
        yield "length", ast.BinOp(node, ast.Add(), ast.Constant(1))
    elif isinstance(function, ast.Name) and function.id in _CALLS:
        other = _CALLS[function.id]
        yield "call", ast.Call(ast.Name(other, ast.Load()), node.args, [] if other == "list" else node.keywords)
    elif isinstance(function, ast.Attribute) and function.attr in _CALLS:
        yield "call", ast.Call(ast.Attribute(function.value, _CALLS[function.attr], ast.Load()), node.args, [])


def _statements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Return) and node.value is not None and _text(node.value) != "None":
        yield "return", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Continue):
        yield "statement", ast.Break()
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Break)):
        yield "statement", ast.Pass()
