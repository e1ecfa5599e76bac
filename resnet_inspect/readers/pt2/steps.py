"""The nodes of an exported program that become layers, and which tensors look at one memory."""

from __future__ import annotations

from dataclasses import dataclass

from ..aten import operators as aten
from ..aten.operators import Operator
from .graph import Node


@dataclass(frozen=True, slots=True)
class Step:
    """A node that becomes a layer, the run of nodes in one call of a module that it belongs to, and what it writes."""

    node: Node
    operator: Operator
    run: int
    written: tuple[str, ...]


class Roots:
    """Which tensors look at one memory, so that what is written to one is read from all."""

    def __init__(self) -> None:
        self._root: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    def follow(self, node: Node) -> None:
        """Takes note of a node that gives views of its first operand, or writes to it."""
        refs = node.refs
        if refs and (node.name in aten.VIEWS or node.name.endswith("_")):
            root = self._root.setdefault(refs[0], refs[0])
            members = self._members.setdefault(root, [root])
            self._root.update(dict.fromkeys(node.outputs, root))
            members.extend(node.outputs)

    def like(self, name: str) -> list[str]:
        """All that look at the memory of ``name``, itself among them."""
        return self._members.get(self._root.get(name, name), [name])
