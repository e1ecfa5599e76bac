"""Dotted paths for the nodes of an ONNX file, from whatever its exporter wrote down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ...rows.identities import Numbers
from .nodes import Node
from .wire import NOTES, UnsoundError

#: A string without escapes as Python writes it, and a list of them.
_ITEM = r"""'([^'\\]*)'|"([^"\\]*)\""""
_LIST = rf"\s*\[\s*(?:(?:{_ITEM})\s*(?:,\s*|(?=\])))*\]\s*"
#: What a module is where the file doesn't name its class.
_UNNAMED = "Scope"
#: Modules in one another (a name of more isn't theirs), those of all nodes, and letters of a note on them.
_DEEPEST, _MOST, _LONGEST = 32, 200_000, 1 << 14


class _Place(NamedTuple):
    """The module that a node stands in, and the node's own name there, None if that says no more than its op."""

    module: str
    name: str | None
    classes: tuple[tuple[str, str], ...] = ()


def paths(nodes: Sequence[Node], ops: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """A path for each node and the tree of modules around them, path -> class.

    A module that is one node, or one and the same again, has that node's path, as a leaf module in torch; several nodes
    of a module are called by their ops, ``layer1.0.add``.
    """
    places = [_place(node) for node in nodes]
    modules: dict[str, str] = {}
    kinds: dict[str, set[str]] = {}
    for node, place in zip(nodes, places, strict=True):
        if len(modules) > _MOST:
            raise UnsoundError(f"its nodes' names stand for more than {_MOST} modules")
        if place.module and place.module not in modules:
            parts = place.module.split(".")
            for end in range(len(parts)):
                kinds.setdefault(".".join(parts[:end]), set()).add("")
                modules.setdefault(".".join(parts[: end + 1]), _UNNAMED)
        kinds.setdefault(place.module, set()).add(node.kind)
        modules.update({path: kind for path, kind in place.classes if path in modules})
    numbers = Numbers(modules)
    found = []
    for node, op, place in zip(nodes, ops, places, strict=True):
        prefix = f"{place.module}." if place.module else ""
        if place.name is not None:
            found.append(prefix + place.name)
        elif place.module and len(kinds[place.module]) == 1:
            found.append(place.module)
        else:
            named = node.proto.name or place.module
            name = op if named and op != "other" else node.proto.op_type
            found.append(numbers.next(prefix + name))
    leaves = set(found)
    return found, {path: kind for path, kind in modules.items() if path not in leaves or kind != _UNNAMED}


def _place(node: Node) -> _Place:
    name, op_type = node.proto.name, node.proto.op_type
    notes = {item.key: item.value for item in getattr(node.proto, "metadata_props", ())}
    scopes, classes = (_texts(notes[key]) if key in notes else [] for key in NOTES)
    if len(scopes) > 1 and scopes[-2].count(".") < _DEEPEST:
        return _Place(scopes[-2], None, tuple(zip(scopes[:-1], (c.rpartition(".")[2] for c in classes), strict=False)))
    if name.count("/") > _DEEPEST:
        return _Place("", name.rpartition("/")[2] or None)
    *around, own = [part for part in name.split("/") if part] or [""]
    merged: list[str] = []
    for part in around:
        # torch repeats a Sequential's own name in its children's: /layer1/layer1.0/conv1
        if merged and part.startswith(f"{merged[-1]}."):
            merged.pop()
        merged.append(part)
    rest = own.removeprefix(op_type)
    is_op = own.startswith(op_type) and (not rest or (rest[0] == "_" and rest[1:].isdecimal()))
    says_op = not own or (is_op and "/" in name)
    return _Place(".".join(merged), None if says_op else own)


def _texts(text: str) -> list[str]:
    """The strings in a list as Python writes it; none of anything else."""
    if len(text) > _LONGEST or not re.fullmatch(_LIST, text):
        return []
    return [first or second for first, second in re.findall(_ITEM, text)]
