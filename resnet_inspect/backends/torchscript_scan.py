"""What the code of a TorchScript archive could do outside of its tensors, told from its text before it is loaded.

Loading an archive runs its ``__setstate__`` methods, and a forward runs the rest. The language has no files, but its
built-in functions have. Its text is a subset of Python's: a tree of it shows every name, however it is written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

#: Built-in functions with effects outside of tensors, by whatever way they are named; ``x.save(...)`` is one.
_EFFECTS = {
    "save": "writes files",
    "from_file": "reads and makes files",
    "load": "reads files",
    **dict.fromkeys(("rpc_async", "rpc_sync", "rpc_remote"), "runs code on other machines"),
}
#: Namespaces of operators that compute, and do nothing else.
_NAMESPACES = ("aten", "prim", "torchvision", "quantized")
#: Classes written in C++ are foreign code, but for torch's own of packed weights.
_CLASSES = ("quantized",)


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
            if node.attr in _EFFECTS:
                yield f"{path or node.attr}, which {_EFFECTS[node.attr]}"
            if isinstance(node.value, ast.Name) and node.value.id == "ops":
                judged.add(node.value)
                if node.attr not in _NAMESPACES:
                    yield f"operators of {path}, which are foreign code"
            if path.startswith("__torch__.torch.classes.") and path.split(".")[3] not in _CLASSES:
                yield _foreign_class(path)
        elif isinstance(node, ast.Name):
            if node.id in _EFFECTS:
                yield f"{node.id}, which {_EFFECTS[node.id]}"
            if node.id == "ops" and node not in judged:
                yield "ops in a way that can't be judged, which could be any operator"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            names = [item.value for item in node.args if isinstance(item, ast.Constant)]
            for name in names:
                if name in (*_EFFECTS, "classes"):
                    yield f"{name} by getattr, which {_EFFECTS.get(str(name), 'is foreign code')}"


def _foreign_class(path: str) -> str:
    return f"the class {path}, which is foreign code"


def _dotted(node: ast.expr) -> str:
    """``torch.save`` as written, empty for anything but names and dots."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
