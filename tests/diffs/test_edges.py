"""What differs in connections of layers that are written down by hand."""

from __future__ import annotations

from dataclasses import replace

from resnet_inspect.diffs.edges import Connections, Side, depths
from resnet_inspect.ir import Layer
from tests.support.toys import IMAGE, toy

#: x - a - b - add, and a skip from x to the addition.
LAYERS = (IMAGE, toy("a", "conv2d", "x"), toy("b", "relu", "a"), toy("add", "add", "b x"))


def test_depth_is_the_longest_path() -> None:
    assert depths(LAYERS) == {"x": 1, "a": 2, "b": 3, "add": 4}


def test_a_skip_begins_where_the_shallower_branch_does() -> None:
    side = Side(LAYERS, [0, 1, 2, 3])
    assert side.skipped_from(LAYERS[3]) == "x"
    assert side.trunk(LAYERS[3]) == "b"
    assert side.trunk(LAYERS[0]) is None
    # One input, the same one twice, and a layer that doesn't merge have none.
    assert side.skipped_from(LAYERS[2]) is None
    assert side.skipped_from(toy("t", "add", "b b")) is None
    assert side.skipped_from(toy("t", "sub", "b x")) is None
    assert side.skipped_from(toy("t", "concat", "b x")) == "x"
    assert side.number == {"x": 0, "a": 1, "b": 2, "add": 3}


def words(old: tuple[Layer, ...], new: tuple[Layer, ...], name: str, ordered: bool = True) -> str | None:
    """What is said of the connections of a layer, with the layers of one name paired."""
    places = {layer.id: number for number, layer in enumerate(new)}
    pairs = [(number, places[layer.id]) for number, layer in enumerate(old) if layer.id in places]
    connections = Connections(old, new, pairs, ordered)
    by_id = {layer.id: layer for layer in old}, {layer.id: layer for layer in new}
    change = connections.change(by_id[0][name], by_id[1][name])
    if change is None:
        return None
    assert (change.field, change.kind) == ("inputs", "edges")
    assert (change.old, change.new) == (by_id[0][name].inputs, by_id[1][name].inputs)
    return change.words


def test_connections_that_stay_are_no_change() -> None:
    assert words(LAYERS, LAYERS, "add") is None
    # An addition's inputs have no order; those of a concatenation do.
    assert words(LAYERS, (*LAYERS[:3], toy("add", "add", "x b")), "add") is None
    joined = (*LAYERS[:3], toy("j", "concat", "b x"))
    assert words(joined, (*LAYERS[:3], toy("j", "concat", "x b")), "j") == "inputs in another order"


def test_a_skip_that_came_or_went_is_told() -> None:
    without = (*LAYERS[:3], toy("add", "add", "b b"))
    assert words(LAYERS, without, "add") == "skip connection from x removed, input from b added"
    assert words(without, LAYERS, "add") == "input from b removed, skip connection from x added"
    other = (*LAYERS[:3], toy("add", "add", "b a"))
    assert words(LAYERS, other, "add") == "skip connection from x removed, skip connection from a added"
    assert words(LAYERS[:3], (*LAYERS[:2], toy("b", "relu", "x")), "b") == "input from a removed, input from x added"


def test_layers_that_came_or_went_in_between_explain_an_edge() -> None:
    longer = (*LAYERS[:2], toy("new", "gelu", "a"), toy("b", "relu", "new"), LAYERS[3])
    assert words(LAYERS, longer, "b") is None
    assert words(longer, LAYERS, "b") is None
    # But not if what came reads something else: then the edge comes from elsewhere.
    elsewhere = (*LAYERS[:2], toy("new", "gelu", "x"), toy("b", "relu", "new"), LAYERS[3])
    assert words(LAYERS, elsewhere, "b") == "input from a removed, input from new added"
    # Something that came with no input of its own is what the edge comes from.
    constant = (*LAYERS[:2], toy("new", "other"), toy("b", "relu", "new"), LAYERS[3])
    assert words(LAYERS, constant, "b") == "input from a removed, input from new added"


def test_layers_without_a_partner_on_both_sides_explain_nothing_by_themselves() -> None:
    other = toy("y", "input")
    old = (IMAGE, other, toy("p", "relu", "x"), toy("b", "gelu", "p"))
    assert words(old, (IMAGE, other, toy("q", "relu", "x"), toy("b", "gelu", "q")), "b") is None
    elsewhere = (IMAGE, other, toy("q", "relu", "y"), toy("b", "gelu", "q"))
    assert words(old, elsewhere, "b") == "input from p removed, input from q added"


def test_a_parameter_that_another_layer_counts_is_a_tie() -> None:
    counts, free = toy("a", "dense", "x", params=3), toy("b", "dense", "a")
    tied, other = replace(free, shared=("a.weight",)), replace(free, shared=("x.weight",))
    pairs = [(0, 0), (1, 1), (2, 2)]
    for old, new, differs in ((tied, tied, False), (free, tied, True), (tied, free, True), (tied, other, True)):
        connections = Connections([IMAGE, counts, old], [IMAGE, counts, new], pairs)
        change = connections.tie(old, new)
        assert (change is not None) is differs
        assert change is None or (change.field, change.old, change.new) == ("shared", old.shared, new.shared)


def test_what_stands_elsewhere_has_moved() -> None:
    chain = (IMAGE, toy("a", "relu", "x"), toy("b", "gelu", "a"), toy("c", "silu", "b"))
    swapped = (IMAGE, toy("b", "gelu", "x"), toy("a", "relu", "b"), toy("c", "silu", "a"))
    pairs = [(0, 0), (1, 2), (2, 1), (3, 3)]
    assert len(Connections(chain, swapped, pairs).moved) == 1
    assert Connections(chain, swapped, pairs, ordered=False).moved == set()
    # Two branches of one source may stand in either order.
    branches = (IMAGE, toy("a", "relu", "x"), toy("b", "gelu", "x"))
    assert Connections(branches, (IMAGE, branches[2], branches[1]), [(0, 0), (1, 2), (2, 1)]).moved == set()
    assert words(chain, swapped, "c") is None or "input from" in (words(chain, swapped, "c") or "")
