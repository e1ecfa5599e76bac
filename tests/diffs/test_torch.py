"""One change at a time to a torch model: reported as exactly what it is, on exactly the layers that it touched."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect.diffs import Diff, compare
from tests.support.command import in_child
from tests.support.differences import settings

#: Change -> its arguments of ``small``, and what must be reported: id -> the settings that changed, consequences apart.
PROBES: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "nothing": ({}, {}),
    "another seed": ({"seed": 7}, {}),
    "width": ({"width": 12}, {"conv1": {"out_channels"}, "bn1": {"channels"}, "conv2": {"in_channels"}}),
    "kernel": ({"kernel": 5}, {"conv1": {"kernel_size"}}),
    "stride": ({"stride": 2}, {"conv1": {"stride"}}),
    "dilation": ({"dilation": 2}, {"conv1": {"dilation"}}),
    "padding": ({"padding": 2}, {"conv1": {"padding"}}),
    "padding mode": ({"padding_mode": "reflect"}, {"conv1": {"padding_mode"}}),
    "groups": ({"groups": 2}, {"conv2": {"groups"}}),
    "bias": ({"bias": True}, {"conv1": {"bias"}}),
    "eps": ({"eps": 1e-3}, {"bn1": {"eps"}}),
    "momentum": ({"momentum": 0.2}, {"bn1": {"momentum"}}),
    "activation": ({"activation": "GELU"}, {"act": {"type", "op"}}),
    "frozen": ({"frozen": "conv1"}, {"conv1": {"trainable"}}),
}


def small(
    *,
    seed: int = 0,
    width: int = 8,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 1,
    padding_mode: str = "zeros",
    groups: int = 1,
    bias: bool = False,
    eps: float = 1e-5,
    momentum: float = 0.1,
    activation: str = "ReLU",
    frozen: str = "",
    name: str = "conv2",
    order: tuple[str, ...] = ("bn1", "act"),
    skip: bool = True,
    extra: bool = False,
) -> Any:
    """conv - bn - activation - conv, plus the first convolution's output."""
    import torch
    from torch import nn

    torch.manual_seed(seed)

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            settings: dict[str, Any] = {"padding_mode": padding_mode, "bias": bias, "dilation": dilation}
            self.conv1 = nn.Conv2d(3, width, kernel, stride, padding, **settings)
            self.bn1 = nn.BatchNorm2d(width, eps, momentum)
            self.act = nn.ReLU(inplace=False) if activation == "ReLU" else getattr(nn, activation)()
            setattr(self, name, nn.Conv2d(width, 8, 3, padding=1, groups=groups))
            self.extra = nn.Conv2d(8, 8, 1) if extra else nn.Identity()
            self.fc = nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            first = y = self.conv1(x)
            for step in order:
                y = getattr(self, step)(y)
            y = getattr(self, name)(y)
            if extra:
                y = self.extra(y)
            if skip:
                y = y + first[:, :8]
            return self.fc(y.mean((2, 3)))

    model = Small()
    if frozen:
        getattr(model, frozen).requires_grad_(False)
    return model


def difference(old: Any, new: Any, size: str = "3x16x16") -> Diff:
    from resnet_inspect import summarize

    found = compare(summarize(old, size), summarize(new, size))
    back = compare(summarize(new, size), summarize(old, size))
    assert found.kinds == back.kinds
    return found


@pytest.mark.parametrize("probe", PROBES)
@in_child("torch")
def test_one_change(probe: str) -> None:
    arguments, expected = PROBES[probe]
    found = difference(small(), small(**arguments))
    assert settings(found) == expected
    assert not found.of("added", "removed", "renamed", "moved")
    assert not found.renamings
    assert bool(found.kinds) == bool(expected)
    assert "edges" not in found.kinds


@in_child("torch")
def test_a_change_of_dtype_is_on_every_layer() -> None:
    import torch

    from resnet_inspect import summarize

    old, new = small(), small().to(torch.float64)
    found = compare(summarize(old, "3x16x16"), summarize(new, "3x16x16", dtype="float64"))
    assert {c.field for layer in found.layers for c in layer.changes} == {"dtype", "weight_dtype"}
    assert len(found.of("changed")) == len(found.layers)
    assert found.kinds == {"config"}


@in_child("torch")
def test_a_renamed_layer() -> None:
    found = difference(small(), small(name="project"))
    assert [(layer.old.id, layer.new.id) for layer in found.of("renamed") if layer.old and layer.new] == [
        ("conv2", "project")
    ]
    assert found.kinds == {"layers"}
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("conv2", "project", 1)]


@in_child("torch")
def test_a_renamed_and_changed_layer_is_both() -> None:
    found = difference(small(), small(name="project", groups=2))
    assert settings(found) == {"project": {"groups"}}
    assert not found.of("added", "removed")
    assert found.renamings[0].new == "project"


@in_child("torch")
def test_a_moved_layer() -> None:
    found = difference(small(), small(order=("act", "bn1")))
    (moved,) = found.of("moved")
    assert moved.layer.id in ("act", "bn1")
    assert found.kinds == {"layers"}


@in_child("torch")
def test_a_removed_skip_connection() -> None:
    found = difference(small(), small(skip=False))
    assert [layer.layer.id for layer in found.of("removed")] == ["getitem", "add"]
    add = found.of("removed")[1]
    assert add.skip == "getitem"
    assert found.kinds == {"layers", "edges"}
    assert not found.of("changed")


@in_child("torch")
def test_an_added_layer() -> None:
    found = difference(small(), small(extra=True))
    assert [layer.layer.id for layer in found.of("added")] == ["extra"]
    assert not found.of("removed", "changed", "moved", "renamed")
    totals = {total.name: total.difference for total in found.totals}
    assert totals["params"] == 8 * 8 + 8
    assert totals["macs"] == 8 * 8 * 16 * 16
    cause = found.causes[0]
    assert (cause.amount, cause.what, cause.place, cause.layers) == (72, "added", "extra", 1)


@in_child("torch")
def test_a_layer_put_into_a_sequential_renumbers_the_rest() -> None:
    from torch import nn

    def stack(extra: bool) -> nn.Sequential:
        blocks = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU()]
        return nn.Sequential(*blocks[:2], *([nn.BatchNorm2d(8), nn.Dropout()] if extra else []), *blocks[2:])

    found = difference(stack(False), stack(True))
    assert [layer.layer.id for layer in found.of("added")] == ["2", "3"]
    assert not found.of("removed", "changed", "moved")
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("2…5", "4…7", 4)]


@in_child("torch")
def test_a_shared_prefix_is_one_renaming() -> None:
    import torchvision
    from torch import nn

    class Wrapped(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name
            setattr(self, name, torchvision.models.resnet18())

        def forward(self, x: Any) -> Any:
            return getattr(self, self.name)(x)

    found = difference(Wrapped("encoder"), Wrapped("backbone"), "3x64x64")
    layers = len(found.layers) - 1  # all but the input
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("encoder", "backbone", layers)]
    assert found.kinds == {"layers"}
    found = difference(torchvision.models.resnet18(), Wrapped("net"), "3x64x64")
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("", "net", layers)]


@in_child("torch")
def test_a_skip_connection_from_elsewhere() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, early: bool) -> None:
            super().__init__()
            self.early = early
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            a = self.a(x)
            b = self.b(a)
            return self.c(b) + (x if self.early else a)

    found = difference(Net(False), Net(True), "1x4")
    (changed,) = found.of("changed")
    assert changed.layer.id == "add"
    assert [change.words for change in changed.changes] == [
        "skip connection from a removed, skip connection from input added"
    ]
    assert found.kinds == {"edges"}
