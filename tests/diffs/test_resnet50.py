"""One change at a time to ResNet50, in torch and in Keras: reported as what it is, on the layers that it touched."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from resnet_inspect.diffs import Diff, compare
from resnet_inspect.ir import Summary
from tests.support.command import in_child
from tests.support.differences import Settings, ids, settings

#: Change -> what must be reported for torch, in the second block of the third stage.
TORCH: dict[str, Settings] = {
    "width": {"layer3.1.conv1": {"out_channels"}, "layer3.1.bn1": {"channels"}, "layer3.1.conv2": {"in_channels"}},
    "kernel": {"layer3.1.conv2": {"kernel_size", "padding"}},
    "stride": {"layer4.0.conv2": {"stride"}, "layer4.0.downsample.0": {"stride"}},
    "dilation": {"layer3.1.conv2": {"dilation", "padding"}},
    "padding mode": {"layer3.1.conv2": {"padding_mode"}},
    "groups": {"layer3.1.conv2": {"groups"}},
    "bias": {"layer3.1.conv2": {"bias"}},
    "eps": {"layer3.1.bn2": {"eps"}},
    "momentum": {"layer3.1.bn2": {"momentum"}},
    # One module, called three times.
    "activation": {f"layer3.1.relu{call}": {"type", "op"} for call in ("", ":2", ":3")},
    "frozen": {"layer3.1.conv1": {"trainable"}},
    "seed": {},
}


def torch_difference(edit: str) -> Diff:
    import torch
    import torchvision
    from torch import nn
    from torchvision.models.resnet import Bottleneck

    from resnet_inspect import summarize

    class Variant(Bottleneck):
        def forward(self, x: Any) -> Any:
            y = self.conv1(x)
            y = self.bn1(self.relu(y)) if edit == "moved" else self.relu(self.bn1(y))
            if edit == "added":
                y = self.extra(y)
            y = self.relu(self.bn2((self.middle if edit == "renamed" else self.conv2)(y)))
            y = self.bn3(self.conv3(y))
            return self.relu(y if edit == "skip" else y.add_(x))

    torch.manual_seed(0)
    old, new = torchvision.models.resnet50(), torchvision.models.resnet50()
    block = new.layer3[1]
    plain: dict[str, Any] = {"kernel_size": 3, "padding": 1, "bias": False}
    convolutions: dict[str, dict[str, Any]] = {
        "kernel": {"kernel_size": 5, "padding": 2},
        "dilation": {"padding": 2, "dilation": 2},
        "padding mode": {"padding_mode": "reflect"},
        "groups": {"groups": 4},
        "bias": {"bias": True},
    }
    if edit in convolutions:
        block.conv2 = nn.Conv2d(256, 256, **{**plain, **convolutions[edit]})
    elif edit == "width":
        block.conv1, block.bn1 = nn.Conv2d(1024, 320, 1, bias=False), nn.BatchNorm2d(320)
        block.conv2 = nn.Conv2d(320, 256, **plain)
    elif edit == "stride":
        new.layer4[0].conv2.stride = new.layer4[0].downsample[0].stride = (1, 1)
    elif edit in ("eps", "momentum"):
        setattr(block.bn2, edit, 0.01)
    elif edit == "activation":
        block.relu = nn.SiLU()
    elif edit == "frozen":
        block.conv1.requires_grad_(False)
    elif edit in ("moved", "added", "renamed", "skip"):
        block.__class__ = Variant
        if edit == "added":
            block.extra = nn.Conv2d(256, 256, 1)
        if edit == "renamed":
            block.middle = block.conv2
            del block.conv2
    dtype = "float64" if edit == "dtype" else None
    if edit == "dtype":
        new.double()
    return compare(summarize(old, "3x64x64"), summarize(new, "3x64x64", dtype=dtype))


@pytest.mark.parametrize("edit", TORCH)
@in_child("torch")
def test_a_setting_in_torch(edit: str) -> None:
    found = torch_difference(edit)
    assert settings(found) == TORCH[edit]
    assert not ids(found, "added", "removed", "renamed", "moved")
    assert "edges" not in found.kinds
    assert bool(found.kinds) == bool(TORCH[edit])
    if edit == "width":
        # Further layers see another shape only: the activation in between.
        assert set(ids(found, "changed")) == {*TORCH[edit], "layer3.1.relu"}
        # (320 - 256) * (1024 inputs of conv1 + 2 of bn1 + 256 * 9 of conv2)
        assert {t.name: t.difference for t in found.totals}["params"] == 64 * (1024 + 2 + 256 * 9)
        assert (found.causes[0].what, found.causes[0].old, found.causes[0].new) == ("width", 256, 320)
        assert (found.causes[0].place, found.causes[0].layers) == ("layer3.1.conv1", 1)
        assert found.causes[0].followers == 2  # the norm and the convolution behind it, which were made to fit
    elif edit in ("eps", "momentum", "frozen", "padding mode", "dilation"):
        assert found.kinds == {"config"}


@in_child("torch")
def test_another_dtype_in_torch() -> None:
    found = torch_difference("dtype")
    assert {c.field for layer in found.layers for c in layer.changes} == {"dtype", "weight_dtype"}
    assert len(found.of("changed")) == len(found.layers) == 176


@in_child("torch")
def test_structure_in_torch() -> None:
    found = torch_difference("renamed")
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("layer3.1.conv2", "layer3.1.middle", 1)]
    assert found.kinds == {"layers"}
    assert not ids(found, "changed", "moved", "added", "removed")

    found = torch_difference("moved")
    assert found.kinds == {"layers"}
    assert ids(found, "moved") in (["layer3.1.bn1"], ["layer3.1.relu"])
    assert not ids(found, "changed", "renamed", "added", "removed")

    found = torch_difference("added")
    assert ids(found, "added") == ["layer3.1.extra"]
    assert not ids(found, "changed", "renamed", "moved", "removed")

    found = torch_difference("skip")
    (gone,) = found.of("removed")
    assert (gone.layer.id, gone.skip) == ("layer3.1.add", "layer3.0.relu:3")
    assert not ids(found, "changed", "renamed", "moved", "added")


#: Change -> the layer, its settings as Keras has them, and what must be reported.
KERAS: dict[str, tuple[dict[str, dict[str, Any]], Settings]] = {
    "width": (
        {"conv4_block2_1_conv": {"filters": 320}},
        {
            "conv4_block2_1_conv": {"out_channels"},
            "conv4_block2_1_bn": {"channels"},
            "conv4_block2_2_conv": {"in_channels"},
        },
    ),
    "kernel": ({"conv4_block2_2_conv": {"kernel_size": [5, 5]}}, {"conv4_block2_2_conv": {"kernel_size", "padding"}}),
    "stride": (
        {"conv5_block1_1_conv": {"strides": [1, 1]}, "conv5_block1_0_conv": {"strides": [1, 1]}},
        {"conv5_block1_1_conv": {"stride"}, "conv5_block1_0_conv": {"stride"}},
    ),
    "dilation": (
        {"conv4_block2_2_conv": {"dilation_rate": [2, 2]}},
        {"conv4_block2_2_conv": {"dilation", "padding"}},
    ),
    "groups": ({"conv4_block2_2_conv": {"groups": 4}}, {"conv4_block2_2_conv": {"groups"}}),
    "bias": ({"conv4_block2_2_conv": {"use_bias": False}}, {"conv4_block2_2_conv": {"bias"}}),
    "eps": ({"conv4_block2_2_bn": {"epsilon": 0.01}}, {"conv4_block2_2_bn": {"eps"}}),
    "momentum": ({"conv4_block2_2_bn": {"momentum": 0.5}}, {"conv4_block2_2_bn": {"momentum"}}),
    "activation": ({"conv4_block2_2_relu": {"activation": "silu"}}, {"conv4_block2_2_relu": {"op"}}),
    "frozen": ({"conv4_block2_1_conv": {"trainable": False}}, {"conv4_block2_1_conv": {"trainable"}}),
    "seed": ({}, {}),
}


@cache
def in_keras() -> tuple[dict[str, Any], Summary]:
    """ResNet50 as Keras writes it down, and what we make of it."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3))
    config = model.get_config()
    for layer in config["layers"]:
        layer.pop("build_config", None)  # the shapes that it was built for
    return config, of_configuration(config)


