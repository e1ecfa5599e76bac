"""A graph of ``blocks`` as a real ``nn.Module``, whose trace gives the graph's own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ...blocks.graph import INPUT, Graph
from ...ir import Value


class LoweredGraph(nn.Module):
    """Runs the nodes of a graph in order; its class in a trace is the root's type in the graph."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph
        for node in graph.nodes:
            if node.op in _MODULES and node.path not in self._modules:
                self.add_module(node.path, _MODULES[node.op](dict(node.attributes)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The last node's output for an NCHW batch."""
        values = {INPUT: x}
        for node in self._graph.nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.id] = inputs[0] + inputs[1] if node.op == "add" else self._modules[node.path](*inputs)
        return values[self._graph.nodes[-1].id]


def lower(graph: Graph) -> nn.Module:
    """The module of a graph without containers (a residual block); raises KeyError for an op it can't build."""
    root = dict(graph.modules)[""]
    kind = type(root, (LoweredGraph,), {"__module__": __name__})
    module: nn.Module = kind(graph)
    return module


def _conv2d(attributes: Mapping[str, Any]) -> nn.Module:
    padding = attributes["padding"]
    uneven = any(isinstance(item, tuple) for item in padding)
    return nn.Conv2d(
        attributes["in_channels"],
        attributes["out_channels"],
        attributes["kernel_size"],
        stride=attributes["stride"],
        padding="same" if uneven else padding,
        dilation=attributes["dilation"],
        groups=attributes["groups"],
        bias=attributes["bias"],
    )


def _batch_norm(attributes: Mapping[str, Any]) -> nn.Module:
    return nn.BatchNorm2d(attributes["channels"], eps=attributes["eps"], momentum=attributes["momentum"])


def _relu(attributes: Mapping[str, Value]) -> nn.Module:
    return nn.ReLU(inplace=bool(attributes.get("inplace")))


_MODULES: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "conv2d": _conv2d,
    "batch_norm": _batch_norm,
    "relu": _relu,
}
