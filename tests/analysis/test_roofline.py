"""The least time of layers, by arithmetic: bytes over the bandwidth, two operations a MAC over the peak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_inspect.analysis.facts import Facts
from resnet_inspect.analysis.metrics import metric
from resnet_inspect.analysis.roofline import Floor, floors
from resnet_inspect.devices import Device
from resnet_inspect.errors import BadRequestError
from resnet_inspect.ir import Layer, Parameter
from tests.support.toys import IMAGE, network, toy

#: A byte takes a nanosecond, and so does an operation.
SLOW = Device("slow", "Slow", 2**20, bandwidth=10**9, peaks=(("fp32", 10**9),))
NANOSECOND = 1000
#: The image, 1x4x8x8 floats.
BYTES = 4 * 4 * 8 * 8


def floor(*layers: Layer) -> Floor:
    """Of the last layer."""
    return floors(network(IMAGE, *layers), SLOW)[layers[-1].id]


def test_bytes_that_are_read_held_and_written() -> None:
    conv = toy("c", "conv2d", "x", params=36, macs=10, attributes={"kernel_size": (3, 3)})
    assert floor(conv) == Floor((2 * BYTES + 4 * 36) * NANOSECOND, "memory")


def test_the_longer_of_both_is_the_bound() -> None:
    conv = toy("c", "conv2d", "x", params=36, macs=5000, attributes={"kernel_size": (3, 3)})
    assert floor(conv) == Floor(2 * 5000 * NANOSECOND, "compute")
    # What is known of its MACs is less than there are: the bound holds all the same.
    assert floor(replace(conv, macs=None, macs_at_least=4000)) == Floor(8000 * NANOSECOND, "compute")


def test_what_a_stride_leaves_out_is_not_read() -> None:
    small = toy("c", "conv2d", "x", (1, 4, 4, 4), attributes={"kernel_size": (1, 1)})
    assert floor(small) == Floor(2 * BYTES // 4 * NANOSECOND, "memory")
    pool = toy("c", "max_pool2d", "x", (1, 4, 4, 4), attributes={"kernel_size": 3})
    assert floor(pool) == Floor((BYTES + BYTES // 4) * NANOSECOND, "memory")


def test_an_input_that_is_read_twice_moves_once() -> None:
    assert floor(toy("a", "mul", "x x")) == Floor(2 * BYTES * NANOSECOND, "memory")


def test_a_shared_weight_is_read_again() -> None:
    first = toy("c", "dense", "x", (1, 10), params=300)
    second = toy("d", "dense", "c", (1, 10), shared=("c.weight",))
    assert floor(first, second) == Floor(4 * (10 + 10 + 300) * NANOSECOND, "memory")


def test_of_an_embedding_no_more_rows_than_it_gives() -> None:
    table = Parameter("e.weight", (1000, 10), "float32", "trainable")
    assert floor(toy("e", "embedding", "x", (1, 10), parameters=(table,))).picoseconds == 3 * 40 * NANOSECOND


def test_a_view_takes_no_time_and_what_works_in_place_does() -> None:
    assert floor(toy("v", "reshape", "x")) == Floor(0)
    assert floor(toy("d", "dropout", "x")) == Floor(0)
    assert floor(toy("r", "relu", "x", attributes={"inplace": True})) == Floor(2 * BYTES * NANOSECOND, "memory")
    assert floors(network(IMAGE), SLOW)["x"] == Floor(0)


def test_what_is_not_known_is_no_zero() -> None:
    assert floor(toy("o", "other", "x")) == Floor(None)
    nothing = Device("new", "New", 2**20)
    assert floors(network(IMAGE, toy("r", "relu", "x")), nothing)["r"] == Floor(None)


def test_columns() -> None:
    layers = (toy("c", "conv2d", "x", macs=5000), toy("r", "relu", "c"), toy("s", "relu", "r"))
    summary = network(IMAGE, *layers)
    facts = Facts(summary, SLOW)
    assert metric("floor_ms").of(summary.layers, facts) == (10_000 + 4 * BYTES) * NANOSECOND
    assert metric("floor_ms").text(summary.layers, facts) == "0.0141"
    assert metric("bound").of(summary.layers, facts) == metric("bound").text(summary.layers, facts) == "compute"
    assert metric("bound").of(summary.layers[2:], facts) == "memory"
    assert metric("bound").of(summary.layers[:1], facts) == ""
    with pytest.raises(BadRequestError, match="name one, --device"):
        metric("bound").of(summary.layers, Facts(summary))
