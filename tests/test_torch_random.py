"""The torch backend on random networks, against torch's own parameter list and FLOP counter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnet_inspect import Summary, summarize

from .command import in_child

if TYPE_CHECKING:
    from torch import nn

CHANNELS = 4

#: One step each: a module or function that keeps the number of channels, and whether its result is added to its input.
STEPS = st.tuples(
    st.sampled_from(
        ["conv", "depthwise", "dilated", "norm", "relu", "inplace", "pool", "linear", "again", "transpose"]
    ),
    st.booleans(),
)


def build(steps: list[tuple[str, bool]]) -> nn.Module:
    """A network of random steps; ``again`` calls its first convolution once more, ``linear`` is tied to one weight."""
    import torch
    from torch import nn

    def module(kind: str) -> nn.Module:
        makers: dict[str, Callable[[], nn.Module]] = {
            "conv": lambda: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
            "depthwise": lambda: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False),
            "dilated": lambda: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=2, dilation=2),
            "norm": lambda: nn.BatchNorm2d(CHANNELS),
            "relu": nn.ReLU,
            "inplace": lambda: nn.ReLU(inplace=True),
            "pool": lambda: nn.AvgPool2d(3, 1, padding=1),
            "linear": lambda: nn.Linear(8, 8),
            "transpose": lambda: nn.ConvTranspose2d(CHANNELS, CHANNELS, 1),
        }
        return makers[kind]()

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(CHANNELS, CHANNELS, 1)
            self.steps = nn.ModuleList(self.stem if kind == "again" else module(kind) for kind, _ in steps)
            linear = [step for step in self.steps if isinstance(step, nn.Linear)]
            for step in linear[1:]:
                step.weight = linear[0].weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            for step, (_, residual) in zip(self.steps, steps, strict=True):
                # A clone keeps the shortcut's values where the step works in place.
                x = x + step(x.clone()) if residual else step(x)
            return x

    return Net()


@in_child("torch")
def test_random_networks() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    @given(st.lists(STEPS, max_size=6))
    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    def check(steps: list[tuple[str, bool]]) -> None:
        model = build(steps)
        summary = summarize(model, (2, CHANNELS, 8, 8))
        assert sum(layer.params for layer in summary.layers) == sum(p.numel() for p in model.parameters())
        with FlopCounterMode(display=False) as counter:
            output = model(torch.zeros(2, CHANNELS, 8, 8))
        assert 2 * summary.totals.macs == counter.get_total_flops()
        assert summary.outputs[0].shape == tuple(output.shape)
        ids: list[str] = []
        for layer in summary.layers:
            assert set(layer.inputs) <= set(ids)
            ids.append(layer.id)
        assert len(set(ids)) == len(ids)
        assert sum(layer.op == "add" for layer in summary.layers) == sum(residual for _, residual in steps)
        # Every layer but the last is read by a later one: no edge is lost.
        assert {source for layer in summary.layers for source in layer.inputs} == set(ids[:-1])
        assert Summary.from_json(summary.to_json()) == summary

    check()
