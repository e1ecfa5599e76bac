"""Blocks by names, as Keras' applications name their layers."""

from __future__ import annotations

from resnet_inspect.analysis.named_blocks import with_blocks
from tests.support.toys import network, toy


def paths(*layers: tuple[str, str]) -> list[str]:
    """What becomes of names, each with the class of its layer."""
    return [
        layer.path for layer in with_blocks(network(*(toy(name, "relu", type=kind) for name, kind in layers))).layers
    ]


def test_stages_and_blocks_are_what_names_say() -> None:
    assert paths(("conv1_conv", "Conv2D"), ("conv2_block1_1_bn", "B"), ("conv2_block2_out", "A")) == [
        "conv1_conv",
        "conv2.conv2_block1.conv2_block1_1_bn",
        "conv2.conv2_block2.conv2_block2_out",
    ]
    assert paths(("block2a_se", "A"), ("block2b_se", "A"), ("block_1", "A")) == [
        "block2.block2a.block2a_se",
        "block2.block2b.block2b_se",
        "block_1",
    ]


def test_a_stage_of_one_block_is_that_block() -> None:
    assert paths(("block1a_se", "A"), ("block_3_expand", "A"), ("expanded_conv_depthwise", "A")) == [
        "block1a.block1a_se",
        "block_3.block_3_expand",
        "expanded_conv.expanded_conv_depthwise",
    ]


def test_what_nobody_named_belongs_to_the_block_before() -> None:
    assert paths(("block_1_a", "A"), ("re_lu_7", "ReLU"), ("add", "Add"), ("top", "Add"), ("add_1", "Add")) == [
        "block_1.block_1_a",
        "block_1.re_lu_7",
        "block_1.add",
        "top",
        "add_1",
    ]


def test_a_network_with_modules_or_other_names_stays_as_it_is() -> None:
    for names in (["a.block_1_b", "a.c", "block_2_d"], ["a", "b"]):
        given = network(*(toy(name, "relu") for name in names))
        assert with_blocks(given) is given
