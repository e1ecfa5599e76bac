"""The networks of ``training_memory.py``: how each is built, and which of its modules a checkpoint runs again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import torch
import torchvision
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from resnet_inspect import summarize
from resnet_inspect.ir import Summary


class Network(NamedTuple):
    """How a network is built, what it is called with at a batch, and which of its modules are run again."""

    build: Callable[[], nn.Module]
    inputs: Callable[[int], tuple[Any, ...]]
    checkpoints: tuple[str, ...]


class Pair(nn.Sequential):
    """Two convolutions, each with a norm and a ReLU."""

    def __init__(self, before: int, after: int) -> None:
        sizes = ((before, after), (after, after))
        super().__init__(
            *(
                layer
                for pair in sizes
                for layer in (nn.Conv2d(*pair, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
            )
        )


class UNet(nn.Module):
    """Ronneberger et al. 2015, with padding."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 128)
        self.down = nn.ModuleList(Pair(a, b) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in itertools.pairwise(widths[1:]))
        self.merge = nn.ModuleList(Pair(2 * a, a) for a in widths[1:-1])
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(widths[1], 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (N, 3, H, W) -> classes of pixels (N, 2, H, W); sides are multiples of 8."""
        kept = []
        for index, pair in enumerate(self.down):
            x = pair(x if not index else self.pool(x))
            kept.append(x)
        for up, merge, skip in zip(reversed(self.up), reversed(self.merge), reversed(kept[:-1]), strict=True):
            x = merge(torch.cat((up(x), skip), 1))
        return self.head(x)


def _images(batch: int, side: int = 224) -> tuple[torch.Tensor]:
    return (torch.empty(batch, 3, side, side),)


def _tokens(batch: int) -> tuple[torch.Tensor]:
    return (torch.zeros(batch, 128, dtype=torch.int64),)


def _bert() -> nn.Module:
    return BertModel(BertConfig(attn_implementation="sdpa"))


def _gpt2() -> nn.Module:
    return GPT2LMHeadModel(GPT2Config(use_cache=False, attn_implementation="sdpa"))


_CHECKPOINTS = {
    **dict.fromkeys(("resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"), "layer?.*"),
    "vit_b_16": "encoder.layers.*",
    **dict.fromkeys(("swin_t", "swin_v2_t", "convnext_tiny"), "features.[1357].*"),
    "densenet121": "features.denseblock?",
    **dict.fromkeys(("regnet_y_400mf", "regnet_x_800mf"), "trunk_output.*.*"),
    "inception_v3": "Mixed_*",
    "googlenet": "inception*",
    "shufflenet_v2_x1_0": "stage?.*",
    "alexnet": "features",
    "vgg11_bn": "features",
    "vgg16": "features",
}
_CHECKPOINTS |= {"squeezenet1_0": "features.[345789]", "mnasnet1_0": "layers.[89]"}  # others end in ReLUs in place
_FEATURES = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_v2_s")
_CHECKPOINTS |= dict.fromkeys(_FEATURES, "features.*")


def _regnet(name: str) -> nn.Module:
    """A RegNet, whose widths torchvision reads from tensors: these have to be real."""
    from torch._subclasses.fake_tensor import unset_fake_temporarily
    from torchvision.models.regnet import BlockParams

    from_init_params = BlockParams.from_init_params

    def on_real_tensors(**options: Any) -> BlockParams:
        with unset_fake_temporarily(), torch.device("cpu"):
            return from_init_params(**options)

    with mock.patch.object(BlockParams, "from_init_params", on_real_tensors):
        return torchvision.models.get_model(name)


def _torchvision(name: str) -> Network:
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    side = 299 if name == "inception_v3" else 224

    def build() -> nn.Module:
        if name.startswith("regnet"):
            return _regnet(name)
        return torchvision.models.get_model(name, **options)

    return Network(build, partial(_images, side=side), (_CHECKPOINTS[name],))


NETWORKS = {name: _torchvision(name) for name in _CHECKPOINTS} | {
    "unet": Network(UNet, _images, ("down.*", "merge.*")),
    "bert": Network(_bert, _tokens, ("encoder.layer.*",)),
    "gpt2": Network(_gpt2, _tokens, ("transformer.h.*",)),
}


def summary_of(network: Network, batch: int) -> Summary:
    """The network in train mode, without weights."""
    nothing = mock.patch.object(nn.init, "trunc_normal_", lambda tensor, *args, **options: tensor)  # it reads values
    with nothing, torch.device("meta"):
        return summarize(network.build(), *network.inputs(batch), mode="train")
