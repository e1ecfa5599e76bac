"""The words for blocks and shortcuts, each by the architecture that it is the word of."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect.analysis.forms import behind, breaks, channels_of, form, shortcut_kind
from resnet_inspect.ir import Layer
from tests.support.toys import toy


def conv(width: int = 8, kernel: int = 3, name: str = "conv", **fields: Any) -> Layer:
    size = fields.pop("size", 8)
    return toy(name, "conv2d", shape=(1, width, size, size), attributes={"kernel_size": (kernel, kernel)}, **fields)


def op(word: str, width: int = 8) -> Layer:
    return toy(word, word, shape=(1, width, 8, 8))


NORM, RELU, MUL, DENSE = op("batch_norm"), op("relu"), op("mul"), toy("fc", "dense", shape=(1, 8))


@pytest.mark.parametrize(
    ("shortcut", "kind"),
    [
        ([], "identity"),
        ([op("identity"), op("stochastic_depth")], "identity"),
        ([conv(kernel=1)], "projection"),
        ([op("avg_pool2d"), conv(kernel=1), NORM], "projection"),
        ([op("avg_pool2d"), op("concat")], "other"),
        ([MUL], "other"),
        ([conv(), conv()], None),
        ([RELU], None),
        ([conv(), RELU], None),
        ([toy("c", "conv2d", attributes={"activation": "relu"})], None),
        # By parameters, as files write a norm: but not by another value.
        ([toy("a", "add", "x", params=8)], "other"),
        ([toy("a", "add", "x", shared=("w",))], "other"),
        ([conv(kernel=1), toy("m", "mul", "x", params=8), toy("a", "add", "m", params=8)], "projection"),
        ([toy("a", "add", "x")], None),
        ([toy("a", "add", "x y", params=8)], None),
        ([toy("a", "sub", "x", params=8)], None),
        ([toy("c", "conv2d", attributes={"activation": "linear"})], "projection"),
    ],
)
def test_a_shortcut_is_one_linear_map_at_most(shortcut: list[Layer], kind: str | None) -> None:
    assert shortcut_kind(shortcut) == kind


@pytest.mark.parametrize(
    ("branch", "channels", "after", "word"),
    [
        # He et al. 2015, figure 5: two of 3x3; or 1x1, 3x3, 1x1.
        ([conv(), NORM, RELU, conv(), NORM], (8, 8), [RELU], "basic"),
        ([conv(4, 1), RELU, conv(4), RELU, conv(16, 1), NORM], (16, 16), [RELU], "bottleneck"),
        # Not with the window in another place.
        ([conv(4), RELU, conv(4, 1), RELU, conv(16, 1), NORM], (16, 16), [RELU], "other"),
        ([conv(4, 3), RELU, conv(4), RELU, conv(16, 1), NORM], (16, 16), [RELU], "other"),
        # He et al. 2016, figure 1b: norm and activation before each weight, nothing after the addition.
        ([NORM, RELU, conv(), NORM, RELU, conv()], (8, 8), [], "pre-activation"),
        ([NORM, RELU, conv(), NORM, RELU, conv(), op("dropout")], (8, 8), [], "pre-activation"),
        ([NORM, RELU, conv(), NORM, RELU, conv(), MUL], (8, 8), [], "pre-activation"),
        ([NORM, RELU, conv(), NORM, RELU, conv()], (8, 8), [RELU], "basic"),
        ([RELU, conv(), RELU, conv()], (8, 8), [], "basic"),
        ([NORM, conv(), op("concat"), conv()], (8, 8), [], "other"),
        # Sandler et al. 2018: wider inside than at both ends.
        ([conv(48, 1), NORM, conv(48), NORM, conv(8, 1), NORM], (8, 8), [], "inverted bottleneck"),
        ([conv(8, 1), NORM, conv(8), NORM, conv(8, 1), NORM], (8, 8), [RELU], "bottleneck"),
        # Wider than what comes in, but not than what goes out.
        ([conv(12, 1), NORM, conv(12), NORM, conv(16, 1), NORM], (8, 16), [RELU], "bottleneck"),
        ([conv(48, 3), NORM, conv(48), NORM, conv(8, 3), NORM], (8, 8), [RELU], "other"),
        # Weights of a squeeze-and-excitation work on one pixel, and are not part of the trunk.
        ([conv(), NORM, conv(), NORM, conv(2, 1, size=1), conv(8, 1, size=1), MUL], (8, 8), [RELU], "basic"),
        # Vaswani et al. 2017: attention; or a norm over the channels and two dense layers.
        ([op("layer_norm"), op("attention")], (8, 8), [], "transformer"),
        ([conv(), op("softmax"), conv()], (8, 8), [], "transformer"),
        ([op("layer_norm"), DENSE, op("gelu"), DENSE], (8, 8), [], "transformer"),
        ([op("layer_norm"), DENSE], (8, 8), [], "other"),
        ([NORM, DENSE, DENSE], (8, 8), [], "other"),
        ([conv(), conv()], (8, 8), [RELU], "other"),
        ([conv(), RELU], (8, 8), [RELU], "other"),
        ([conv(), RELU, conv(8, 1)], (8, 8), [RELU], "other"),
    ],
)
def test_the_form_of_a_block(branch: list[Layer], channels: tuple[int, int], after: list[Layer], word: str) -> None:
    assert form(branch, channels, after) == word


def test_a_layer_behind_the_addition_is_on_the_identitys_path() -> None:
    assert behind(RELU, ())
    assert not behind(op("softmax"), ())
    assert not behind(conv(), ["conv"])
    # A norm belongs to the next block, unless that parts behind it.
    assert not behind(NORM, ())
    assert behind(NORM, ["batch_norm"])


@pytest.mark.parametrize(
    ("shortcut", "kind", "after", "found"),
    [
        ([], "identity", [], ()),
        ([op("identity")], "identity", [RELU], ("relu after the addition",)),
        ([conv(), NORM], "projection", [], ("projection on the shortcut",)),
        ([op("avg_pool2d"), conv()], "projection", [], ("projection on the shortcut", "avg_pool2d on the shortcut")),
        ([conv(), toy("m", "mul", "c", params=8)], "projection", [], ("projection on the shortcut",)),
        ([toy("m", "mul", "x", params=8)], "other", [], ("scaling on the shortcut",)),
        ([NORM], "other", [], ("batch_norm on the shortcut",)),
        ([MUL, op("zero_pad2d"), op("pad")], "other", [], ("scaling on the shortcut", "padding on the shortcut")),
        ([], "identity", [RELU, NORM, RELU], ("relu after the addition", "batch_norm after the addition")),
    ],
)
def test_what_stands_in_the_identitys_way(
    shortcut: list[Layer], kind: str, after: list[Layer], found: tuple[str, ...]
) -> None:
    assert breaks(shortcut, kind, after) == found


def test_channels_are_where_the_layout_has_them() -> None:
    assert channels_of(toy("a", "relu", shape=(1, 2, 3, 4), layout="NCHW")) == 2
    assert channels_of(toy("a", "relu", shape=(1, 2, 3, 4), layout="NHWC")) == 4
    assert channels_of(toy("a", "relu", shape=(5, 6, 7))) == 7
    # A layout of more letters than there are dimensions.
    assert channels_of(toy("a", "relu", shape=(5, 6), layout="NHWC")) == 6
    assert channels_of(toy("a", "relu", shape=(5, 6, 7), layout="NHWC")) == 7
    assert channels_of(toy("a", "relu", shape=())) == 1
    assert channels_of(toy("a", "relu", shape=None)) == 0
