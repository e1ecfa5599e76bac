"""The rows of a table: every layer, or whole modules below a depth, with exact subtotals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..errors import BadRequestError
from ..ir import UNKNOWN, Layer, Parameter, Shape, Summary, sum_known
from .facts import Facts
from .receptive import Field


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a layer, or all layers of a module. ``uncounted`` layers are missing in ``macs``.

    ``id`` is what the edges in ``connected_to`` call it: the layer's id, or the module's path.
    """

    id: str
    path: str
    type: str
    layers: tuple[Layer, ...]
    connected_to: tuple[str, ...]
    depth: int
    facts: Facts

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters that these layers count."""
        return tuple(p for layer in self.layers for p in layer.parameters)

    @property
    def params(self) -> int:
        """Parameters as the framework counts them."""
        return sum(layer.params for layer in self.layers)

    def count(self, role: str) -> int | None:
        """Parameters of one role; None where it isn't known which are trained."""
        return sum_known(layer.count(role) for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-adds of the layers whose MACs are known."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def uncounted(self) -> int:
        """Number of layers whose MACs are unknown."""
        return sum(layer.macs is None for layer in self.layers)

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """What the first layer reads."""
        return tuple(t.shape for t in self.layers[0].input_tensors if t != UNKNOWN)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """What the last called layer gives; empty if none was called."""
        called = [layer for layer in self.layers if layer.called]
        return tuple(t.shape for t in called[-1].output_tensors if t != UNKNOWN) if called else ()

    @property
    def activation_bytes(self) -> int | None:
        """Bytes of all outputs."""
        return sum_known(t.bytes for layer in self.layers for t in layer.output_tensors)

    @property
    def live_bytes(self) -> int | None:
        """The most that is alive while one of the layers runs; 0 if none is called."""
        found = [self.facts.live_bytes[layer.id] for layer in self.layers if layer.called]
        return None if None in found else max((size for size in found if size is not None), default=0)

    @property
    def saved_bytes(self) -> int | None:
        """What training keeps for the backward pass because of these layers."""
        return sum_known(self.facts.saved_bytes.get(layer.id, 0) for layer in self.layers)

    @property
    def field(self) -> Field | None:
        """The receptive field of the last layer; None if it isn't known."""
        return self.facts.fields.get(self.layers[-1].id)


def rows(summary: Summary, depth: int | None = None, only: Sequence[str] = ()) -> tuple[Row, ...]:
    """Rows in execution order, folded below ``depth`` path components, of the paths that match ``only``.

    Raises:
        BadRequestError: no path matches.
    """
    layers = [
        layer for layer in summary.layers if not only or any(fnmatchcase(layer.path, pattern) for pattern in only)
    ]
    if only and not layers:
        starts = ", ".join(dict.fromkeys(layer.path.split(".")[0] for layer in summary.layers))
        raise BadRequestError(f"no layer matches {' or '.join(map(repr, only))}; paths start with {starts}")
    kinds = dict(summary.modules)
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(_group(layer, depth), []).append(layer)
    by_id = {layer.id: _group(layer, depth) for layer in summary.layers}
    facts = Facts(summary)
    result = []
    for key, members in groups.items():
        single = len(members) == 1 and (depth is None or members[0].path.count(".") < depth)
        sources = [by_id[source] for layer in members for source in layer.inputs]
        path = members[0].path if single else key
        result.append(
            Row(
                id=key,
                path=path,
                type=members[0].type if single else kinds.get(key, members[0].type),
                layers=tuple(members),
                connected_to=tuple(sources if single else dict.fromkeys(s for s in sources if s != key)),
                depth=path.count("."),
                facts=facts,
            )
        )
    return tuple(result)


def _group(layer: Layer, depth: int | None) -> str:
    """The key of the row that a layer belongs to: its own id, or the path of its module at ``depth``."""
    if depth is None or layer.op == "input":
        return layer.id
    parts = layer.path.split(".")
    return layer.id if len(parts) < depth or (len(parts) == depth and depth) else ".".join(parts[:depth])
