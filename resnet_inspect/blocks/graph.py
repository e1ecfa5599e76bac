"""A network as a graph of operations, before any shape is known."""

from __future__ import annotations

from typing import NamedTuple

from ..ir import Attributes, Value
from .flavor import Flavor

INPUT = "input"


class Node(NamedTuple):
    """One operation. ``inputs`` are ids of earlier nodes, or ``input``; a path may occur more than once."""

    id: str
    path: str
    op: str
    inputs: tuple[str, ...]
    attributes: Attributes = ()


class Graph(NamedTuple):
    """Nodes in execution order, the last one giving the output, and the containment tree around them.

    ``image`` is the default height and width, ``minimum`` the smallest side that the framework accepts,
    ``channels`` what the first layer reads.
    """

    name: str
    flavor: Flavor
    builder: str
    channels: int
    image: tuple[int, int]
    nodes: tuple[Node, ...]
    modules: tuple[tuple[str, str], ...]
    arguments: Attributes = ()
    minimum: int = 1
    #: What a user should be told about how the graph came out (a projection that was added).
    notes: tuple[str, ...] = ()


class GraphBuilder:
    """Collects nodes; every method that adds one gives back its id, to be the input of another."""

    def __init__(self, flavor: Flavor) -> None:
        self.flavor = flavor
        self.nodes: list[Node] = []
        self.modules: list[tuple[str, str]] = []
        self._calls: dict[str, int] = {}

    def module(self, path: str, kind: str) -> None:
        """Declares a container, before the nodes inside it."""
        self.modules.append((path, kind))

    def op(self, path: str, op: str, *inputs: str, is_module: bool = True, **attributes: Value) -> str:
        """Adds an operation; a path that occurs again is the same module called again."""
        calls = self._calls[path] = self._calls.get(path, 0) + 1
        if calls == 1 and is_module:
            self.modules.append((path, self.flavor.types[op]))
        node = Node(path if calls == 1 else f"{path}:{calls}", path, op, inputs, tuple(attributes.items()))
        self.nodes.append(node)
        return node.id

    def conv(
        self,
        path: str,
        source: str,
        channels: tuple[int, int],
        kernel: int,
        *,
        stride: int = 1,
        padding: Value = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> str:
        """A square 2-D convolution from ``channels[0]`` to ``channels[1]`` channels."""
        return self.op(
            path,
            "conv2d",
            source,
            in_channels=channels[0],
            out_channels=channels[1],
            kernel_size=(kernel, kernel),
            stride=(stride, stride),
            padding=(padding, padding),
            padding_mode="zeros",
            dilation=(dilation, dilation),
            groups=groups,
            bias=bias,
        )

    def batch_norm(self, path: str, source: str, channels: int, eps: float, momentum: float) -> str:
        """A batch normalisation; ``momentum`` is the weight of the new batch, as torch has it."""
        return self.op(
            path, "batch_norm", source, channels=channels, eps=eps, momentum=momentum, scale=True, center=True
        )

    def relu(self, path: str, source: str, *, inplace: bool = False) -> str:
        """A rectifier, in place where torchvision has it so."""
        return self.op(path, "relu", source, **({"inplace": True} if inplace else {}))
