"""Residual blocks, depth and paths of networks of a few layers, by arithmetic."""

from __future__ import annotations

import pytest

from resnet_inspect.analysis.graph import data_inputs
from resnet_inspect.analysis.paths import paths
from resnet_inspect.analysis.residual import common_path, is_addition, residual_blocks
from resnet_inspect.ir import Layer, Shape, Summary
from tests.support.toys import IMAGE, network, toy


def test_only_what_the_input_leads_to_is_data() -> None:
    layers = [IMAGE, toy("y", "input"), toy("table", "embedding"), toy("a", "add", "x table"), toy("b", "add", "a y y")]
    assert data_inputs(layers) == {"x": (), "y": (), "a": ("x",), "b": ("a", "y")}
    assert data_inputs(layers, "y") == {"y": (), "b": ("y",)}


def residual(*shortcut: Layer, ends: str = "b x") -> Summary:
    """Two convolutions and a shortcut around them."""
    branch = [toy("m.a", "conv2d", "x", params=9, macs=90), toy("m.b", "conv2d", "m.a", params=8, macs=80)]
    return network(IMAGE, *branch, *shortcut, toy("m.add", "add", ends.replace("b", "m.b", 1)))


def test_a_block_is_two_paths_that_meet() -> None:
    (block,) = residual_blocks(residual())
    assert (block.fork, block.join, block.branch, block.shortcut) == ("x", "m.add", ("m.a", "m.b"), ())
    assert (block.path, block.kind, block.stride, block.channels) == ("m", "identity", 1, (4, 4))
    assert (block.params, block.macs, block.skipped, block.breaks) == (17, 170, 2, ())
    (block,) = residual_blocks(residual(toy("m.c", "conv2d", "x", params=5, macs=None), ends="b m.c"))
    assert (block.kind, block.shortcut, block.params, block.macs, block.skipped) == (
        "projection",
        ("m.c",),
        22,
        None,
        1,
    )
    assert block.breaks == ("projection on the shortcut",)


@pytest.mark.parametrize(
    "summary",
    [
        residual(ends="b m.b"),
        residual(toy("y", "input"), ends="b y"),
        # Three paths, a path that shares a layer with the other, and one with an activation.
        residual(toy("m.c", "relu", "m.a"), ends="b m.c x"),
        residual(toy("m.c", "relu", "x"), ends="b m.c"),
        # A vector for each image is not a path of it.
        residual(toy("m.c", "global_avg_pool2d", "x", (1, 4, 1, 1)), ends="b m.c"),
        network(IMAGE, toy("a", "relu", "x"), toy("add", "add", "a x")),
        network(IMAGE, toy("a", "conv2d", "x"), toy("cat", "concat", "a x")),
        network(IMAGE, toy("a", "conv2d", "x", None), toy("add", "add", "a x", None)),
    ],
)
def test_what_is_no_block(summary: Summary) -> None:
    assert residual_blocks(summary) == ()


def test_the_path_with_less_work_is_the_shortcut() -> None:
    chain = [toy("a", "conv2d", "x"), toy("s", "avg_pool2d", "x"), toy("t", "avg_pool2d", "s")]
    for ends in ("a t", "t a"):
        (block,) = residual_blocks(network(IMAGE, *chain, toy("add", "add", ends)))
        assert (block.branch, block.shortcut, block.kind) == (("a",), ("s", "t"), "other")
        # Nothing at the top is around them all.
        assert block.path == "add"


def test_of_two_paths_of_equal_work_the_second_is_the_shortcut() -> None:
    both = [toy("a", "conv2d", "x"), toy("b", "conv2d", "x")]
    for ends, shortcut in (("a b", ("b",)), ("b a", ("a",))):
        (block,) = residual_blocks(network(IMAGE, *both, toy("add", "add", ends)))
        assert (block.shortcut, block.kind) == (shortcut, "projection")


def test_a_skip_around_blocks_is_no_form() -> None:
    inner = [toy("a", "conv2d", "x"), toy("n", "batch_norm", "a"), toy("b", "conv2d", "n"), toy("i", "add", "b x")]
    inner += [toy("c", "conv2d", "i"), toy("o", "add", "c x"), toy("r", "relu", "o")]
    found = {block.join: (block.form, block.skipped) for block in residual_blocks(network(IMAGE, *inner))}
    assert found == {"i": ("pre-activation", 2), "o": ("other", 3)}
    assert [block.breaks for block in residual_blocks(network(IMAGE, *inner))][1] == ("relu after the addition",)


