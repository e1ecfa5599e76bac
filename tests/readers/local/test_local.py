"""The local backend against the published numbers of torchvision and Keras, and arithmetic."""

from __future__ import annotations

import pytest

from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.errors import InputError, ModelError
from resnet_inspect.ir import Summary
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local.reader import summarize, summarize_block
from resnet_inspect.readers.request import Request

#: ``num_params`` and ``_ops`` (GMACs at 224x224) of torchvision's weights.
PUBLISHED = {
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "resnext50_32x4d": (25_028_904, 4.23),
    "resnext101_32x8d": (88_791_336, 16.414),
    "resnext101_64x4d": (83_455_272, 15.46),
    "wide_resnet50_2": (68_883_240, 11.398),
    "wide_resnet101_2": (126_886_696, 22.753),
}
#: Parameters in Keras' documentation of its applications.
KERAS = {
    "ResNet50": 25_636_712,
    "ResNet101": 44_707_176,
    "ResNet152": 60_419_944,
    "ResNet50V2": 25_613_800,
    "ResNet101V2": 44_675_560,
    "ResNet152V2": 60_380_648,
}


def block(**options: object) -> Summary:
    return summarize_block(BlockSpec(**options), Request()).summary  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PUBLISHED)
def test_totals_equal_what_torchvision_publishes(name: str) -> None:
    totals = summarize(Request(name)).summary.totals
    params, giga_macs = PUBLISHED[name]
    assert totals.params == params
    assert round(totals.macs / 1e9, 3) == giga_macs


@pytest.mark.parametrize("name", KERAS)
def test_totals_equal_what_keras_publishes(name: str) -> None:
    assert summarize(Request(name, flavor="keras")).summary.totals.params == KERAS[name]


def test_keras_and_torch_differ_by_biases_and_statistics_only() -> None:
    torch, keras = (summarize(Request("resnet50", flavor=flavor)).summary.totals for flavor in ("torch", "keras"))
    assert torch.statistics == keras.statistics == 53_120
    assert keras.params - torch.params == 26_560 + 53_120


def test_the_tutorials_block() -> None:
    # Conv 3x3x3x3 + 3 biases = 84; BatchNorm 4 x 3 = 12; twice.
    totals = block().totals
    assert (totals.params, totals.trainable_params, totals.statistics, totals.layers) == (192, 180, 12, 8)
    # Two convolutions of 24 x 24 x 3 outputs, each a sum over 3 x 3 x 3.
    assert totals.macs == 2 * 24 * 24 * 3 * 27


def test_the_addition_reads_the_branch_and_the_input() -> None:
    (add,) = (layer for layer in block().layers if layer.op == "add")
    assert add.inputs == ("bn2", "input")


def test_resnet50_has_sixteen_additions_and_four_projections() -> None:
    layers = summarize(Request("resnet50")).summary.layers
    assert sum(layer.op == "add" for layer in layers) == 16
    assert sum(layer.path.endswith("downsample.0") for layer in layers) == 4


@pytest.mark.parametrize("kind", ["basic", "bottleneck", "preactivation"])
def test_a_stride_gets_a_projection_and_says_so(kind: str) -> None:
    answer = summarize_block(BlockSpec(kind=kind, stride=2), Request())
    assert answer.summary.outputs[0].shape == (1, 12, 12, 3)
    assert "projection" in answer.notes[0]
    assert "shortcut_conv" in [layer.id for layer in answer.summary.layers]


def test_an_identity_shortcut_that_does_not_fit_names_both_shapes() -> None:
    with pytest.raises(InputError, match=r"24x24x3.*12x12x3"):
        block(stride=2, shortcut="identity")


def test_wrong_channels_name_the_layer() -> None:
    with pytest.raises(InputError, match=r"conv1 .Conv2d. expects 3 input channels, got 5"):
        summarize(Request(inputs=Shapes(((5, 224, 224),))))


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ModelError, match="resnet50"):
        summarize(Request("resnet51"))
