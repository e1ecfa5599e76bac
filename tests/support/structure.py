"""The residual structure that architectures are defined with, by the settings of their constructors."""

from __future__ import annotations

from math import ceil, comb
from typing import Any

from resnet_inspect.analysis.paths import paths
from resnet_inspect.analysis.receptive import network_field
from resnet_inspect.analysis.residual import residual_blocks
from resnet_inspect.ir import Summary

#: Blocks a stage of residual networks in which every block has a shortcut.
_STAGES = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    **dict.fromkeys(["resnet50", "resnext50_32x4d", "wide_resnet50_2"], (3, 4, 6, 3)),
    **dict.fromkeys(["resnet101", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet101_2"], (3, 4, 23, 3)),
    "resnet152": (3, 8, 36, 3),
    **dict.fromkeys(["ResNet50", "ResNet50V2"], (3, 4, 6, 3)),
    **dict.fromkeys(["ResNet101", "ResNet101V2"], (3, 4, 23, 3)),
    **dict.fromkeys(["ResNet152", "ResNet152V2"], (3, 8, 36, 3)),
    # Radosavovic et al. 2020, figure 17 and 18
    "regnet_x_400mf": (1, 2, 7, 12),
    "regnet_x_800mf": (1, 3, 7, 5),
    "regnet_x_1_6gf": (2, 4, 10, 2),
    "regnet_x_3_2gf": (2, 6, 15, 2),
    "regnet_x_8gf": (2, 5, 15, 1),
    "regnet_x_16gf": (2, 6, 13, 1),
    "regnet_x_32gf": (2, 7, 13, 1),
    "regnet_y_400mf": (1, 3, 6, 6),
    "regnet_y_800mf": (1, 3, 8, 2),
    "regnet_y_1_6gf": (2, 6, 17, 2),
    "regnet_y_3_2gf": (2, 5, 13, 1),
    "regnet_y_8gf": (2, 4, 10, 1),
    "regnet_y_16gf": (2, 4, 11, 1),
    "regnet_y_32gf": (2, 5, 12, 1),
    "regnet_y_128gf": (2, 7, 17, 1),
    # Liu et al. 2022, section 3
    **dict.fromkeys(["convnext_tiny", "ConvNeXtTiny"], (3, 3, 9, 3)),
    **dict.fromkeys([f"convnext_{size}" for size in ("small", "base", "large")], (3, 3, 27, 3)),
    **dict.fromkeys([f"ConvNeXt{size}" for size in ("Small", "Base", "Large", "XLarge")], (3, 3, 27, 3)),
}
#: Layers of transformers, each with two blocks: attention and MLP.
_TRANSFORMERS = {
    "vit_b_16": 12,
    "vit_b_32": 12,
    "vit_l_16": 24,
    "vit_l_32": 24,
    "vit_h_14": 32,
    "swin_t": 2 + 2 + 6 + 2,
    "swin_s": 2 + 2 + 18 + 2,
    "swin_b": 2 + 2 + 18 + 2,
    "swin_v2_t": 2 + 2 + 6 + 2,
}
#: (channels in, channels out, stride) of MobileNetV3's blocks (Howard et al. 2019, tables 1 and 2).
_LARGE = [(16, 16, 1), (16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1), (40, 40, 1), (40, 80, 2), (80, 80, 1)]
_LARGE += [(80, 80, 1), (80, 80, 1), (80, 112, 1), (112, 112, 1), (112, 160, 2), (160, 160, 1), (160, 160, 1)]
_SMALL = [(16, 16, 2), (16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1), (40, 40, 1), (40, 48, 1), (48, 48, 1)]
_SMALL += [(48, 96, 2), (96, 96, 1), (96, 96, 1)]


def _first_without(stages: tuple[int, ...]) -> int:
    """Blocks with a shortcut where the first of each stage changes channels or size."""
    return sum(blocks - 1 for blocks in stages)


def _efficientnet(depth: float) -> int:
    """Tan and Le 2019, table 1: stages of EfficientNet-B0 scaled in depth."""
    return _first_without(tuple(ceil(blocks * depth) for blocks in (1, 2, 2, 3, 3, 4, 1)))


def _shortcuts(blocks: list[tuple[int, int, int]]) -> int:
    return sum(stride == 1 and before == after for before, after, stride in blocks)


_DEPTHS = (1.0, 1.1, 1.2, 1.4, 1.8, 2.2, 2.6, 3.1)
BLOCKS = {
    **{name: sum(stages) for name, stages in _STAGES.items()},
    **{name: 2 * layers for name, layers in _TRANSFORMERS.items()},
    # Sandler et al. 2018, table 2: blocks n of each stage
    **dict.fromkeys(["mobilenet_v2", "MobileNetV2"], _first_without((1, 2, 3, 4, 3, 3, 1))),
    **dict.fromkeys(["mobilenet_v3_large", "MobileNetV3Large"], _shortcuts(_LARGE)),
    **dict.fromkeys(["mobilenet_v3_small", "MobileNetV3Small"], _shortcuts(_SMALL)),
    **{f"efficientnet_b{index}": _efficientnet(depth) for index, depth in enumerate(_DEPTHS)},
    **{f"EfficientNetB{index}": _efficientnet(depth) for index, depth in enumerate(_DEPTHS)},
    # Tan and Le 2021, table 4: the first stage keeps its 24 (32) channels, so that all its blocks have a shortcut.
    **dict.fromkeys(["efficientnet_v2_s", "EfficientNetV2S"], 2 + _first_without((4, 4, 6, 9, 15))),
    **dict.fromkeys(["efficientnet_v2_m", "EfficientNetV2M"], 3 + _first_without((5, 5, 7, 14, 18, 5))),
    **dict.fromkeys(["efficientnet_v2_l", "EfficientNetV2L"], 4 + _first_without((7, 7, 10, 19, 25, 7))),
    # He et al. 2015 didn't have them yet: networks without a single shortcut.
    **dict.fromkeys(["vgg16", "VGG16", "alexnet", "googlenet", "densenet121", "DenseNet121", "inception_v3"], 0),
    # Szegedy et al. 2016: 10, 20 and 9 + 1 blocks whose branch is scaled before it is added
    "InceptionResNetV2": 10 + 20 + 10,
}
#: Weighted layers on the longest path: what the networks are named for.
DEPTH = {
    **{f"resnet{depth}": depth for depth in (18, 34, 50, 101, 152)},
    **{f"ResNet{depth}{version}": depth for depth in (50, 101, 152) for version in ("", "V2")},
    "resnext50_32x4d": 50,
    "resnext101_32x8d": 101,
    "resnext101_64x4d": 101,
    "wide_resnet50_2": 50,
    "wide_resnet101_2": 101,
    "vgg16": 16,
    "VGG16": 16,
    "VGG19": 19,
    "densenet121": 121,
    "DenseNet201": 201,
    "googlenet": 22,
}


#: Receptive field, effective stride and padding (Araujo, Norris and Sim 2019, the table of networks).
PUBLISHED_FIELDS = {
    "alexnet_v2": (195, 32, 64),
    "vgg_16": (212, 32, 90),
    "mobilenet_v1": (315, 32, 126),
    "resnet_v1_50": (483, 32, 239),
    "resnet_v1_101": (1027, 32, 511),
    "resnet_v1_152": (1507, 32, 751),
    "inception_v3": (1311, 32, 618),
    "inception_resnet_v2": (3039, 32, 1482),
}
#: Models that are the article's, and the rows that they pad more than it: torchvision's AlexNet by two in its first
#: convolution, Keras' ResNets by one in front of the pool, at stride 2.
_FIELDS = {
    "vgg16": ("vgg_16", 0),
    "VGG16": ("vgg_16", 0),
    "alexnet": ("alexnet_v2", 2),
    "MobileNet": ("mobilenet_v1", 0),
    "InceptionV3": ("inception_v3", 0),
    "InceptionResNetV2": ("inception_resnet_v2", 0),
    **{f"ResNet{depth}": (f"resnet_v1_{depth}", 2) for depth in (50, 101, 152)},
}
#: Squeeze-and-excitation and attention look at the whole image.
_WHOLE = ("efficientnet_b0", "EfficientNetB0", "mobilenet_v3_large", "MobileNetV3Large", "regnet_y_400mf", "vit_b_16")


def field_of(summary: Summary) -> tuple[Any, ...]:
    """Size, stride and padding of the features' receptive field, alike in both dimensions; nothing if all is read."""
    field = network_field(summary)
    assert field is not None
    assert len(set(field.axes)) < 2
    return (field.axes[0].size, field.axes[0].stride, field.axes[0].padding) if field.axes else ()


def check_structure(name: str, summary: Summary) -> None:
    """Blocks, depth and paths are the architecture's."""
    blocks = residual_blocks(summary)
    found = paths(summary, {(block.branch[-1], block.join) for block in blocks})
    if name in BLOCKS:
        assert len(blocks) == BLOCKS[name], name
    if name in DEPTH:
        assert found.longest == DEPTH[name], name
    assert sum(found.by_blocks) == sum(found.by_layers) == found.count, name
    assert len(found.by_layers) == found.longest + 1, name
    assert found.by_layers.index(next(filter(None, found.by_layers))) == found.shortest, name
    if name in _FIELDS:
        published, more = _FIELDS[name]
        size, stride, padding = PUBLISHED_FIELDS[published]
        assert field_of(summary) == (size, stride, padding + more), name
    if name in _WHOLE:
        assert field_of(summary) == (), name
    if name in _STAGES:
        # Every block is entered or skipped (Veit et al. 2016, section 3).
        count = len(blocks)
        assert found.by_blocks == tuple(comb(count, entered) for entered in range(count + 1)), name
