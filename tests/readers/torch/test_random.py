"""The torch backend on random networks, against arithmetic, torch's own parameter list and torch's FLOP counter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import Summary, summarize
from tests.support.command import in_child

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH, CHANNELS, SIZE = 2, 4, 8
PLACES = BATCH * SIZE * SIZE

#: A step that keeps the shape -> its parameters, and its multiply-adds on BATCH x CHANNELS x SIZE x SIZE.
KINDS = {
    "conv": (CHANNELS * CHANNELS * 9 + CHANNELS, PLACES * CHANNELS * CHANNELS * 9),
    "depthwise": (CHANNELS * 9, PLACES * CHANNELS * 9),
    "dilated": (CHANNELS * CHANNELS * 9 + CHANNELS, PLACES * CHANNELS * CHANNELS * 9),
    "norm": (2 * CHANNELS, 0),
    "relu": (0, 0),
    "inplace": (0, 0),
    "pool": (0, 0),
    "linear": (SIZE * SIZE + SIZE, PLACES * CHANNELS * SIZE),
    "transpose": (CHANNELS * CHANNELS + CHANNELS, PLACES * CHANNELS * CHANNELS),
    # The stem once more: shared. Linear layers with one weight: tied, each with its own bias.
    "again": (0, PLACES * CHANNELS * CHANNELS),
    "tied": (SIZE, PLACES * CHANNELS * SIZE),
    # Functions with a bare parameter, or with none.
    "scale": (CHANNELS, 0),
    "matmul": (SIZE * SIZE, PLACES * CHANNELS * SIZE),
    "einsum": (CHANNELS * CHANNELS, PLACES * CHANNELS * CHANNELS),
    "functional": (CHANNELS * CHANNELS * 9, PLACES * CHANNELS * CHANNELS * 9),
    "gram": (0, 2 * BATCH * CHANNELS * CHANNELS * SIZE * SIZE),
}
#: A step, whether it is inside a skip; or a container of more.
Node = Union["Leaf", "Container"]


@dataclass(frozen=True)
class Leaf:
    kind: str
    residual: bool


@dataclass(frozen=True)
class Container:
    kind: str
    nodes: tuple[Node, ...]
    residual: bool


LEAVES = st.builds(Leaf, st.sampled_from(sorted(KINDS)), st.booleans())
TREES = st.lists(
    st.recursive(
        LEAVES,
        lambda inner: st.builds(
            Container,
            st.sampled_from(["Sequential", "ModuleList", "ModuleDict"]),
            st.lists(inner, max_size=3).map(tuple),
            st.booleans(),
        ),
        max_leaves=6,
    ),
    max_size=4,
)


def leaves(nodes: Any) -> Iterator[Leaf]:
    """In order of execution."""
    for node in nodes:
        if isinstance(node, Leaf):
            yield node
        else:
            yield from leaves(node.nodes)


def skips(nodes: Any) -> int:
    """How many additions there are."""
    return sum(node.residual + (skips(node.nodes) if isinstance(node, Container) else 0) for node in nodes)


def build(tree: list[Node]) -> nn.Module:
    """A stem and what the tree says."""
    import torch
    import torch.nn.functional as F  # noqa: N812 - everybody's name for it
    from torch import nn

    stem = nn.Conv2d(CHANNELS, CHANNELS, 1)
    tied = nn.Parameter(torch.zeros(SIZE, SIZE))

    class Function(nn.Module):
        """A step with a parameter of its own and a child, so that it is not a layer but code between layers."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            shapes = {"scale": (CHANNELS, 1, 1), "matmul": (SIZE, SIZE), "einsum": (CHANNELS, CHANNELS)}
            shape = (CHANNELS, CHANNELS, 3, 3) if kind == "functional" else shapes.get(kind)
            self.kind, self.child = kind, nn.Identity()
            self.own = None if shape is None else nn.Parameter(torch.zeros(shape))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.kind == "gram":  # every channel by every other, and back
                flat = x.flatten(2)
                return (flat @ flat.mT @ flat).view_as(x)
            if self.kind == "scale":
                return x * self.own
            if self.kind == "matmul":
                return x @ self.own
            if self.kind == "einsum":
                return torch.einsum("bchw,cd->bdhw", x, self.own)
            return F.conv2d(x, self.own, padding=1)

    def leaf(kind: str) -> nn.Module:
        if kind == "again":
            return stem
        if kind == "tied":
            linear = nn.Linear(SIZE, SIZE)
            linear.weight = tied
            return linear
        makers = {
            "conv": lambda: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
            "depthwise": lambda: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False),
            "dilated": lambda: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=2, dilation=2),
            "norm": lambda: nn.BatchNorm2d(CHANNELS),
            "relu": nn.ReLU,
            "inplace": lambda: nn.ReLU(inplace=True),
            "pool": lambda: nn.AvgPool2d(3, 1, padding=1),
            "linear": lambda: nn.Linear(SIZE, SIZE),
            "transpose": lambda: nn.ConvTranspose2d(CHANNELS, CHANNELS, 1),
        }
        return makers[kind]() if kind in makers else Function(kind)

    class Box(nn.Module):
        """Runs its nodes; a skip around one keeps the values where the node works in place, by a clone."""

        def __init__(self, kind: str, nodes: Any) -> None:
            super().__init__()
            parts = [leaf(n.kind) if isinstance(n, Leaf) else Box(n.kind, n.nodes) for n in nodes]
            self.residual = [node.residual for node in nodes]
            if kind == "ModuleDict":
                self.parts: Any = nn.ModuleDict({f"step{index}": part for index, part in enumerate(parts)})
            else:
                self.parts = getattr(nn, kind)(*parts) if kind == "Sequential" else nn.ModuleList(parts)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            parts = self.parts.values() if isinstance(self.parts, nn.ModuleDict) else self.parts
            for part, residual in zip(parts, self.residual, strict=True):
                x = x + part(x.clone()) if residual else part(x)
            return x

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.body = stem, Box("ModuleList", tree)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.body(self.stem(x))

    return Net()


@in_child("torch")
def test_random_networks() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    @given(TREES)
    def check(tree: list[Node]) -> None:
        model = build(tree)
        summary = summarize(model, (BATCH, CHANNELS, SIZE, SIZE))
        kinds = [leaf.kind for leaf in leaves(tree)]
        stem = CHANNELS * CHANNELS + CHANNELS
        params = stem + sum(KINDS[kind][0] for kind in kinds) + SIZE * SIZE * ("tied" in kinds)
        macs = PLACES * CHANNELS * CHANNELS + sum(KINDS[kind][1] for kind in kinds)
        assert (summary.totals.params, summary.totals.macs, summary.totals.uncounted) == (params, macs, ())
        assert summary.trace.method == "meta"
        assert not summary.unused
        assert sum(layer.params for layer in summary.layers) == sum(p.numel() for p in model.parameters())
        with FlopCounterMode(display=False) as counter:
            output = model(torch.zeros(BATCH, CHANNELS, SIZE, SIZE))
        assert 2 * macs == counter.get_total_flops()
        assert summary.outputs[0].shape == tuple(output.shape)
        ids: list[str] = []
        for layer in summary.layers:
            assert set(layer.inputs) <= set(ids)
            ids.append(layer.id)
        assert len(set(ids)) == len(ids)
        assert sum(layer.op == "add" for layer in summary.layers) == skips(tree)
        # Every layer but the last is read by a later one: no edge is lost.
        assert {source for layer in summary.layers for source in layer.inputs} == set(ids[:-1])
        assert Summary.from_json(summary.to_json()) == summary

    check()
