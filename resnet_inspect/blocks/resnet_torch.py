"""torchvision's ResNets, Wide ResNets and ResNeXts (He et al. 2015; Zagoruyko 2016; Xie et al. 2016).

The paths, the execution order and the attributes are those of ``torchvision.models.resnet``: the stride
of a bottleneck stands in its 3x3 convolution ("ResNet v1.5"), convolutions have no bias.
"""

from __future__ import annotations

from typing import NamedTuple

from .flavor import TORCH
from .graph import INPUT, Graph, GraphBuilder

_EPS, _MOMENTUM = 1e-5, 0.1


class Preset(NamedTuple):
    """Depth and width of one network: ``width_per_group`` scales a bottleneck's 3x3 convolution."""

    blocks: tuple[int, int, int, int]
    bottleneck: bool
    groups: int = 1
    width_per_group: int = 64


PRESETS = {
    "resnet18": Preset((2, 2, 2, 2), bottleneck=False),
    "resnet34": Preset((3, 4, 6, 3), bottleneck=False),
    "resnet50": Preset((3, 4, 6, 3), bottleneck=True),
    "resnet101": Preset((3, 4, 23, 3), bottleneck=True),
    "resnet152": Preset((3, 8, 36, 3), bottleneck=True),
    "resnext50_32x4d": Preset((3, 4, 6, 3), bottleneck=True, groups=32, width_per_group=4),
    "resnext101_32x8d": Preset((3, 4, 23, 3), bottleneck=True, groups=32, width_per_group=8),
    "resnext101_64x4d": Preset((3, 4, 23, 3), bottleneck=True, groups=64, width_per_group=4),
    "wide_resnet50_2": Preset((3, 4, 6, 3), bottleneck=True, width_per_group=128),
    "wide_resnet101_2": Preset((3, 4, 23, 3), bottleneck=True, width_per_group=128),
}


def resnet(name: str, num_classes: int = 1000) -> Graph:
    """The network of a preset's name, with its classifier."""
    preset = PRESETS[name]
    graph = GraphBuilder(TORCH)
    graph.module("", "ResNet")
    x = graph.conv("conv1", INPUT, (3, 64), 7, stride=2, padding=3)
    x = graph.batch_norm("bn1", x, 64, _EPS, _MOMENTUM)
    x = graph.relu("relu", x, inplace=True)
    x = graph.op(
        "maxpool",
        "max_pool2d",
        x,
        kernel_size=(3, 3),
        stride=(2, 2),
        padding=(1, 1),
        dilation=(1, 1),
        ceil_mode=False,
    )
    channels = 64
    block = _bottleneck if preset.bottleneck else _basic_block
    for stage, blocks in enumerate(preset.blocks, start=1):
        graph.module(f"layer{stage}", "Sequential")
        planes = 64 * 2 ** (stage - 1)
        for index in range(blocks):
            stride = 2 if stage > 1 and index == 0 else 1
            x, channels = block(graph, f"layer{stage}.{index}", x, channels, planes, stride, preset)
    x = graph.op("avgpool", "adaptive_avg_pool2d", x, output_size=(1, 1))
    x = graph.op("flatten", "flatten", x, is_module=False, start_dim=1, end_dim=-1)
    graph.op("fc", "dense", x, in_features=channels, out_features=num_classes, bias=True)
    return Graph(
        name=name,
        flavor=TORCH,
        builder=f"resnet_inspect.blocks.resnet_torch:{name}",
        channels=3,
        image=(224, 224),
        nodes=tuple(graph.nodes),
        modules=tuple(graph.modules),
        arguments=(("num_classes", num_classes),) if num_classes != 1000 else (),
    )


def _basic_block(
    graph: GraphBuilder, path: str, x: str, channels: int, planes: int, stride: int, _preset: Preset
) -> tuple[str, int]:
    """Two 3x3 convolutions (He et al. 2015, figure 5 left)."""
    graph.module(path, "BasicBlock")
    y = graph.conv(f"{path}.conv1", x, (channels, planes), 3, stride=stride, padding=1)
    y = graph.batch_norm(f"{path}.bn1", y, planes, _EPS, _MOMENTUM)
    y = graph.relu(f"{path}.relu", y, inplace=True)
    y = graph.conv(f"{path}.conv2", y, (planes, planes), 3, padding=1)
    y = graph.batch_norm(f"{path}.bn2", y, planes, _EPS, _MOMENTUM)
    return _join(graph, path, x, y, channels, planes, stride), planes


def _bottleneck(
    graph: GraphBuilder, path: str, x: str, channels: int, planes: int, stride: int, preset: Preset
) -> tuple[str, int]:
    """1x1 to reduce, 3x3, 1x1 to expand by 4 (He et al. 2015, figure 5 right)."""
    graph.module(path, "Bottleneck")
    width = planes * preset.width_per_group // 64 * preset.groups
    y = graph.conv(f"{path}.conv1", x, (channels, width), 1)
    y = graph.batch_norm(f"{path}.bn1", y, width, _EPS, _MOMENTUM)
    y = graph.relu(f"{path}.relu", y, inplace=True)
    y = graph.conv(f"{path}.conv2", y, (width, width), 3, stride=stride, padding=1, groups=preset.groups)
    y = graph.batch_norm(f"{path}.bn2", y, width, _EPS, _MOMENTUM)
    y = graph.relu(f"{path}.relu", y, inplace=True)
    y = graph.conv(f"{path}.conv3", y, (width, planes * 4), 1)
    y = graph.batch_norm(f"{path}.bn3", y, planes * 4, _EPS, _MOMENTUM)
    return _join(graph, path, x, y, channels, planes * 4, stride), planes * 4


def _join(graph: GraphBuilder, path: str, x: str, y: str, channels: int, width: int, stride: int) -> str:
    """Adds the shortcut: the identity where shapes agree, else a projection (He et al. 2015, option B)."""
    shortcut = x
    if stride != 1 or channels != width:
        graph.module(f"{path}.downsample", "Sequential")
        shortcut = graph.conv(f"{path}.downsample.0", x, (channels, width), 1, stride=stride)
        shortcut = graph.batch_norm(f"{path}.downsample.1", shortcut, width, _EPS, _MOMENTUM)
    total = graph.op(f"{path}.add", "add", y, shortcut, is_module=False, inplace=True)
    return graph.relu(f"{path}.relu", total, inplace=True)
