"""Networks of torch whose forward is written with functions, or whose layers do more than one thing."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Functions(nn.Module):
    """What is computed by functions. With a child it is not a leaf, whose functions would be one row."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Identity()


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


class einsums_alike(Functions):  # noqa: N801
    """A sum with an index that one term alone has."""

    def forward(self, x, y):  # type: ignore[no-untyped-def]
        return torch.einsum("ab,ac->c", self.same(x), y)


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


class parts_of_weights(nn.Module):  # noqa: N801
    """Views of parameters: multiplied, and taken as the weight of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Parameter(torch.ones(8, 6))
        self.fc = nn.Linear(6, 6)

    def forward(self, x):  # type: ignore[no-untyped-def]
        one, other = self.both.chunk(2)
        return x @ one.t(), x @ other.t(), functional.linear(x, one), self.fc(x), self.fc.weight.detach() * 2


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
        z = parts[0].unsqueeze(0).squeeze(0).unsqueeze(1).expand(2, 3, 2, 24, 6)[:, 1, :, ::2]
        w = self.unflat(self.flat(torch.repeat_interleave(x, 4, 1)))
        return z.narrow(1, 0, 1), w, parts[1].select(1, 0).view(2, -1), y.unbind(1)[0], y.flip(1)


def shuffled() -> nn.Module:
    """Channels that become pixels."""
    return nn.Sequential(nn.Conv2d(4, 8, 1), nn.PixelShuffle(2), nn.Conv2d(2, 2, 3))


def channels_shuffled() -> nn.Module:
    """Channels that change places."""
    return nn.Sequential(nn.Conv2d(4, 8, 1), nn.ChannelShuffle(2), nn.Conv2d(8, 2, 3))


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


class filled(Functions):  # noqa: N801
    """Values that are written and not computed, masks and choices by them, and the length of vectors."""

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = self.same(x)
        mask = torch.zeros_like(x)
        positive = x > 0
        chosen = torch.where(positive, x, -x)
        return x + mask, chosen, x.masked_fill(positive, 1.0), torch.linalg.vector_norm(x, dim=-1)


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
