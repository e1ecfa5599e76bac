"""A small network in the formats that are text, as it was looked over by eye and accepted.

After a change that is meant, run ``python -m tests.render.test_goldens`` and read ``git diff tests/fixtures``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from resnet_inspect.ir import UNKNOWN, Parameter, Summary
from resnet_inspect.render import View, render
from tests.support.toys import IMAGE, network, toy

FIXTURES = Path(__file__).parents[1] / "fixtures"
#: Name of the file -> its format, and what is shown.
GOLDENS = {
    "toy-tree.txt": ("tree", View()),
    "toy-tree-rails.txt": ("tree", View(rails=True)),
    "toy.csv": ("csv", View()),
    "toy.md": ("markdown", View()),
    "toy-rails.md": ("markdown", View(rails=True, depth=1, optimizer="adam")),
    "toy.json": ("json", View()),
}


def toy_network() -> Summary:
    """A residual block that is called twice, an operation of unknown cost, and a head that no call uses."""
    norm = tuple(
        Parameter(f"block.bn.{name}", (4,), "float32", role, counted)
        for name, role, counted in (("weight", "frozen", True), ("running_mean", "statistics", False))
    )
    convolution = {"kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1)}
    conv = toy("block.conv", "conv2d", "x", params=144, macs=144 * 64, attributes=convolution, type="Conv2d")
    again = toy("block.conv#2", "conv2d", "block.add", macs=144 * 64, attributes=convolution, type="Conv2d")
    again = replace(again, path="block.conv", shared=("block.conv.weight",))
    return network(
        IMAGE,
        conv,
        toy("block.bn", "batch_norm", "block.conv", parameters=norm, type="BatchNorm2d"),
        toy("block.add", "add", "block.bn x", type="add"),
        # A second call of the same module uses the same weight, which only the first counts.
        again,
        toy("a|b", "other", "block.conv#2", None, output_tensors=(UNKNOWN,), macs=None, type="Sort_of<T>"),
        toy("fc", "dense", "a|b", (1, 10), params=40, macs=40, type="=Linear"),
        toy("aux", "dense", shape=None, params=8, type="Linear", called=False),
        modules=(
            ("", "Toy"),
            ("block", "Block"),
            ("block.conv", "Conv2d"),
            ("block.bn", "BatchNorm2d"),
            ("fc", "=Linear"),
        ),
        unused=("aux.weight",),
    )


@pytest.mark.parametrize("name", GOLDENS)
def test_a_format_is_as_it_was_accepted(name: str) -> None:
    output_format, view = GOLDENS[name]
    accepted = (FIXTURES / name).read_bytes().decode()
    assert render(toy_network(), output_format, view) == accepted


if __name__ == "__main__":
    for golden, (golden_format, golden_view) in GOLDENS.items():
        (FIXTURES / golden).write_bytes(render(toy_network(), golden_format, golden_view).encode())
