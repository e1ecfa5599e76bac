"""Small networks of torch, each for one thing that tools get wrong. Their MACs stand in ``networks.py``.

None is a single layer: some tools look only at what a network is made of.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name
from torch.nn.utils.parametrizations import weight_norm


class Calls(nn.Module):
    """Calls a function with itself and the inputs: what a forward is, without a class for each."""

    def __init__(self, forward: Any, **parts: Any) -> None:
        super().__init__()
        self.called = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Any:
        return self.called(self, x) if y is None else self.called(self, x, y)


def _weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape))


def grouped() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 16, 3, padding=1, groups=4))


def dilated() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=2, dilation=2))


def circular() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"))


def transposed() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(4, 6, 3, stride=2))


def separable() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 1))


def along_a_line() -> nn.Module:
    return nn.Sequential(nn.Conv1d(4, 8, 5), nn.GELU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 3))


def of_volumes() -> nn.Module:
    return nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(4, 4, 1))


def weight_normed() -> nn.Module:
    return nn.Sequential(weight_norm(nn.Conv2d(4, 6, 3)))


def tied() -> nn.Module:
    parts = {"embedding": nn.Embedding(50, 16), "head": nn.Linear(16, 50, bias=False)}
    parts["head"].weight = parts["embedding"].weight
    return Calls(lambda self, ids: self.head(self.embedding(ids)), **parts)


def reused() -> nn.Module:
    return Calls(lambda self, x: self.dense(self.dense(self.dense(x))), dense=nn.Linear(12, 12))


def two_names() -> nn.Module:
    conv = nn.Conv2d(4, 4, 3, padding=1)
    return nn.Sequential(conv, nn.ReLU(), conv)


def siamese() -> nn.Module:
    body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Calls(lambda self, a, b: self.body(a) - self.body(b), body=body)


def functional() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        return F.linear(F.relu(F.conv2d(x, self.kernel, padding=1)).mean((2, 3)), self.matrix)

    return Calls(forward, kernel=_weight(8, 3, 3, 3), matrix=_weight(5, 8))


def matmul() -> nn.Module:
    return Calls(lambda self, x: x @ self.matrix, matrix=_weight(12, 7))


def einsum() -> nn.Module:
    return Calls(lambda self, x: torch.einsum("bnd,de->bne", x, self.matrix), matrix=_weight(12, 7))


def low_rank() -> nn.Module:
    return Calls(
        lambda self, x: x @ self.factors[0] @ self.factors[1],
        factors=nn.ParameterList([_weight(32, 4), _weight(4, 32)]),
    )


def addmm() -> nn.Module:
    return Calls(lambda self, x: torch.addmm(self.bias, x, self.matrix), bias=_weight(7), matrix=_weight(12, 7))


def of_activations() -> nn.Module:
    return Calls(lambda self, a, b: torch.bmm(a, b))


def dynamic() -> nn.Module:
    """A convolution whose kernel another layer gives."""

    def forward(self: Any, x: Tensor, z: Tensor) -> Tensor:
        return F.conv2d(x, self.kernels(z).view(6, 4, 3, 3))

    return Calls(forward, kernels=nn.Linear(5, 6 * 4 * 9))


def unfolded() -> nn.Module:
    """A convolution as a product of patches."""
    return Calls(lambda self, x: self.matrix @ F.unfold(x, 3), matrix=_weight(6, 36))


def vector() -> nn.Module:
    return Calls(lambda self, x: torch.mv(self.matrix, x), matrix=_weight(5, 7))


def complex_numbers() -> nn.Module:
    return Calls(lambda self, x: x @ self.matrix, matrix=nn.Parameter(torch.randn(12, 7, dtype=torch.complex64)))


def attention() -> nn.Module:
    return Calls(
        lambda self, x: self.attention(x, x, x, need_weights=False)[0],
        attention=nn.MultiheadAttention(32, 4, batch_first=True),
    )


def attention_with_mask() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        return self.attention(x, x, x, attn_mask=mask)[0]

    return Calls(forward, attention=nn.MultiheadAttention(32, 4, batch_first=True))


def _heads(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def causal() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        q, k, v = (_heads(part, 4) for part in self.qkv(x).chunk(3, -1))
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))

    return Calls(forward, qkv=nn.Linear(32, 96), out=nn.Linear(32, 32))


def grouped_queries() -> nn.Module:
    """Eight heads ask two."""

    def forward(self: Any, x: Tensor) -> Tensor:
        q, k, v = _heads(self.q(x), 8), _heads(self.k(x), 2), _heads(self.v(x), 2)
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True).transpose(1, 2).flatten(2)

    return Calls(forward, q=nn.Linear(32, 32), k=nn.Linear(32, 8), v=nn.Linear(32, 8))


def attention_written_out() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        return (q @ k.transpose(1, 2) / 32**0.5).softmax(-1) @ v

    return Calls(forward, qkv=nn.Linear(32, 96))


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def encoder_decoder() -> nn.Module:
    return nn.Transformer(32, 4, 1, 1, 64, batch_first=True)


def lstm() -> nn.Module:
    return nn.Sequential(nn.LSTM(10, 20, num_layers=2, batch_first=True, bidirectional=True))


def gru() -> nn.Module:
    return nn.Sequential(nn.GRU(10, 20, batch_first=True))


def lstm_cell() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return state[0]  # type: ignore[index]

    return Calls(forward, cell=nn.LSTMCell(10, 20))


def bag_of_words() -> nn.Module:
    return nn.Sequential(nn.EmbeddingBag(100, 16, mode="sum"), nn.Linear(16, 4))


def _expert() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))


def experts_weighted() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        share = self.router(x).softmax(-1)
        return torch.stack([share[:, [i]] * expert(x) for i, expert in enumerate(self.experts)]).sum(0)

    return Calls(forward, router=nn.Linear(16, 4), experts=nn.ModuleList(_expert() for _ in range(4)))


def experts_chosen() -> nn.Module:
    """Each row goes through its best two of four, whichever these are."""

    def forward(self: Any, x: Tensor) -> Tensor:
        chosen, out = self.router(x).topk(2).indices, torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            rows = (chosen == number).any(-1).nonzero().squeeze(-1)
            out[rows] += expert(x[rows])
        return out

    return Calls(forward, router=nn.Linear(16, 4), experts=nn.ModuleList(_expert() for _ in range(4)))


def unet() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        high = F.relu(self.down(x))
        low = F.relu(self.middle(F.max_pool2d(high, 2)))
        return self.out(torch.cat([high, self.up(low)], 1))

    return Calls(
        forward,
        down=nn.Conv2d(3, 8, 3, padding=1),
        middle=nn.Conv2d(8, 16, 3, padding=1),
        up=nn.ConvTranspose2d(16, 8, 2, stride=2),
        out=nn.Conv2d(16, 2, 1),
    )


def super_resolution() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.PReLU(8), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))


def unused() -> nn.Module:
    return Calls(lambda self, x: self.dense(x), dense=nn.Linear(12, 7), never=nn.Linear(7, 100))


def buffers() -> nn.Module:
    """Statistics and a table of positions, which aren't parameters."""
    net = Calls(
        lambda self, x: self.dense(self.norm(x + self.positions)), norm=nn.BatchNorm1d(5), dense=nn.Linear(8, 4)
    )
    net.register_buffer("positions", torch.randn(5, 8))
    return net


def frozen() -> nn.Module:
    net = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 4))
    net[0].requires_grad_(False)
    return net


def class_token() -> nn.Module:
    """Parameters that stand outside of any layer."""

    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(x[:, 0])

    return Calls(
        forward,
        patches=nn.Conv2d(3, 16, 4, 4),
        token=_weight(1, 1, 16),
        positions=_weight(1, 17, 16),
        head=nn.Linear(16, 5),
    )


def several_results() -> nn.Module:
    """A dict of results from two inputs."""
    return Calls(
        lambda self, image, text: {"image": self.image(image), "text": self.text(text)},
        image=nn.Conv2d(3, 4, 3),
        text=nn.Embedding(30, 8),
    )


def recurrent_depth() -> nn.Module:
    """One block, four times, with a batch of two."""

    def forward(self: Any, x: Tensor) -> Tensor:
        for _ in range(4):
            x = x + self.block(x)
        return x

    return Calls(forward, block=nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.SiLU()))