def of_configuration(config: dict[str, Any]) -> Summary:
    import keras

    from resnet_inspect import summarize

    with keras.StatelessScope(initialize_variables=False):
        return summarize(keras.Model.from_config(deepcopy(config)), "64x64x3")


class Keras:
    """ResNet50 as Keras writes it down, to be edited."""

    def __init__(self) -> None:
        config, self.old = in_keras()
        self.config = deepcopy(config)

    def summary(self) -> Summary:
        """What we make of it as it stands now."""
        return of_configuration(self.config)

    def layer(self, name: str) -> dict[str, Any]:
        """A layer's description."""
        found: dict[str, Any] = next(layer for layer in self.config["layers"] if layer["name"] == name)
        return found

    def difference(self) -> Diff:
        """From the model as Keras has it to the edited one."""
        return compare(self.old, self.summary())

    def replace(self, name: str, **words: str) -> None:
        """Replaces names in a layer's description."""
        index = self.config["layers"].index(self.layer(name))
        text = json.dumps(self.config["layers"][index])
        for before, after in words.items():
            text = text.replace(f'"{before}"', f'"{after}"')
        self.config["layers"][index] = json.loads(text)


@in_child("tensorflow")
def test_a_setting_in_keras() -> None:
    """All of them in one process: the model without them is built and summarised once."""
    for edit, (changes, expected) in KERAS.items():
        model = Keras()
        for name, values in changes.items():
            model.layer(name)["config"].update(values)
        found = model.difference()
        assert settings(found) == expected, edit
        assert not ids(found, "added", "removed", "renamed", "moved"), edit
        assert "edges" not in found.kinds, edit
        assert bool(found.kinds) == bool(expected), edit
        if edit == "width":
            # (320 - 256) * (1024 inputs and a bias of the convolution + 4 of the batch norm + 256 * 9 of the next one)
            assert {t.name: t.difference for t in found.totals}["params"] == 64 * (1024 + 1 + 4 + 256 * 9)


