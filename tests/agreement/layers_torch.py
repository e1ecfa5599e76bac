"""Networks of torch's layers: each function builds one, with every setting that readers may differ on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torchvision
from torch import nn


class Both(nn.Module):
    """Two networks side by side, each with an input of its own."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x, y):  # type: ignore[no-untyped-def]
        return self.one(x), self.other(y)


def between(make: Callable[[], nn.Module], modules: Sequence[nn.Module]) -> nn.Module:
    """Each of the modules behind one with weights, so that a module that a reader knows by other rows stands alone."""
    return nn.Sequential(*(part for module in modules for part in (make(), module)), make())


def convolutions() -> nn.Module:
    """Every way to pad, to stride, to dilate and to group."""
    return nn.Sequential(
        nn.Conv2d(4, 8, 3),
        nn.Conv2d(8, 8, 3, padding=1, bias=False),
        nn.Conv2d(8, 8, (3, 2), padding="same"),
        nn.Conv2d(8, 8, 4, padding="same", dilation=(2, 1)),
        nn.Conv2d(8, 16, 3, padding=(2, 1), groups=4),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.Conv2d(16, 8, 3, padding=2, dilation=2),
        nn.Conv2d(8, 8, 1, padding="valid"),
        nn.Conv2d(8, 6, 5, stride=(2, 1), padding=2),
    )


def padded() -> nn.Module:
    """What is around the image, in the convolution or before it."""
    return nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, (3, 5), padding=(1, 2), padding_mode="replicate"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        nn.ZeroPad2d((1, 2, 0, 1)),
        nn.Conv2d(4, 4, 3),
        nn.ReflectionPad2d(1),
        nn.ReplicationPad2d((0, 1, 0, 1)),
        nn.ConstantPad2d(1, 0.5),
        nn.Conv2d(4, 4, 3, stride=2),
    )


def convolutions_along_a_line() -> nn.Module:
    """One dimension: even kernels, strides, groups, dilations."""
    return nn.Sequential(
        nn.Conv1d(4, 8, 4, padding="same"),
        nn.Conv1d(8, 8, 3, stride=2, padding=1, groups=2),
        nn.Conv1d(8, 4, 3, dilation=2, bias=False),
    )


def convolutions_of_volumes() -> nn.Module:
    """Three dimensions, the first one unlike the others."""
    return nn.Sequential(
        nn.Conv3d(3, 6, (1, 3, 3), padding=(0, 1, 1)), nn.Conv3d(6, 6, 3, stride=2, padding=1, groups=3)
    )


def convolutions_transposed() -> nn.Module:
    """Backwards convolutions of images."""
    return nn.Sequential(
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
        nn.ConvTranspose2d(6, 4, 2, stride=2, groups=2, bias=False),
        nn.ConvTranspose2d(4, 4, 3, dilation=2, padding=(1, 2)),
    )


def convolutions_transposed_elsewhere() -> nn.Module:
    """Backwards convolutions of lines and of volumes."""
    return Both(nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1), nn.ConvTranspose3d(3, 2, 2, stride=2))


def _pixels() -> nn.Module:
    return nn.Conv2d(4, 4, 1)


def norms() -> nn.Module:
    """Norms of images, those of batches where no convolution could take them in."""
    first = nn.Sequential(nn.BatchNorm2d(4), nn.BatchNorm2d(4, eps=1e-3, momentum=0.01, affine=False))
    modules = [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm((4, 8, 8))]
    return nn.Sequential(first, between(_pixels, modules))


def norms_rarely_seen() -> nn.Module:
    """Norms that files write as what they compute."""
    return between(_pixels, [nn.LocalResponseNorm(3), torchvision.ops.FrozenBatchNorm2d(4)])


def norms_of_vectors() -> nn.Module:
    """Norms of positions, and of lines."""
    positions = [nn.LayerNorm(8), nn.LayerNorm(8, eps=1e-6, elementwise_affine=False)]
    return nn.Sequential(between(lambda: nn.Linear(8, 8), positions), nn.BatchNorm1d(5), nn.InstanceNorm1d(5))


def norms_by_root() -> nn.Module:
    """Norms without a mean."""
    return nn.Sequential(nn.Linear(8, 8), nn.RMSNorm(8, eps=1e-6))


