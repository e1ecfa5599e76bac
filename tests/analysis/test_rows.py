"""Rows of a table and their lanes, of networks of a few layers."""

from __future__ import annotations

import pytest

from resnet_inspect.analysis.metrics import metric
from resnet_inspect.analysis.rails import Rail, rails
from resnet_inspect.analysis.rows import Row, rows
from resnet_inspect.errors import BadRequestError
from resnet_inspect.ir import UNKNOWN, Parameter, Summary
from tests.support.toys import IMAGE, network, toy

#: x - a.conv - a.relu - b, and an addition of a.conv and b; the addition's MACs aren't known.
NET = network(
    IMAGE,
    toy("a.conv", "conv2d", "x", (1, 2, 8, 8), params=10, macs=100),
    toy("a.relu", "relu", "a.conv", (1, 2, 8, 8)),
    toy("b", "dense", "a.relu", (1, 2, 8, 8), params=7, macs=30),
    toy("add", "add", "b a.conv", (1, 2, 8, 8), macs=None),
    modules=(("", "Net"), ("a", "Block"), ("b", "Linear")),
)
OUTPUT = 2 * 8 * 8 * 4


def by_id(found: tuple[Row, ...]) -> dict[str, Row]:
    return {row.id: row for row in found}


def amounts(row: Row, *keys: str) -> list[int | str | None]:
    """Some metrics of a row."""
    return [metric(key).of(row.layers, row.facts) for key in keys]


def test_a_folded_module_has_the_sums_of_its_layers() -> None:
    found = by_id(rows(NET, depth=1))
    assert list(found) == ["x", "a", "b", "add"]
    module = found["a"]
    assert (module.path, module.type, module.depth) == ("a", "Block", 0)
    assert amounts(module, "params", "macs", "flops", "trainable", "frozen") == [10, 100, 200, 10, 0]
    assert amounts(module, "activation_bytes") == [2 * OUTPUT]
    assert (module.input_shapes, module.output_shapes) == (((1, 4, 8, 8),), ((1, 2, 8, 8),))
    assert [p.name for p in module.parameters] == ["a.conv.weight"]
    # Inside, it reads itself, which is not a connection.
    assert module.connected_to == ("x",)
    assert found["add"].connected_to == ("b", "a")
    assert amounts(found["add"], "macs", "flops") == [None, None]


def test_without_a_depth_every_layer_has_a_row() -> None:
    found = by_id(rows(NET))
    assert list(found) == [layer.id for layer in NET.layers]
    assert [row.depth for row in found.values()] == [0, 1, 1, 0, 0]
    assert found["a.conv"].type == "conv2d"
    assert found["add"].connected_to == ("b", "a.conv")


def test_depth_0_is_the_whole_network_and_its_input() -> None:
    found = rows(NET, depth=0)
    assert [(row.id, row.type, len(row.layers)) for row in found] == [("x", "Input", 1), ("", "Net", 4)]
    assert amounts(found[1], "macs", "params") == [None, 17]
    # Of what isn't known as a whole, people see the part that is.
    assert metric("macs").text(found[1].layers, found[1].facts) == "130 + n/a"
    assert [row.id for row in rows(NET, depth=2)] == [layer.id for layer in NET.layers]


def test_a_module_that_isnt_listed_has_the_type_of_its_first_layer() -> None:
    bare = network(IMAGE, toy("m.a", "relu", "x"), toy("m.b", "gelu", "m.a"))
    assert [row.type for row in rows(bare, depth=1)] == ["Input", "relu"]


def test_one_layer_in_a_module_is_the_module_when_folded() -> None:
    single = network(IMAGE, toy("m.a", "relu", "x"), modules=(("m", "Wrapper"),))
    assert [(row.path, row.type) for row in rows(single, depth=1)][1] == ("m", "Wrapper")


def test_calls_of_one_path_stay_apart_until_they_are_folded() -> None:
    calls = network(IMAGE, toy("a", "relu", "x"), toy("a#2", "relu", "a", path="a"))
    for depth in (None, 1, 2):
        assert [row.id for row in rows(calls, depth)] == ["x", "a", "a#2"]


