"""The rows of an exported program: layers in the making, what they read, and which parameters they count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..ir import Layer, Parameter
from ..ops.images import output_layout
from . import aten, aten_cost
from .aten import Operator
from .identities import Identities
from .pt2_graph import Graph, Node


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


class Rows:
    """Layers in the making, and where each tensor comes from."""

    def __init__(
        self,
        graph: Graph,
        weights: Mapping[str, str],
        parameters: Mapping[str, Parameter],
        layouts: Mapping[str, str | None],
    ) -> None:
        """``weights``: tensor -> name of the parameter that it is a view of; ``layouts`` are the inputs'."""
        self.layers: list[Layer] = []
        self.layouts: dict[str, str | None] = dict(layouts)
        self._graph = graph
        self._weights = weights
        self._parameters = parameters
        self._order = {name: index for index, name in enumerate(parameters)}
        self._claimed: set[str] = set()
        self._sources: dict[str, str] = {}
        self._ids = Identities()

    def add_input(self, name: str, path: str) -> None:
        """A tensor that the program is given."""
        identity = self._sources[name] = self._ids.next(path)
        tensor = self._graph.tensor(name, self.layouts[name])
        self.layers.append(Layer(identity, path, "Input", "input", output_tensors=(tensor,)))

    def add(self, step: Step, path: str, kind: str) -> None:
        """A node as a layer."""
        node, operator = step.node, step.operator
        op, attributes = aten.describe(operator)
        read = [name for name in node.refs if name in self._sources]
        outputs = node.outputs[: aten.output_count(operator)]
        known = [self.layouts.get(name) for name in read]
        for name in outputs:
            self.layouts[name] = output_layout(op, len(self._graph.tensor(name).shape), known)
        parameters, shared = self._claim(node.refs)
        identity = self._ids.next(path)
        self.layers.append(
            Layer(
                id=identity,
                path=path,
                type=kind,
                op=op,
                inputs=tuple(self._sources[name] for name in read),
                input_tensors=tuple(self._graph.tensor(name, self.layouts.get(name)) for name in read),
                output_tensors=tuple(self._graph.tensor(name, self.layouts[name]) for name in outputs),
                parameters=parameters,
                shared=shared,
                macs=aten_cost.macs(operator),
                attributes=attributes,
            )
        )
        self._sources.update(dict.fromkeys(step.written, identity))

    def _claim(self, names: Iterable[str]) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
        """What a layer that reads ``names`` counts, and the names of what an earlier one counts."""
        used = sorted({self._weights[name] for name in names if name in self._weights}, key=self._order.__getitem__)
        new = tuple(self._parameters[name] for name in used if name not in self._claimed)
        shared = tuple(name for name in used if name in self._claimed and self._parameters[name].role != "buffer")
        self._claimed.update(used)
        return new, shared