def _activations(inplace: bool = False) -> list[nn.Module]:
    return [
        *(nn.ReLU(inplace), nn.ReLU6(inplace), nn.ELU(inplace=inplace), nn.SELU(inplace), nn.SiLU(inplace)),
        *(nn.Hardswish(inplace), nn.Hardsigmoid(inplace), nn.Hardtanh(inplace=inplace), nn.Mish(inplace)),
        nn.LeakyReLU(0.1, inplace),
    ]


def activations() -> nn.Module:
    """Every activation of an image."""
    rest = [nn.GELU(), nn.GELU(approximate="tanh"), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.PReLU(4)]
    return between(_pixels, [*_activations(), *rest, nn.Softmax(1), nn.LogSoftmax(1)])


def hard_activations() -> nn.Module:
    """Activations that the frameworks call by different names."""
    first = [nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh()]
    return between(_pixels, [*first, nn.SELU(), nn.SiLU(), nn.ELU(), nn.Mish()])


def activations_of_vectors() -> nn.Module:
    """Activations whose settings make them another one, or that read two halves."""
    modules = [nn.Hardtanh(0.0, 6.0), nn.Hardtanh(-2.0, 2.0), nn.ELU(0.5), nn.PReLU(), nn.Softmax(-1)]
    modules += [nn.CELU(0.5), nn.Softsign()]
    return nn.Sequential(between(lambda: nn.Linear(8, 8), modules), nn.GLU(-1), nn.Linear(4, 4))


def activations_in_place() -> nn.Module:
    """Activations that overwrite what a convolution gave."""
    return between(_pixels, _activations(inplace=True))


def pools() -> nn.Module:
    """Windows of images with uneven sizes."""
    return nn.Sequential(
        nn.MaxPool2d(2, 1),
        nn.MaxPool2d(3, 1, padding=1),
        nn.AvgPool2d(3, 1, padding=1),
        nn.AvgPool2d((2, 3), 1, padding=(1, 1), count_include_pad=False),
        nn.MaxPool2d(2, 1, dilation=2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(3, 2, ceil_mode=True),
    )


def pools_elsewhere() -> nn.Module:
    """Windows of lines and of volumes."""
    line = nn.Sequential(nn.MaxPool1d(3, 2, 1), nn.AvgPool1d(2))
    return Both(line, nn.Sequential(nn.MaxPool3d(3, 2), nn.AvgPool3d(2)))


def pools_adaptive() -> nn.Module:
    """Windows that fit a size."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(6), nn.AdaptiveMaxPool2d((3, 2)), nn.Conv2d(4, 4, 1))


def pools_adaptive_elsewhere() -> nn.Module:
    """Windows that fit a size, of lines and of volumes."""
    line = nn.Sequential(nn.AdaptiveAvgPool1d(10), nn.AdaptiveMaxPool1d(5))
    return Both(line, nn.Sequential(nn.AdaptiveAvgPool3d(4), nn.AdaptiveMaxPool3d(2)))


def pools_of_the_whole() -> nn.Module:
    """What a classifier ends in."""
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


class pools_by_mean(nn.Module):  # noqa: N801 - networks have plain names
    """What a classifier ends in, written as means and maxima."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(4, 8, 3), nn.Linear(8, 5)

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = self.conv(x)
        return self.fc(x.mean([2, 3])), self.fc(torch.amax(x, (2, 3))), torch.mean(x, (2, 3), keepdim=True)


def resizes() -> nn.Module:
    """Images that grow, in every mode."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.UpsamplingBilinear2d((24, 30)),
        nn.Upsample((30, 32), mode="bicubic"),
        nn.UpsamplingNearest2d((60, 64)),
        nn.Conv2d(4, 4, 3, padding=1),
    )


def resizes_exactly() -> nn.Module:
    """The nearest pixel, rounded otherwise."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Upsample(scale_factor=2, mode="nearest-exact"), nn.Conv2d(4, 4, 3))


def resizes_elsewhere() -> nn.Module:
    """Lines and volumes that grow."""
    line = nn.Sequential(nn.Upsample(scale_factor=2, mode="linear"), nn.Upsample(scale_factor=2), nn.Conv1d(3, 3, 3))
    volume = nn.Sequential(nn.Upsample(scale_factor=2, mode="trilinear"), nn.Conv3d(3, 3, 3))
    return Both(line, volume)