def test_an_image_that_shrinks() -> None:
    def stride(before: Shape, then: Shape, layout: str = "NCHW") -> int | None:
        branch = toy("a", "conv2d", "x", then, layout=layout)
        short = toy("s", "conv2d", "x", then, layout=layout)
        layers = (toy("x", "input", shape=before, layout=layout), branch, toy("b", "conv2d", "a", then, layout=layout))
        (block,) = residual_blocks(network(*layers, short, toy("add", "add", "b s", then, layout=layout)))
        return block.stride

    # 9 rows become 5 at stride 2, and 8 columns 2 at stride 4.
    assert stride((1, 4, 9, 8), (1, 4, 5, 8)) == 2
    assert stride((1, 4, 8, 8), (1, 4, 8, 2)) == 4
    assert stride((1, 9, 8, 4), (1, 5, 8, 4), "NHWC") == 2
    assert stride((1, 4, 8), (1, 4, 2), "NCL") == 4
    assert stride((1, 8), (1, 4), "NC") is None
    assert stride((1, 4, 8, 8), (1, 4, 0, 8)) == 1


@pytest.mark.parametrize(
    ("together", "path"),
    [
        (["layer1.0.conv", "layer1.0.bn"], "layer1.0"),
        (["layer1.0.conv", "layer1.1.conv"], "layer1"),
        (["conv2_block1_1_conv", "conv2_block1_add"], "conv2_block1"),
        (["conv2_block1_1_conv", "conv2_block2_add"], "conv2"),
        (["a", "b"], ""),
        (["a.x", "b.x"], ""),
    ],
)
def test_the_module_around_all_paths(together: list[str], path: str) -> None:
    assert common_path(together) == path


def test_what_adds() -> None:
    assert is_addition(toy("a", "add"))
    assert is_addition(toy("a", "other", type="CustomScaleLayer"))
    assert not is_addition(toy("a", "other"))
    assert not is_addition(toy("a", "mul", type="CustomScaleLayer"))


def test_depth_and_number_of_paths() -> None:
    summary = residual()
    found = paths(summary, {("m.b", "m.add")})
    # Through both convolutions, or past them.
    assert (found.longest, found.shortest, found.count) == (2, 0, 2)
    assert (found.by_blocks, found.by_layers) == ((1, 1), (1, 0, 1))
    # Three branches of 1, 2 and 0 convolutions, twice: (1 + x + x^2)^2, after one layer that all pass.
    layers = [IMAGE, toy("stem", "dense", "x")]
    for block in "pq":
        start = layers[-1].id
        layers += [toy(f"{block}1", "conv2d", start), toy(f"{block}2", "conv2d", start)]
        layers += [toy(f"{block}3", "conv2d", f"{block}2"), toy(block, "concat", f"{block}1 {block}3 {start}")]
    found = paths(network(*layers), {("p1", "p"), ("q1", "q")})
    assert (found.longest, found.shortest, found.count) == (5, 1, 9)
    assert found.by_layers == (0, 1, 2, 3, 2, 1)
    # One of three paths of each is said to end a branch: (2 + x)^2.
    assert found.by_blocks == (4, 4, 1)


def test_of_a_product_only_the_longest_path_is_followed() -> None:
    gate = [toy("g", "conv2d", "x"), toy("h", "conv2d", "g"), toy("a", "conv2d", "x"), toy("m", "mul", "a h")]
    found = paths(network(IMAGE, *gate), set())
    assert (found.longest, found.shortest, found.count, found.by_layers) == (2, 2, 1, (0, 0, 1))
    # The output is the last layer that the input leads to.
    found = paths(network(IMAGE, *gate, toy("free", "dense"), toy("more", "add", "free free")), set())
    assert found.longest == 2
    nothing = paths(network(toy("free", "dense")), set())
    assert (nothing.longest, nothing.shortest, nothing.count, nothing.by_blocks, nothing.by_layers) == (0, 0, 0, (), ())


def test_lengths_are_counted_of_up_to_2048_bits() -> None:
    """n skips in a row make 2**n paths; with whole bytes of n + 1 bits, 2**2039 are the most of 2,048."""
    for blocks, counted in ((2046, True), (2047, True), (2048, False)):
        layers = [IMAGE]
        for number in range(blocks):
            before = layers[-1].id
            layers += [toy(f"c{number}", "relu", before), toy(f"a{number}", "add", f"c{number} {before}")]
        found = paths(network(*layers), set())
        assert found.count == 2**blocks
        assert bool(found.by_layers) is (counted and found.count.bit_length() // 8 + 1 <= 256)
