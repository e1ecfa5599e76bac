"""What the code of a TorchScript archive could do outside of its tensors, told from its text before it is loaded.

Loading an archive runs its ``__setstate__`` methods, which may therefore do no more than set values and pack weights.
A forward runs the rest, where what touches files, other programs or raw memory is refused: that makes no prison, but
leaves only operators that check what they are given. The language has no files, but its built-in functions have. Its
text is a subset of Python's: a tree of it shows every name, however it is written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

#: Built-in functions with effects outside of tensors, by whatever way they are named; ``x.save(...)`` is one.
_EFFECTS = {
    "save": "writes files",
    "from_file": "reads and makes files",
    "load": "reads files",
    **dict.fromkeys(("rpc_async", "rpc_sync", "rpc_remote"), "runs code on other machines"),
}
#: Operators that trust sizes, places or indices that they are given; any tensor has them as methods, too. A sparse
#: tensor's indices can be overwritten after they were checked. ``as_strided`` keeps to the bounds of its storage.
_UNCHECKED = re.compile(
    r"(\w*_)?unsafe(_\w+)?|set_|set_data|resize_(as_)?|_resize_output_|_nested_view_from_\w+|_spdiags"
    r"|_?sparse_(coo|cs[rc]|bs[rc]|compressed)_\w+|_?to_sparse\w*|\w+_sparse_backward|sparse_resize_\w*|resize_as_sparse_"
)
#: They are called unsafe for the sake of autograd, or check their indices all the same.
_CHECKED = frozenset(
    [
        *("unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes"),
        *("_unsafe_view", "_unsafe_index", "_unsafe_index_put"),
    ]
)
#: Namespaces of operators that compute, and do nothing else.
_NAMESPACES = ("aten", "prim", "torchvision", "quantized")
#: Classes written in C++ are foreign code, but for torch's own of packed weights.
_CLASSES = ("quantized",)
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.DictComp)
#: What a ``__setstate__`` may be made of, and the one method that it may call: what quantised modules have.
_SETTING = (
    *(ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AnnAssign, ast.Expr, ast.If, ast.Assert, ast.Return),
    *(ast.Pass, ast.Attribute, ast.Subscript, ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Call, ast.IfExp),
    *(ast.Compare, ast.BoolOp, ast.UnaryOp, ast.expr_context, ast.cmpop, ast.boolop, ast.unaryop),
)
_SETTING_CALLS = re.compile(
    r"annotate|isinstance|unchecked_cast|uninitialized|ops\.prim\.RaiseException"
    r"|torch\.(eq|ne|__is__|__isnot__|__not__)|ops\.quantized\.\w+_prepack(_fp16)?"
)
#: A variable of such a name would make another call of one that is allowed.
_MEANT = ("annotate", "isinstance", "unchecked_cast", "uninitialized", "ops", "torch", "self")


def danger(code: Iterable[tuple[str, str]], pickles: Iterable[bytes]) -> str | None:
    """The first thing that could touch files or run foreign code: ``torch.save, which writes files``.

    ``code`` are the names and texts of the code's files; ``pickles`` name the classes of stored objects.
    """
    for name, text in code:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"something that can't be judged in {name} ({error}), which could be anything"
        for found in _dangers(tree):
            return found
    for data in pickles:
        if b"_rebuild_sparse" in data:
            return "_rebuild_sparse_tensor, whose indices nobody checks"
        # A class is written as "module\nname\n", and read as "module.name".
        for kind in re.findall(rb"__torch__[.\n]torch[.\n]classes[.\n](\w*)", data):
            if kind.decode() not in _CLASSES:
                return _foreign_class(f"__torch__.torch.classes.{kind.decode()}")
    return None


def _dangers(tree: ast.AST) -> Iterator[str]:
    judged: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            path = _dotted(node)
            if effect := _effect(node.attr):
                yield f"{path or node.attr}, which {effect}"
            if isinstance(node.value, ast.Name) and node.value.id == "ops":
                judged.add(node.value)
                if node.attr not in _NAMESPACES:
                    yield f"operators of {path}, which are foreign code"
            if path.startswith("__torch__.torch.classes.") and path.split(".")[3] not in _CLASSES:
                yield _foreign_class(path)
        elif isinstance(node, ast.Name):
            if effect := _effect(node.id):
                yield f"{node.id}, which {effect}"
            if node.id == "ops" and node not in judged:
                yield "ops in a way that can't be judged, which could be any operator"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            names = [str(item.value) for item in node.args if isinstance(item, ast.Constant)]
            for name in names:
                if effect := "is foreign code" if name == "classes" else _effect(name):
                    yield f"{name} by getattr, which {effect}"
        elif isinstance(node, (ast.ClassDef, ast.Module)):
            methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
            if "__setstate__" in methods and (found := _beside_setting(methods)):
                yield f"__setstate__ with {found} in it, which runs when the file is loaded"


def _effect(name: str) -> str | None:
    """What is wrong with a built-in function of this name."""
    if _UNCHECKED.fullmatch(name) and name not in _CHECKED:
        return "reaches memory that isn't the tensor's"
    return _EFFECTS.get(name)


def _beside_setting(methods: Mapping[str, ast.FunctionDef]) -> str | None:
    """The first thing in a class' ``__setstate__`` that neither sets a value nor packs weights.

    It may call one method of its own, which calls none: a few lines that call one another would run forever.
    """
    function = methods["__setstate__"]
    calls = [_dotted(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    own = [name for name in calls if name.removeprefix("self.") in methods and name.startswith("self.")]
    if len(own) > 1:
        return f"a call of {own[1]} after another"
    return _unset(function, own) or next((_unset(methods[name.removeprefix("self.")]) for name in own), None)


def _unset(function: ast.FunctionDef, own: Sequence[str] = ()) -> str | None:
    """The first thing in a method that sets nothing, calls of ``own`` aside."""
    for node in ast.walk(function):
        if not isinstance(node, _SETTING):
            return "a loop" if isinstance(node, _LOOPS) else f"an expression of the kind {type(node).__name__}"
        made = node.arg if isinstance(node, ast.arg) and node is not function.args.args[0] else None
        made = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else made
        if made in _MEANT:
            return f"a variable {made}"
        name = _dotted(node.func) if isinstance(node, ast.Call) else None
        if name is not None and name not in own and not _SETTING_CALLS.fullmatch(name):
            return f"a call of {name or 'what has no name'}"
    return None


def _foreign_class(path: str) -> str:
    return f"the class {path}, which is foreign code"


def _dotted(node: ast.expr) -> str:
    """``torch.save`` as written, empty for anything but names and dots."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
