"""One change at a time to a Keras model, and Keras against torch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resnet_inspect.diffs import Diff, compare
from tests.support.command import in_child, needs, run
from tests.support.differences import settings

#: Change -> its arguments of ``small``, and what must be reported: id -> the settings that changed, consequences apart.
PROBES: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "nothing": ({}, {}),
    "another seed": ({"seed": 7}, {}),
    "width": ({"width": 12}, {"conv1": {"out_channels"}, "bn1": {"channels"}, "conv2": {"in_channels"}}),
    "kernel": ({"kernel": 5}, {"conv1": {"kernel_size", "padding"}}),
    "stride": ({"strides": 2}, {"conv1": {"stride", "padding"}}),
    "dilation": ({"dilation_rate": 2}, {"conv1": {"dilation", "padding"}}),
    "padding": ({"padding": "valid"}, {"conv1": {"padding"}}),
    "groups": ({"groups": 2}, {"conv2": {"groups"}}),
    "bias": ({"use_bias": True}, {"conv1": {"bias"}}),
    "eps": ({"epsilon": 1e-5}, {"bn1": {"eps"}}),
    "momentum": ({"momentum": 0.9}, {"bn1": {"momentum"}}),
    "activation": ({"activation": "gelu"}, {"act": {"op"}}),
    "frozen": ({"frozen": "conv1"}, {"conv1": {"trainable"}}),
}


def small(
    *,
    seed: int = 0,
    width: int = 8,
    kernel: int = 3,
    epsilon: float = 1e-3,
    momentum: float = 0.99,
    activation: str = "relu",
    groups: int = 1,
    frozen: str = "",
    name: str = "conv2",
    skip: bool = True,
    policy: str = "float32",
    **conv: Any,
) -> Any:
    """conv - bn - activation - conv, plus the input through a projection."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    settings = {"padding": "same", "use_bias": False, **conv}
    x = keras.Input((16, 16, 3), name="image")
    y = layers.Conv2D(width, kernel, name="conv1", dtype=policy, **settings)(x)
    y = layers.BatchNormalization(epsilon=epsilon, momentum=momentum, name="bn1")(y)
    y = layers.Activation(activation, name="act")(y)
    y = layers.Conv2D(8, 3, padding="same", groups=groups, name=name)(y)
    y = layers.GlobalAveragePooling2D(name="pool")(y)
    if skip:
        y = layers.Add(name="add")([y, layers.Dense(8, name="shortcut")(layers.GlobalMaxPooling2D(name="max")(x))])
    model = keras.Model(x, layers.Dense(2, name="fc")(y))
    if frozen:
        model.get_layer(frozen).trainable = False
    return model


def difference(old: Any, new: Any) -> Diff:
    from resnet_inspect import summarize

    return compare(summarize(old, "16x16x3"), summarize(new, "16x16x3"))


@pytest.mark.parametrize("probe", PROBES)
@in_child("tensorflow")
def test_one_change(probe: str) -> None:
    arguments, expected = PROBES[probe]
    found = difference(small(), small(**arguments))
    assert settings(found) == expected
    assert not found.of("added", "removed", "renamed", "moved")
    assert bool(found.kinds) == bool(expected)
    assert "edges" not in found.kinds


@in_child("tensorflow")
def test_another_dtype_brings_the_casts_that_keras_puts_around_it() -> None:
    found = difference(small(), small(policy="float64"))
    assert settings(found) == {"conv1": {"dtype", "weight_dtype"}}
    assert [layer.layer.type for layer in found.of("added")] == ["Cast", "Cast"]
    assert not found.of("removed", "renamed", "moved")


@in_child("tensorflow")
def test_a_renamed_layer() -> None:
    found = difference(small(), small(name="project"))
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("conv2", "project", 1)]
    assert found.kinds == {"layers"}


@in_child("tensorflow")
def test_a_removed_skip_connection() -> None:
    found = difference(small(), small(skip=False))
    assert {layer.layer.id: layer.skip for layer in found.of("removed")} == {
        "max": None,
        "shortcut": None,
        "add": "shortcut",
    }
    assert found.kinds == {"layers", "params", "macs", "edges"}


@in_child("tensorflow")
def test_automatic_names_are_no_difference_but_a_layer_in_between_is_one() -> None:
    import keras

    def stack(extra: bool) -> Any:
        layers = [
            keras.layers.Dense(4),
            keras.layers.ReLU(),
            keras.layers.Dense(4),
            keras.layers.ReLU(),
            keras.layers.Dense(2),
        ]
        if extra:
            layers[2:2] = [keras.layers.LayerNormalization(), keras.layers.Dropout(0.5)]
        return keras.Sequential([keras.Input((4,)), *layers])

    from resnet_inspect import summarize

    old, again, new = (summarize(stack(extra), "4") for extra in (False, False, True))
    assert not compare(old, again).kinds
    found = compare(old, new)
    assert [layer.layer.type for layer in found.of("added")] == ["LayerNormalization", "Dropout"]
    assert not found.of("removed", "changed", "moved")


@needs("tensorflow")
@needs("torch")
def test_keras_against_torchvision_is_reconciled() -> None:
    done = run("diff", "torch:resnet50", "keras:ResNet50", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["totals"]["params"] == [25_557_032, 25_636_712]
    assert found["reconciled"] == {"batch-norm statistics": 53_120, "convolution biases": 26_560}
    assert sum(found["reconciled"].values()) == 79_680
    fields = {
        field: [c["ids"] for c in found["changed"] if field in c["changes"]]
        for field in ("eps", "stride", "bias", "inputs")
    }
    assert len(fields["eps"]) == 53
    assert len(fields["bias"]) == 53
    # Keras' first ResNet strides in the first convolution of a stage, torchvision in the second.
    assert fields["stride"] == [
        [f"layer{stage}.0.conv{c}", f"conv{stage + 1}_block1_{c}_conv"] for stage in (2, 3, 4) for c in (1, 2)
    ]
    assert fields["inputs"] == []
    assert [layer["id"] for layer in found["added"]] == ["conv1_pad", "pool1_pad"]
    assert [layer["id"] for layer in found["removed"]] == ["flatten"]
    # In the other direction, the other way around.
    back = json.loads(run("diff", "keras:ResNet50", "torch:resnet50", "--format", "json").stdout)
    assert back["reconciled"] == {kind: -amount for kind, amount in found["reconciled"].items()}
