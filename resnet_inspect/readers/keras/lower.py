"""A graph of ``blocks`` as a real ``keras.Model``, whose trace gives the graph's own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from ...blocks.graph import INPUT, Graph


def lower(graph: Graph, shape: tuple[int, ...]) -> Any:
    """The functional model of a graph for items of ``shape`` (H, W, C); its class has the root's type as its name."""
    tensors = {INPUT: keras.Input(shape, name=INPUT)}
    for node in graph.nodes:
        inputs = [tensors[name] for name in node.inputs]
        layer = _LAYERS[node.op](node.path, dict(node.attributes))
        tensors[node.id] = layer(inputs[0] if len(inputs) == 1 else inputs)
    kind = type(dict(graph.modules)[""], (keras.Model,), {"__module__": __name__})
    return kind(tensors[INPUT], tensors[graph.nodes[-1].id], name=graph.name)


def _conv2d(name: str, attributes: Mapping[str, Any]) -> Any:
    return keras.layers.Conv2D(
        attributes["out_channels"],
        attributes["kernel_size"],
        strides=attributes["stride"],
        # The block's padding is what "same" comes to for its image.
        padding="same",
        dilation_rate=attributes["dilation"],
        groups=attributes["groups"],
        use_bias=attributes["bias"],
        name=name,
    )


def _batch_norm(name: str, attributes: Mapping[str, Any]) -> Any:
    return keras.layers.BatchNormalization(momentum=1 - attributes["momentum"], epsilon=attributes["eps"], name=name)


_LAYERS: dict[str, Callable[[str, Mapping[str, Any]], Any]] = {
    "conv2d": _conv2d,
    "batch_norm": _batch_norm,
    "relu": lambda name, _: keras.layers.Activation("relu", name=name),
    "add": lambda name, _: keras.layers.Add(name=name),
}
