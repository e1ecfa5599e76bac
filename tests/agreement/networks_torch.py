"""Whole networks of torch, and the door to all of torch's: built by name, and written as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from resnet_inspect.call import Spec, of_inputs

from . import functions_torch, layers_torch
from .networks import Network


def dropped() -> nn.Module:
    """What does nothing in a network that is used."""
    return nn.Sequential(
        nn.Conv2d(4, 4, 3), nn.Dropout(0.1), nn.Dropout2d(0.2), torchvision.ops.StochasticDepth(0.1, "row"),
        nn.Identity(), nn.Conv2d(4, 4, 3),
    )  # fmt: skip


def classifier() -> nn.Module:
    """The smallest network for images that has all of its kinds."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8, eps=1e-3, momentum=0.01), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, bias=False), nn.ReLU(), nn.AvgPool2d(2), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(16 * 49, 10), nn.Softmax(-1),
    )  # fmt: skip


def alike() -> nn.Module:
    """What both frameworks do in the same way to an image."""
    return nn.Sequential(
        nn.Conv2d(4, 8, 3, dilation=2),
        nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 4, 3, padding=1),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.MaxPool2d(2),
        nn.ConvTranspose2d(4, 4, 2, stride=2),
        nn.AvgPool2d(3, 2),
        nn.Conv2d(4, 4, (3, 2), padding="same"),
    )


class _Block(nn.Module):
    """A branch, its shortcut, and what follows their sum."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut, self.after = branch, shortcut, after

    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.after(self.branch(x) + self.shortcut(x))


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _branch(channels: int, filters: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, stride, 1), _norm(filters), nn.ReLU(),
        nn.Conv2d(filters, filters, 3, padding=1), _norm(filters),
    )  # fmt: skip


def residual() -> nn.Module:
    """Two blocks, the second with a projection."""
    projection = nn.Sequential(nn.Conv2d(8, 16, 1, 2), _norm(16))
    return nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), _Block(_branch(8, 8), nn.Identity(), nn.ReLU()),
        _Block(_branch(8, 16, 2), projection, nn.ReLU()), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip


def residual_upsampled() -> nn.Module:
    """A block whose fork is a resize: 8 channels, 32 pixels wide."""
    return nn.Sequential(nn.Upsample(scale_factor=2), _Block(_branch(8, 8), nn.Identity(), nn.ReLU()))


def preactivation() -> nn.Module:
    """Two blocks whose norms stand first."""

    def branch() -> nn.Module:
        first = (nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1, bias=False))
        return nn.Sequential(*first, nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1))

    blocks = [_Block(branch(), nn.Identity(), nn.Identity()) for _ in range(2)]
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), *blocks, nn.BatchNorm2d(8))


class _Excited(nn.Module):
    """Channels that are scaled by what is in the whole image."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.one, self.other = nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, 8, 1), nn.Conv2d(8, 32, 1)
        self.act, self.gate = nn.ReLU(), nn.Hardsigmoid()

    def forward(self, x):  # type: ignore[no-untyped-def]
        return x * self.gate(self.other(self.act(self.one(self.pool(x)))))


def inverted() -> nn.Module:
    """A block of a network for telephones."""
    branch = nn.Sequential(
        nn.Conv2d(8, 32, 1, bias=False), _norm(32), nn.Hardswish(),
        nn.Conv2d(32, 32, 5, padding=2, groups=32, bias=False), _norm(32), nn.Hardswish(), _Excited(),
        nn.Conv2d(32, 8, 1, bias=False), _norm(8),
    )  # fmt: skip
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), _Block(branch, nn.Identity(), nn.Identity()))


def shared() -> nn.Module:
    """One convolution that is called twice."""
    conv = nn.Conv2d(4, 4, 3, padding=1)
    return nn.Sequential(conv, nn.ReLU(), conv)


#: The modules with networks, this one among them.
_PLACES = (layers_torch, functions_torch, sys.modules[__name__])


def build(name: str) -> Any:
    """The network of this name, with weights that all differ: the exporter of ONNX ties equal ones."""
    torch.manual_seed(0)
    made: nn.Module = next(getattr(place, name) for place in _PLACES if hasattr(place, name))().eval()
    for tensor in (*made.parameters(), *made.buffers()):
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    return made


def write(model: nn.Module, network: Network, reader: str, path: Path) -> None:
    """Writes a network as the file that a reader takes: an exported program, TorchScript, or ONNX of an opset."""
    given = tuple(_tensor(spec) for spec in of_inputs(network.inputs).args)
    if reader == "pt2":
        torch.export.save(torch.export.export(model, given), path.with_suffix(".pt2"))
        path.with_suffix(".pt2").rename(path)
    elif reader == "traced":
        torch.jit.save(torch.jit.trace(model, given, check_trace=False), str(path))
    elif reader == "scripted":
        torch.jit.save(torch.jit.script(model), str(path))
    else:
        opset = int(reader.removeprefix("onnx"))
        torch.onnx.export(model, given, str(path), opset_version=opset, dynamo=False)


def _tensor(spec: Spec) -> torch.Tensor:
    """Ones, which are also true, and rows that every table has."""
    return torch.ones(spec.shape, dtype=getattr(torch, spec.dtype or "float32"))