def test_only_paths_that_match_are_shown() -> None:
    assert [row.id for row in rows(NET, only=("a.*",))] == ["a.conv", "a.relu"]
    assert [row.id for row in rows(NET, only=("b", "add"))] == ["b", "add"]
    with pytest.raises(BadRequestError, match="no layer matches 'c' or 'd'; paths start with x, a, b, add"):
        rows(NET, only=("c", "d"))


def test_memory_of_a_row_is_the_most_and_the_sum() -> None:
    found = by_id(rows(NET, depth=1))
    # The input and both of the module's outputs are alive in its second layer.
    assert amounts(found["a"], "live_bytes") == [4 * 8 * 8 * 4 + 2 * OUTPUT]
    # The convolution keeps the input, the ReLU its result.
    assert amounts(found["a"], "saved_bytes") == [4 * 8 * 8 * 4 + OUTPUT]


def test_what_no_call_uses_gives_nothing() -> None:
    unused = toy("u", "other", shape=None, called=False, type="Unused", macs=0)
    strange = toy("s", "other", "x", None, output_tensors=(UNKNOWN,), macs=None)
    found = by_id(rows(network(IMAGE, strange, unused)))
    assert found["u"].output_shapes == ()
    assert amounts(found["u"], "live_bytes", "activation_bytes") == [0, 0]
    assert found["s"].output_shapes == ()
    assert amounts(found["s"], "activation_bytes", "live_bytes", "saved_bytes", "rf") == [None, None, None, None]
    reader = network(toy("i", "input", shape=None, output_tensors=(UNKNOWN,)), toy("r", "relu", "i", None))
    assert by_id(rows(reader))["r"].input_shapes == ()


def test_where_a_file_doesnt_say_what_is_trained_nobody_knows() -> None:
    unknown = toy("w", "dense", "x", parameters=(Parameter("w", (2,), "float32", "unknown"),))
    assert amounts(rows(network(IMAGE, unknown))[1], "trainable", "frozen", "params") == [None, None, 2]


def lanes(*edges: str) -> tuple[Rail, ...]:
    """The lanes of rows that each read the named ones."""
    names = "abcdefgh"
    return rails(rows(network(*(toy(names[place], "add", reads) for place, reads in enumerate(edges)))))


def test_a_chain_needs_no_lane() -> None:
    assert lanes("", "a", "b") == (Rail(False), Rail(True), Rail(True))


def test_a_skip_opens_a_lane_and_closes_it() -> None:
    assert lanes("", "a", "b a") == (Rail(False, 0), Rail(True), Rail(True, None, (), (0,)))
    # A row that reads only what stands further up follows nothing.
    assert lanes("", "", "a") == (Rail(False, 0), Rail(False), Rail(False, None, (), (0,)))


def test_lanes_that_go_on_are_read_and_the_last_reader_closes_them() -> None:
    assert lanes("", "a", "b a", "c a") == (
        Rail(False, 0),
        Rail(True),
        Rail(True, None, (0,)),
        Rail(True, None, (), (0,)),
    )


def test_lanes_are_taken_from_the_nearest_that_is_free() -> None:
    # a and b are kept at the same time; what d opens begins where a's lane closes, which is taken in this row still.
    found = lanes("", "a", "b", "c a", "d b", "e d", "f d")
    assert [rail.opens for rail in found] == [0, 1, None, 2, None, None, None]
    assert [rail.closes for rail in found] == [(), (), (), (0,), (1,), (), (2,)]
    # Of two lanes that are free, the nearer one is taken.
    found = lanes("", "a", "b", "c b a", "d", "e", "f e")
    assert [rail.opens for rail in found] == [0, 1, None, None, 0, None, None]
    assert found[3].closes == (0, 1)


def test_lanes_of_a_row_are_told_in_their_order() -> None:
    # b has the outer lane; e takes the inner one when a no longer needs it.
    found = lanes("", "a", "b", "c a", "d", "e", "f b e", "g b e")
    assert (found[6].reads, found[7].closes) == ((0, 1), (0, 1))


def test_edges_from_rows_that_arent_shown_have_no_lane() -> None:
    net: Summary = network(
        *(toy(name, "add", reads) for name, reads in (("a", ""), ("b", "a"), ("c", "a"), ("d", "c a")))
    )
    assert rails(rows(net, only=("b", "d"))) == (Rail(False), Rail(False))
