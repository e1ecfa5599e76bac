"""Receptive fields of layers behind a small stem, by arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from resnet_inspect.analysis.receptive import WHOLE, Axis, Field, network_field, receptive_fields
from resnet_inspect.ir import Layer, Shape
from tests.support.toys import IMAGE, network, toy


def field(*layers: Layer) -> Field | None:
    """The field of the last layer, behind a 3x3 convolution of stride 2 and padding 1 of an image of 16."""
    image = toy("x", "input", shape=(1, 4, 16, 16))
    settings = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1)}
    stem = toy("stem", "conv2d", "x", (1, 4, 8, 8), attributes=settings)
    summary = network(image, stem, *layers)
    return receptive_fields(summary)[summary.layers[-1].id]


def square(size: Any, stride: Any, padding: Any, aligned: bool | None = True) -> Field:
    return Field((Axis(size, stride, padding),) * 2, aligned)


def after(op: str, shape: Shape | None = (1, 4, 8, 8), **attributes: Any) -> Layer:
    return toy("l", op, "stem", shape, attributes=attributes)


STEM = square(3, 2, 1)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # Element by element, what is read stays what it is.
        (after("relu"), STEM),
        (after("batch_norm"), STEM),
        # Windows: (k - 1) x 2 rows more, and every padded row is two of the input's.
        (after("conv2d", kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)), square(7, 2, 3)),
        (after("conv2d", kernel_size=3, stride=1, padding=2, dilation=2), square(11, 2, 5)),
        (after("max_pool2d", (1, 4, 4, 4), kernel_size=2), square(5, 4, 1)),
        (after("conv2d", (1, 4, 4, 4), kernel_size=2, stride=2, padding=((1, 0), (1, 0))), square(5, 4, 3)),
        # A stride for another number of dimensions is not a setting of a window on an image.
        (after("conv2d", kernel_size=(3, 3, 3)), None),
        (after("conv2d", kernel_size=(3, 3), stride=(1,)), None),
        (after("conv2d", kernel_size=(3, 3), stride=1, dilation=(1, 1, 1)), None),
        (after("conv2d", kernel_size=(3, 3), stride=1, padding=(1,)), None),
        (after("conv2d", kernel_size="same"), None),
        # Backwards, an output between inputs reads every second row of 3 or 4: two at most.
        (after("conv_transpose2d", (1, 4, 16, 16), kernel_size=3, stride=2), square(5, 1, None)),
        (after("conv_transpose2d", (1, 4, 16, 16), kernel_size=4, stride=2), square(5, 1, None)),
        (after("conv_transpose2d", (1, 4, 32, 32), kernel_size=4, stride=4), square(3, Fraction(1, 2), None)),
        # Windows that adapt to a size that divides stand side by side.
        (after("adaptive_avg_pool2d", (1, 4, 4, 4)), square(5, 4, 1)),
        (after("adaptive_avg_pool2d", (1, 4, 3, 3)), None),
        (after("adaptive_avg_pool2d", (1, 4, 0, 0)), None),
        (after("adaptive_avg_pool2d", (1, 4, 4)), None),
        (after("adaptive_avg_pool2d", (1, 4, 1, 1)), WHOLE),
        (after("global_avg_pool2d", (1, 4)), WHOLE),
        (after("mean", (1, 4)), WHOLE),
        (after("flatten", (1, 256)), WHOLE),
        (after("reshape", (1, 256)), WHOLE),
        (after("attention"), WHOLE),
        (after("group_norm"), WHOLE),
        # Zeros in front move the window back by two rows of the input each, rows cut off move it on.
        (after("zero_pad2d", (1, 4, 12, 12), padding=((1, 3), (1, 3))), square(3, 2, 3)),
        (after("crop", (1, 4, 5, 5), cropping=((1, 2), (1, 2))), square(3, 2, -1)),
        (after("zero_pad2d", (1, 4, 12, 12)), None),
        (after("pad", (1, 4, 12, 12), padding=((1, 3), (1, 3))), square(3, 2, 3)),
        # The last dimensions are padded; the channels don't count.
        (after("pad", (1, 4, 12, 12), padding=((5, 5), (1, 3), (1, 3))), square(3, 2, 3)),
        (after("pad", (1, 4, 8, 12), padding=((1, 3),)), Field((Axis(3, 2, 1), Axis(3, 2, 3)))),
        # Dealt out to four images, the rows of each stand twice as far apart.
        (after("space_to_batch", (4, 4, 5, 5), block_shape=(2, 2), padding=((1, 1), (1, 1))), square(3, 4, 3)),
        (after("batch_to_space", (1, 4, 15, 15), block_shape=(2, 2), cropping=((1, 0), (1, 0))), square(3, 1, 0)),
        (after("space_to_batch", (4, 4, 5, 5), block_shape=(2,), padding=((1, 1), (1, 1))), None),
        # A resize to twice the size reads one row, two or four for each.
        (after("resize", (1, 4, 16, 16)), square(3, 1, None)),
        (after("resize", (1, 4, 16, 16), mode="nearest-exact"), square(3, 1, None)),
        (after("resize", (1, 4, 16, 16), mode="bilinear"), square(5, 1, None)),
        (after("resize", (1, 4, 16, 16), interpolation="trilinear"), square(5, 1, None)),
        (after("resize", (1, 4, 16, 16), interpolation="linear"), square(5, 1, None)),
        (after("resize", (1, 4, 16, 16), mode="bicubic"), square(9, 1, None)),
        (after("resize", (1, 4, 32, 32), mode="bicubic"), square(9, Fraction(1, 2), None)),
        (after("resize", mode="bicubic"), square(3, 2, None)),
        (after("resize", (1, 4, 16, 16), mode="lanczos"), None),
        (after("resize", (1, 4, 0, 0)), None),
        (after("resize", (1, 16)), None),
        # Dense layers work on the channels of each position where positions are left.
        (after("dense"), STEM),
        # A norm over the last dimension alone looks at one position.
        (after("layer_norm", normalized_shape=(8,)), STEM),
        (after("layer_norm", normalized_shape=8), STEM),
        (after("layer_norm", axis=-1), STEM),
        (after("layer_norm", normalized_shape=(4, 8)), WHOLE),
        (after("layer_norm"), WHOLE),
        # What is moved is where it was if all sizes stay, wherever they stand then.
        (after("transpose", (1, 8, 8, 4)), STEM),
        (after("transpose", (1, 4, 64)), None),
        (after("slice", (1, 4, 4, 8)), None),
        (after("quux"), None),
        (after("relu", None), None),
    ],
)
def test_what_a_layer_behind_the_stem_reads(layer: Layer, expected: Field | None) -> None:
    assert field(layer) == expected


def test_behind_what_enlarges_nobody_knows_what_is_padded() -> None:
    up = after("resize", (1, 4, 16, 16))
    conv = toy("c", "conv2d", "l", (1, 4, 16, 16), attributes={"kernel_size": 3, "stride": 1, "padding": 1})
    assert field(up, conv) == square(5, 1, None)
    assert field(up, toy("p", "zero_pad2d", "l", (1, 4, 18, 18), attributes={"padding": 1})) == square(3, 1, None)
    assert field(up, conv, toy("s", "add", "c l", (1, 4, 16, 16))) == square(5, 1, None, None)


def test_where_paths_meet_the_largest_counts_and_centres_are_compared() -> None:
    same = {"kernel_size": 3, "stride": 1, "padding": 1}
    one = toy("a", "conv2d", "stem", (1, 4, 8, 8), attributes=same)
    assert field(one, toy("s", "add", "a stem", (1, 4, 8, 8))) == square(7, 2, 3)
    shifted = toy("b", "conv2d", "stem", (1, 4, 8, 8), attributes={**same, "padding": ((2, 0), (2, 0))})
    assert field(shifted, toy("s", "add", "stem b", (1, 4, 8, 8))) == square(7, 2, 5, False)
    # Once apart, they stay apart.
    found = field(shifted, toy("s", "add", "stem b", (1, 4, 8, 8)), toy("t", "add", "s s", (1, 4, 8, 8)))
    assert found == square(7, 2, 5, False)
    # A whole image beside a part of it is the whole; an unknown one may be anything.
    assert field(after("group_norm"), toy("s", "add", "l stem", (1, 4, 8, 8))) == WHOLE
    assert field(after("quux"), toy("s", "add", "l stem", (1, 4, 8, 8))) is None
    line = toy("line", "input", shape=(1, 4, 8), layout="NCL")
    assert field(line, toy("s", "add", "stem line", (1, 4, 8, 8))) is None


def test_the_centre_of_what_is_read() -> None:
    # Three rows from one before the image on: the middle is its first row.
    assert Axis(3, 2, 1).centre == 0
    assert Axis(2, 1, 0).centre == Fraction(1, 2)
    assert Axis(2, 1, None).centre is None
    assert Field().whole
    assert not Field((Axis(),)).whole


def test_an_input_starts_with_one_position_in_each_dimension() -> None:
    for shape, layout, dimensions in (((1, 4, 8), "NCL", 1), ((1, 8, 8, 4), "NHWC", 2), ((1, 4, 2, 2, 2), "NCDHW", 3)):
        summary = network(toy("x", "input", shape=shape, layout=layout))
        assert receptive_fields(summary)["x"] == Field((Axis(1, 1, 0),) * dimensions)
    assert receptive_fields(network(toy("x", "input", shape=(1, 7))))["x"] is None
    assert receptive_fields(network(toy("x", "input", shape=None), toy("c", "other"))) == {"x": None, "c": None}


def test_channels_may_be_last() -> None:
    image = toy("x", "input", shape=(1, 8, 8, 3), layout="NHWC")
    up = toy("up", "resize", "x", (1, 16, 32, 3), layout="NHWC", attributes={"mode": "bilinear"})
    found = receptive_fields(network(image, up))["up"]
    assert found == Field((Axis(2, Fraction(1, 2), None), Axis(2, Fraction(1, 4), None)))


def test_the_networks_field_is_that_of_its_features() -> None:
    window = {"kernel_size": 3, "stride": 1, "padding": 1}
    conv = toy("c", "conv2d", "x", attributes=window)
    head = (toy("gap", "global_avg_pool2d", "c", (1, 4)), toy("fc", "dense", "gap", (1, 10)))
    assert network_field(network(IMAGE, conv, *head)) == square(3, 1, 1)
    assert network_field(network(IMAGE, conv)) == square(3, 1, 1)
    # Flattening what is pooled already tells nothing more.
    pooled = (toy("gap", "adaptive_avg_pool2d", "c", (1, 4, 1, 1)), toy("f", "flatten", "gap", (1, 4)))
    assert network_field(network(IMAGE, conv, *pooled)) == square(3, 1, 1)
    assert network_field(network(IMAGE, toy("q", "quux", "x"))) is None
    assert network_field(network()) is None
    # Squeeze-and-excitation within gathers too: what follows reads all.
    squeezed = (toy("g", "mean", "c", (1, 4, 1, 1)), toy("m", "mul", "c g"), toy("f", "flatten", "m", (1, 256)))
    assert network_field(network(IMAGE, conv, *squeezed)) == WHOLE


def test_numbers_without_end_arent_known() -> None:
    layers = [IMAGE]
    for number in range(40):
        settings = {"kernel_size": 1, "stride": 1000}
        layers.append(toy(f"c{number}", "conv2d", layers[-1].id, attributes=settings))
    known = [found is not None for found in receptive_fields(network(*layers)).values()]
    # 1000 ** 33 is 10 ** 99, and 1000 ** 34 more than a hundred digits.
    assert known == [True] * 34 + [False] * 7
