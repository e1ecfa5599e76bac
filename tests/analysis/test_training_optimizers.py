"""What optimizers keep and what their step needs, against torch's own where it has them, else by arithmetic."""

from __future__ import annotations

import contextlib

import pytest

from resnet_inspect.analysis.training.optimizers import states, temporaries
from tests.support.command import in_child, needs


@needs("torch", "2.14")
@in_child("torch")
def test_the_peak_of_a_step_of_torchs_optimizers() -> None:
    from functools import partial
    from unittest import mock

    import torch
    from torch import nn

    from benchmarks import fake_step
    from resnet_inspect import summarize
    from resnet_inspect.analysis.training.plan import Plan
    from resnet_inspect.analysis.training.timeline import timeline

    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 400), nn.Linear(400, 500))

    def inputs() -> tuple[torch.Tensor]:
        return (torch.empty(2, 3, 8, 8),)

    with torch.device("meta"):
        summary = summarize(build(), *inputs(), mode="train")
    for name, implementation in (
        ("sgd", "foreach"),
        ("momentum", "foreach"),
        ("adam", "foreach"),
        ("adam", "for-loop"),
        ("adam", "fused"),
        ("adamw", "foreach"),
    ):
        option = {} if implementation == "for-loop" else {implementation: True}
        optimizer = {
            "sgd": torch.optim.SGD,
            "momentum": partial(torch.optim.SGD, momentum=0.9),
            "adam": torch.optim.Adam,
            "adamw": torch.optim.AdamW,
        }[name]
        with mock.patch.dict(fake_step.OPTIMIZERS, {name: partial(optimizer, **option)}):
            truth = fake_step.peak(build, inputs, name)
        found = timeline(summary, Plan(optimizer=name, implementation=implementation)).peak
        assert found is not None
        assert abs(found.live - truth) < 512, (name, implementation)  # numbers, as the loss is


@needs("torch", "2.5")
@in_child("torch")
def test_what_torchs_adafactor_keeps() -> None:
    import torch

    for shape in ((7,), (6, 5), (4, 3, 2, 5), (0, 5), (5, 0), (0, 0), (0, 2, 5), (0,)):
        parameter = torch.nn.Parameter(torch.ones(shape))
        parameter.grad = torch.ones(shape)
        optimizer = torch.optim.Adafactor([parameter])
        with contextlib.suppress(ZeroDivisionError):  # torch divides by the number of elements, but has states by then
            optimizer.step()
        kept = {name: value for name, value in optimizer.state[parameter].items() if name != "step"}
        found = sum(value.nbytes for value in kept.values() if value is not None)
        assert states("adafactor", shape, 4 * parameter.numel()) == found, shape


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4095,), 2 * 4 * 4095),  # too small for eight bits: both moments in float32
        ((64, 64), 2 * 4096 + 2 * 4 * 16),  # a byte an element, and for each 256 of them what is the largest
        ((4097,), 2 * 4097 + 2 * 4 * 17),
    ],
)
def test_eight_bit_adam_keeps_two_bytes_and_scales(shape: tuple[int, ...], expected: int) -> None:
    """As bitsandbytes' ``Optimizer2State.init_state`` does it; the two tables of 256 numbers are left out."""
    elements = 1
    for size in shape:
        elements *= size
    assert states("adam8bit", shape, 4 * elements) == expected
    assert states("adam8bit", shape, 2 * elements) == expected  # it doesn't ask for the parameter's type


def test_lion_keeps_a_momentum_and_needs_an_update() -> None:
    """Chen et al. 2023, algorithm 2: an update is made of momentum and gradient, for one weight at a time."""
    assert states("lion", (10, 10), 400) == 400
    assert temporaries("lion", "foreach", [400, 80]) == 400
