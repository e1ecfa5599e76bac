"""What differs between two layers that are written down by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resnet_inspect.diffs.changes import changes
from resnet_inspect.ir import Layer, Parameter
from tests.support.toys import tensor, toy

CONV = toy("conv", "conv2d", "x", params=36, macs=100, attributes={"stride": 1, "bias": True})


def differing(old: Layer, new: Layer, across: bool = False) -> dict[str, tuple[Any, Any, str]]:
    return {change.field: (change.old, change.new, change.kind) for change in changes(old, new, across)}


def weight(name: str = "conv.weight", role: str = "trainable", dtype: str = "float32", *, size: int = 36) -> Parameter:
    return Parameter(name, (size,), dtype, role)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {}),
        ({"op": "conv3d"}, {"op": ("conv2d", "conv3d", "config")}),
        ({"type": "Conv"}, {"type": ("conv2d", "Conv", "config")}),
        ({"called": False}, {"called": (True, False, "config")}),
        ({"macs": 50}, {"macs": (100, 50, "macs")}),
        ({"macs": None}, {"macs": (100, None, "macs")}),
        ({"output_tensors": (tensor(1, 4, 4, 4),)}, {"output_shapes": (((1, 4, 8, 8),), ((1, 4, 4, 4),), "shapes")}),
        ({"input_tensors": (tensor(1, 3),)}, {"input_shapes": ((), ((1, 3),), "shapes")}),
        ({"output_tensors": (tensor(1, 4, 8, 8, dtype="int8"),)}, {"dtype": ("float32", "int8", "config")}),
        ({"attributes": (("stride", 2), ("bias", True))}, {"stride": (1, 2, "config")}),
        ({"attributes": (("stride", 1),)}, {"bias": (True, None, "config")}),
        ({"attributes": (("stride", 1), ("bias", True), ("groups", 2))}, {"groups": (None, 2, "config")}),
        # 1 and True are equal to Python, and two settings.
        ({"attributes": (("stride", 1), ("bias", 1))}, {"bias": (True, 1, "config")}),
        ({"parameters": (weight(role="frozen"),)}, {"trainable": (True, False, "config")}),
        ({"parameters": (weight(dtype="int8"),)}, {"weight_dtype": ("float32", "int8", "config")}),
        ({"parameters": (weight(size=30), weight("conv.bias", size=6))}, {"weights": None}),
        ({"parameters": (weight(size=37),)}, {"params": (36, 37, "params")}),
        # Where a file doesn't say what is trained, nothing is said of it.
        ({"parameters": (weight(role="unknown"),)}, {}),
    ],
)
def test_one_thing_that_differs_is_found(fields: dict[str, Any], found: dict[str, Any]) -> None:
    other = differing(CONV, replace(CONV, **fields))
    if found.get("weights", 0) is None:
        found = {"weights": ((("weight", (36,)),), (("weight", (30,)), ("bias", (6,))), "config")}
    assert other == found


def test_statistics_are_counted_apart() -> None:
    mean = Parameter("bn.mean", (4,), "float32", "statistics", counted=False)
    old = toy("bn", "batch_norm", "x", parameters=(mean,))
    assert differing(old, replace(old, parameters=(replace(mean, shape=(5,)),))) == {"statistics": (4, 5, "params")}


def test_weights_are_only_told_where_nothing_else_tells() -> None:
    renamed = replace(CONV, parameters=(weight("conv.kernel"),))
    assert differing(CONV, renamed) == {"weights": ((("weight", (36,)),), (("kernel", (36,)),), "config")}
    # The layer's own path is not part of the name; a name that begins otherwise is whole.
    moved = replace(CONV, path="other", parameters=(weight("other.weight"),))
    assert differing(CONV, moved) == {}
    assert differing(CONV, replace(CONV, parameters=(weight("shared.weight"),)))["weights"][1] == (
        ("shared.weight", (36,)),
    )
    assert "weights" not in differing(CONV, replace(renamed, attributes=(("stride", 2), ("bias", True))))
    # Fewer MACs don't explain another name.
    assert set(differing(CONV, replace(renamed, macs=5))) == {"macs", "weights"}


def test_across_frameworks_names_of_classes_and_what_one_of_them_cant_set_are_no_difference() -> None:
    other = replace(CONV, type="Conv2D", attributes=(("stride", 2), ("groups", 1)), shared=("a.b",))
    other = replace(other, parameters=(weight("conv.kernel"),))
    assert differing(CONV, other, across=True) == {"stride": (1, 2, "config")}


def test_several_types_are_told_together() -> None:
    mixed = replace(CONV, output_tensors=(tensor(1, 4, 8, 8), tensor(2, dtype="int64")))
    assert differing(CONV, mixed)["dtype"] == ("float32", ("float32", "int64"), "config")
    partly = replace(CONV, parameters=(weight(), replace(weight("conv.bias", "frozen"), shape=(1,))))
    assert differing(CONV, partly)["trainable"] == (True, (True, False), "config")
