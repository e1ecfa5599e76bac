"""The networks of torch: each function builds one, small and with every setting that readers may differ on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn
from torch.nn import functional

from resnet_inspect.call import Spec, of_inputs

from .networks import Network


class Both(nn.Module):
    """Two networks side by side, each with an input of its own."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x, y):  # type: ignore[no-untyped-def]
        return self.one(x), self.other(y)


class Functions(nn.Module):
    """What is computed by functions. With a child it is no leaf, whose functions would be one row."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Identity()


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


def activations_of_vectors() -> nn.Module:
    """Activations whose settings make them another one, or that read two halves."""
    modules = [nn.Hardtanh(0.0, 6.0), nn.Hardtanh(-2.0, 2.0), nn.ELU(0.5), nn.PReLU(), nn.Softmax(-1)]
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


class attention(nn.Module):  # noqa: N801
    """Several heads, with a projection of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.heads(x, x, x, need_weights=False)[0]


class attention_masked(Functions):  # noqa: N801
    """Queries that may not look everywhere."""

    def forward(self, q, k, mask):  # type: ignore[no-untyped-def]
        x = functional.scaled_dot_product_attention(self.same(q), k, k, attn_mask=mask)
        return functional.scaled_dot_product_attention(x, x, x, is_causal=True)


class attention_grouped(Functions):  # noqa: N801
    """Queries that share keys."""

    def forward(self, q, k):  # type: ignore[no-untyped-def]
        return functional.scaled_dot_product_attention(self.same(q), k, k, enable_gqa=True)


def transformer() -> nn.Module:
    """One layer of an encoder with two residual connections."""
    layer = nn.TransformerEncoderLayer(16, 4, 32, activation="gelu", batch_first=True, norm_first=True)
    return nn.Sequential(nn.Linear(16, 16), layer)


class einsums(Functions):  # noqa: N801
    """Sums over indices of every kind."""

    def forward(self, x, y, a, b):  # type: ignore[no-untyped-def]
        return (
            torch.einsum("ab,bc->c", self.same(a), b),
            torch.einsum("bij,bjk->bik", x, y),
            torch.einsum("...ij,jk->...ik", x, b),
            torch.einsum("ab,cd->abcd", a, b),
            torch.einsum("bij->bji", x),
        )


class products(nn.Module):  # noqa: N801
    """Products of matrices, and layers that are one."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 4, bias=False)
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, x, y, a):  # type: ignore[no-untyped-def]
        z = torch.bmm(x, y)
        vector = torch.matmul(x, self.scale)
        sums = torch.addmm(a, a, self.fc.weight.t() @ self.fc.weight)
        return torch.mm(sums, a.t()), self.fc(x), z, vector, functional.linear(x, self.fc.weight)


class bilinear(nn.Module):  # noqa: N801
    """A product of three."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.both = nn.Linear(6, 6), nn.Bilinear(6, 6, 3)

    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.both(self.fc(x), x)


class recurrent(nn.Module):  # noqa: N801
    """The three recurrent layers."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 6, 2, batch_first=True, bidirectional=True)
        self.gru, self.rnn = nn.GRU(12, 4, batch_first=True), nn.RNN(4, 3, batch_first=True)

    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.rnn(self.gru(self.lstm(x)[0])[0])[0]


class embedded(nn.Module):  # noqa: N801
    """A table that is read, and read again as a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 8, padding_idx=0)
        self.out = nn.Linear(8, 10, bias=False)
        self.out.weight = self.table.weight

    def forward(self, x):  # type: ignore[no-untyped-def]
        return self.out(self.table(x))


def embedded_in_bags() -> nn.Module:
    """The mean of several rows of a table."""
    return nn.Sequential(nn.EmbeddingBag(10, 4), nn.Linear(4, 4))


class quantised(nn.Module):  # noqa: N801
    """A convolution between numbers that are rounded as eight bits would."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = torch.fake_quantize_per_tensor_affine(self.one(x), 0.1, 0, -128, 127)
        return self.other(x)


class shapes(nn.Module):  # noqa: N801
    """Everything that moves elements."""

    def __init__(self) -> None:
        super().__init__()
        self.flat, self.unflat, self.norm = nn.Flatten(2), nn.Unflatten(1, (4, 2)), nn.LayerNorm(6)
        self.conv = nn.Conv2d(2, 2, 1)

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = self.norm(x).reshape(2, 2, 8, 12)
        one, other = torch.chunk(x, 2, 2)
        y = self.conv(torch.cat([one, other], 3))
        y = torch.stack([y, y], 1).reshape(2, 4, 4, 24).permute(0, 2, 3, 1).contiguous()
        y = functional.pad(y.transpose(1, 3), (1, 1)).roll(1, 2)
        parts = torch.split(y, 2, 1)
        z = parts[0].unsqueeze(1).expand(2, 3, 2, 24, 6).squeeze(0)[:, 1, :, ::2]
        w = self.unflat(self.flat(torch.repeat_interleave(x, 4, 1)))
        return z.narrow(1, 0, 1), w, parts[1].select(1, 0).view(2, -1), y.unbind(1)[0], y.flip(1)


def shuffled() -> nn.Module:
    """Channels that become pixels."""
    return nn.Sequential(nn.Conv2d(4, 8, 1), nn.PixelShuffle(2), nn.Conv2d(2, 2, 3))


class arithmetic(Functions):  # noqa: N801
    """Sums, differences and functions, element by element."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = self.same(x)
        y = -(x * 2 + 1) / 3 - x
        y = (1 - y) * self.scale + 2 / (x.abs() + 1)
        z = torch.exp(y).log() + y.pow(2) + torch.sqrt(x.abs()) * torch.rsqrt(x.abs() + 1)
        return z.clamp(-1, 1), x.clamp(min=0), torch.maximum(x, y), torch.minimum(x, y), torch.where(x > 0, x, y)


class reductions(Functions):  # noqa: N801
    """What makes one number of many."""

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = self.same(x)
        largest = x.max(1)[0] + x.min(1)[0]
        return x.mean(1), x.sum(-1, keepdim=True), torch.amax(x, 1), torch.amin(x, 1), largest, x.argmax(1), x.std(1)


class written_in_place(nn.Module):  # noqa: N801
    """Parts of a tensor that are overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):  # type: ignore[no-untyped-def]
        h = self.one(x)
        h[:, :4].relu_()
        h[:, 4:] += 1
        h.mul_(2).add_(x)
        h[:, 0] = 0
        return self.other(h)


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


def build(name: str) -> Any:
    """The network of this name, with statistics that differ: the exporter ties equal constants."""
    torch.manual_seed(0)
    made: nn.Module = globals()[name]().eval()
    for buffer in made.buffers():
        if buffer.is_floating_point():
            nn.init.uniform_(buffer, 0.5, 1.5)
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