@in_child("tensorflow")
def test_another_dtype_in_keras() -> None:
    model = Keras()
    for layer in model.config["layers"]:
        layer["config"]["dtype"] = "float64"
    found = model.difference()
    assert {c.field for layer in found.layers for c in layer.changes} == {"dtype", "weight_dtype"}
    assert found.kinds == {"config"}
    assert len(found.of("changed")) == len(found.layers)


@in_child("tensorflow")
def test_a_renamed_and_an_added_layer_in_keras() -> None:
    model = Keras()
    model.replace("conv4_block2_2_conv", conv4_block2_2_conv="middle")
    model.replace("conv4_block2_2_bn", conv4_block2_2_conv="middle")
    found = model.difference()
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("conv4_block2_2_conv", "middle", 1)]
    assert found.kinds == {"layers"}
    assert not ids(found, "changed", "moved", "added", "removed")

    model = Keras()
    extra = json.loads(json.dumps(model.layer("conv4_block2_1_relu")).replace("2_1_relu", "2_1_extra"))
    extra = json.loads(json.dumps(extra).replace("conv4_block2_1_bn", "conv4_block2_1_relu"))
    model.config["layers"].append(extra)
    model.replace("conv4_block2_2_conv", conv4_block2_1_relu="conv4_block2_1_extra")
    found = model.difference()
    assert ids(found, "added") == ["conv4_block2_1_extra"]
    assert not ids(found, "changed", "renamed", "moved", "removed")


@in_child("tensorflow")
def test_a_moved_layer_and_a_removed_skip_in_keras() -> None:
    model = Keras()
    model.replace("conv4_block2_1_relu", conv4_block2_1_bn="conv4_block2_1_conv")
    model.replace("conv4_block2_1_bn", conv4_block2_1_conv="conv4_block2_1_relu")
    model.replace("conv4_block2_2_conv", conv4_block2_1_relu="conv4_block2_1_bn")
    found = model.difference()
    assert found.kinds == {"layers"}
    assert ids(found, "moved") in (["conv4_block2_1_bn"], ["conv4_block2_1_relu"])
    assert not ids(found, "changed", "renamed", "added", "removed")

    model = Keras()
    model.replace("conv4_block2_out", conv4_block2_add="conv4_block2_3_bn")
    model.config["layers"].remove(model.layer("conv4_block2_add"))
    found = model.difference()
    (gone,) = found.of("removed")
    assert (gone.layer.id, gone.skip) == ("conv4_block2_add", "conv4_block1_out")
    assert not ids(found, "changed", "renamed", "moved", "added")
