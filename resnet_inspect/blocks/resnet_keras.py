"""Keras' ResNets, v1 (He et al. 2015) and pre-activation V2 (He et al. 2016), as ``keras.applications`` has them.

Names, order of layers and attributes are those of Keras 3: in v1 the stride of a bottleneck stands in its
first 1x1 convolution and convolutions have a bias; in V2 the last block of a stage has the stride.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import ModelError
from ..ir import Value
from .flavor import KERAS
from .graph import INPUT, Graph, GraphBuilder
from .keras_order import in_keras_order

_EPS = 1.001e-5
#: Keras says momentum 0.99 for the old average: the new batch weighs 0.01.
_MOMENTUM = 0.01

#: ``keras.applications`` refuses smaller images.
_MINIMUM_SIZE = 32


class Preset(NamedTuple):
    """Blocks per stage and the form of the block."""

    blocks: tuple[int, int, int, int]
    preactivation: bool


PRESETS = {
    "ResNet50": Preset((3, 4, 6, 3), preactivation=False),
    "ResNet101": Preset((3, 4, 23, 3), preactivation=False),
    "ResNet152": Preset((3, 8, 36, 3), preactivation=False),
    "ResNet50V2": Preset((3, 4, 6, 3), preactivation=True),
    "ResNet101V2": Preset((3, 4, 23, 3), preactivation=True),
    "ResNet152V2": Preset((3, 8, 36, 3), preactivation=True),
}


def resnet(
    name: str,
    *,
    channels: int = 3,
    include_top: bool = True,
    classes: int = 1000,
    pooling: str | None = None,
    classifier_activation: str | None = "softmax",
) -> Graph:
    """The network of a preset's name for images of ``channels``; the other arguments are ``keras.applications``'.

    Raises:
        ModelError: ``pooling`` is neither None, ``avg`` nor ``max``.
    """
    if pooling not in (None, "avg", "max"):
        raise ModelError(f"{name}: pooling={pooling!r} is not known; choose avg, max or null")
    preset = PRESETS[name]
    graph = GraphBuilder(KERAS)
    graph.module("", "Functional")
    x = _pad(graph, "conv1_pad", INPUT, 3)
    x = graph.conv("conv1_conv", x, (channels, 64), 7, stride=2, bias=True)
    if not preset.preactivation:
        x = _bn_relu(graph, "conv1_bn", "conv1_relu", x, 64)
    x = _pad(graph, "pool1_pad", x, 1)
    x = _max_pool(graph, "pool1_pool", x, 3, 2)
    width = 64
    for stage, blocks in enumerate(preset.blocks):
        filters = 64 * 2**stage
        for index in range(1, blocks + 1):
            path = f"conv{stage + 2}_block{index}"
            if preset.preactivation:
                stride = 2 if index == blocks and stage < 3 else 1
                x = _block_v2(graph, path, x, width, filters, stride, projection=index == 1)
            else:
                stride = 2 if index == 1 and stage > 0 else 1
                x = _block_v1(graph, path, x, width, filters, stride, projection=index == 1)
            width = 4 * filters
    if preset.preactivation:
        x = _bn_relu(graph, "post_bn", "post_relu", x, width)
    if include_top:
        x = graph.op("avg_pool", "global_avg_pool2d", x, keepdims=False)
        attributes: dict[str, Any] = {"in_features": width, "out_features": classes, "bias": True}
        if classifier_activation not in (None, "linear"):
            attributes["activation"] = classifier_activation
        graph.op("predictions", "dense", x, **attributes)
    elif pooling:
        graph.op(f"{pooling}_pool", f"global_{pooling}_pool2d", x, keepdims=False)
    given: dict[str, tuple[Value, Value]] = {
        "include_top": (include_top, True),
        "classes": (classes, 1000),
        "pooling": (pooling, None),
        "classifier_activation": (classifier_activation, "softmax"),
    }
    return Graph(
        name=name,
        flavor=KERAS,
        builder=f"resnet_inspect.blocks.resnet_keras:{name}",
        channels=channels,
        image=(224, 224),
        minimum=_MINIMUM_SIZE,
        nodes=in_keras_order(graph.nodes),
        modules=tuple(graph.modules),
        arguments=tuple((key, value) for key, (value, default) in given.items() if value != default),
    )


def _block_v1(
    graph: GraphBuilder, path: str, x: str, width: int, filters: int, stride: int, *, projection: bool
) -> str:
    y = graph.conv(f"{path}_1_conv", x, (width, filters), 1, stride=stride, bias=True)
    y = _bn_relu(graph, f"{path}_1_bn", f"{path}_1_relu", y, filters)
    y = graph.conv(f"{path}_2_conv", y, (filters, filters), 3, padding=1, bias=True)
    y = _bn_relu(graph, f"{path}_2_bn", f"{path}_2_relu", y, filters)
    y = graph.conv(f"{path}_3_conv", y, (filters, 4 * filters), 1, bias=True)
    shortcut = x
    if projection:
        shortcut = graph.conv(f"{path}_0_conv", x, (width, 4 * filters), 1, stride=stride, bias=True)
        shortcut = graph.batch_norm(f"{path}_0_bn", shortcut, 4 * filters, _EPS, _MOMENTUM)
    y = graph.batch_norm(f"{path}_3_bn", y, 4 * filters, _EPS, _MOMENTUM)
    return graph.relu(f"{path}_out", graph.op(f"{path}_add", "add", shortcut, y))


def _block_v2(
    graph: GraphBuilder, path: str, x: str, width: int, filters: int, stride: int, *, projection: bool
) -> str:
    preact = _bn_relu(graph, f"{path}_preact_bn", f"{path}_preact_relu", x, width)
    y = graph.conv(f"{path}_1_conv", preact, (width, filters), 1)
    y = _bn_relu(graph, f"{path}_1_bn", f"{path}_1_relu", y, filters)
    y = _pad(graph, f"{path}_2_pad", y, 1)
    y = graph.conv(f"{path}_2_conv", y, (filters, filters), 3, stride=stride)
    y = _bn_relu(graph, f"{path}_2_bn", f"{path}_2_relu", y, filters)
    shortcut = x
    if projection:
        shortcut = graph.conv(f"{path}_0_conv", preact, (width, 4 * filters), 1, stride=stride, bias=True)
    elif stride > 1:
        pools = sum(node.path.startswith("max_pooling2d") for node in graph.nodes)
        shortcut = _max_pool(graph, "max_pooling2d" + (f"_{pools}" if pools else ""), x, 1, stride)
    y = graph.conv(f"{path}_3_conv", y, (filters, 4 * filters), 1, bias=True)
    return graph.op(f"{path}_out", "add", shortcut, y)


def _bn_relu(graph: GraphBuilder, bn: str, relu: str, x: str, channels: int) -> str:
    return graph.relu(relu, graph.batch_norm(bn, x, channels, _EPS, _MOMENTUM))


def _pad(graph: GraphBuilder, path: str, x: str, rows: int) -> str:
    return graph.op(path, "zero_pad2d", x, padding=(rows, rows))


def _max_pool(graph: GraphBuilder, path: str, x: str, kernel: int, stride: int) -> str:
    return graph.op(
        path,
        "max_pool2d",
        x,
        kernel_size=(kernel, kernel),
        stride=(stride, stride),
        padding=(0, 0),
        dilation=(1, 1),
        ceil_mode=False,
    )
