"""What strides drop and the smallest sizes, of windows whose arithmetic is known."""

from __future__ import annotations

from typing import Any

from resnet_inspect.checks import (
    Smallest,
    smallest,
)
from resnet_inspect.checks.sizes import Drop, drops
from resnet_inspect.errors import InputError
from resnet_inspect.ir import Summary
from tests.support.toys import network, toy


def window(before: tuple[int, int], after: tuple[int, int], op: str = "conv2d", **attributes: Any) -> Summary:
    """A layer with a window, from one size of image to another."""
    image = toy("x", "input", shape=(1, 4, *before), type="Input")
    return network(image, toy("w", op, "x", (1, 4, *after), attributes=attributes))


def test_rows_and_columns_that_a_stride_drops() -> None:
    # Windows of 2 over 7 rows and 8 columns: one row is left.
    assert drops(window((7, 8), (3, 4), "max_pool2d", kernel_size=(2, 2), stride=(2, 2))) == [Drop("w", 1, 0)]
    assert drops(window((8, 7), (4, 3), "max_pool2d", kernel_size=(2, 2), stride=(2, 2))) == [Drop("w", 0, 1)]
    # One number for both; padding by one in front, which the first window reads: 1 + 8 rows, of which 9 are read.
    assert drops(window((8, 8), (4, 4), kernel_size=3, stride=2, padding=1)) == []
    assert drops(window((9, 9), (4, 4), kernel_size=3, stride=2, padding=((0, 0), (0, 0)))) == []
    assert drops(window((10, 10), (4, 4), kernel_size=3, stride=2, padding=((0, 0), (0, 0)))) == [Drop("w", 1, 1)]
    assert drops(window((9, 8), (4, 4), kernel_size=3, stride=2, padding=((1, 0), (1, 0)))) == [Drop("w", 1, 0)]
    # A gap of one makes the window reach 5 rows.
    assert drops(window((9, 10), (3, 3), kernel_size=3, stride=2, dilation=2)) == [Drop("w", 0, 1)]
    # The gaps between windows are stepped over.
    assert drops(window((8, 8), (4, 4), kernel_size=1, stride=2)) == []
    # Without a stride in its settings, backwards, or without an image, a layer drops nothing.
    assert drops(window((9, 9), (3, 3), kernel_size=3)) == []
    assert drops(window((9, 9), (3, 3), "conv_transpose2d", kernel_size=2, stride=2)) == []
    line = network(toy("x", "input", shape=(1, 4, 9)), toy("w", "conv1d", "x", (1, 4, 3), attributes={"stride": 2}))
    assert drops(line) == []
    nothing = network(toy("x", "input"), toy("w", "conv2d", "x", None, attributes={"stride": 2}))
    assert drops(nothing) == []


def test_channels_may_be_last_and_zeros_in_front_are_dropped_first() -> None:
    image = toy("x", "input", shape=(1, 7, 8, 4), layout="NHWC")
    pool = toy("w", "max_pool2d", "x", (1, 3, 4, 4), layout="NHWC", attributes={"kernel_size": 2, "stride": 2})
    assert drops(network(image, pool)) == [Drop("w", 1, 0)]

    # A layer of zeros pads one row and two columns behind; windows of 3 at stride 2 leave one of each.
    def padded(behind: tuple[int, int]) -> Summary:
        pad = toy("p", "zero_pad2d", "x", (1, 4, 8, 8), attributes={"padding": ((0, behind[0]), (0, behind[1]))})
        conv = toy("w", "conv2d", "p", (1, 4, 3, 3), attributes={"kernel_size": 3, "stride": 2})
        return network(toy("x", "input", shape=(1, 4, 8 - behind[0], 8 - behind[1])), pad, conv)

    assert drops(padded((0, 0))) == [Drop("w", 1, 1)]
    assert drops(padded((1, 0))) == [Drop("w", 0, 1)]
    assert drops(padded((2, 2))) == []


def halvings(count: int, least: int) -> Any:
    """A network that halves its image so often, and refuses what is smaller than ``least``."""

    def attempt(height: int, width: int) -> Summary:
        if min(height, width) < least:
            raise InputError("too small")
        layers = [toy("x", "input", shape=(1, 4, height, width))]
        for number in range(1, count + 1):
            shape = (1, 4, height >> number, width >> number)
            settings = {"kernel_size": 2, "stride": 2}
            layers.append(toy(f"p{number}", "max_pool2d", layers[-1].id, shape, attributes=settings))
        return network(*layers)

    return attempt


def test_the_smallest_sizes() -> None:
    assert smallest(halvings(3, 8), (32, 48)) == Smallest(8, 8, 8, (32, 48), 8)
    assert smallest(halvings(0, 1), (5, 7)) == Smallest(1, 1, 1, (5, 7), 1)

    # Larger than the sides that fit, no square does; only the default itself.
    def only_default(height: int, width: int) -> Summary:
        if (height, width) != (4, 6):
            raise InputError("no")
        return halvings(0, 1)(height, width)

    found = smallest(only_default, (4, 6))
    assert (found.square, found.height, found.width) == (None, 4, 6)

    # Squares fit from 5 on, but a side of 3 does beside the default's other one; and 6 at least of a width.
    def uneven(height: int, width: int) -> Summary:
        if height < 3 or width < 6:
            raise InputError("no")
        return halvings(0, 1)(height, width)

    found = smallest(uneven, (10, 10))
    assert (found.square, found.height, found.width, found.even) == (6, 3, 6, 1)

    def strange(height: int, width: int) -> Summary:
        if height != width and min(height, width) < 7:
            raise InputError("no")
        return halvings(0, 1)(height, width)

    found = smallest(strange, (10, 10))
    assert (found.square, found.height, found.width) == (1, 7, 7)


def test_no_multiple_drops_nothing_where_every_size_does() -> None:
    def attempt(height: int, width: int) -> Summary:
        return window((height, width), (1, 1), "max_pool2d", kernel_size=1, stride=1)

    assert smallest(attempt, (8, 8)).even is None


def test_no_size_below_one_is_tried() -> None:
    asked = []

    def attempt(height: int, width: int) -> Summary:
        asked.append(min(height, width))
        return window((height, width), (height, width), kernel_size=1, stride=1)

    assert smallest(attempt, (3, 3)) == Smallest(1, 1, 1, (3, 3), 1)
    assert min(asked) == 1
