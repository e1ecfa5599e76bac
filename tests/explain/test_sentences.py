"""What is said follows from the graph: another setting, another sentence."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect.blocks.flavor import TORCH
from resnet_inspect.blocks.graph import INPUT, GraphBuilder, Node
from resnet_inspect.explain.explanation import Explanation
from resnet_inspect.explain.family import explain_family
from resnet_inspect.explain.known import Known
from resnet_inspect.explain.layer import explain_layer
from resnet_inspect.explain.module import explain_module
from resnet_inspect.explain.network import explain_network
from resnet_inspect.explain.pair import explain_pair
from resnet_inspect.explain.stages import depth_words
from resnet_inspect.explain.versions import network_version
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local import reader as local
from resnet_inspect.readers.request import Request
from tests.support import small_residual
from tests.support.toys import IMAGE, network, toy


def named(name: str, flavor: str = "torch", **more: Any) -> Summary:
    return local.summarize(Request.from_options(name, flavor=flavor, **more)).summary


def said(explanation: Explanation) -> str:
    return "\n".join(sentence for section in explanation.sections for sentence in section.sentences)


def of_layer(summary: Summary, path: str) -> str:
    known = Known(summary)
    return said(explain_layer(known, next(layer for layer in summary.layers if layer.path == path)))


def bottleneck(first: int = 1, second: int = 2, bias: bool = False, norm: bool = True) -> Summary:
    """A bottleneck block of 16 channels to 32, with the stride in its first or its second convolution."""
    graph = GraphBuilder(TORCH)
    x = graph.relu("stem.relu", graph.conv("stem.conv", INPUT, (3, 16), 3, padding=1))
    y = graph.conv("a.conv1", x, (16, 8), 1, stride=first, bias=bias)
    y = graph.batch_norm("a.norm1", y, 8, 1e-5, 0.1) if norm else graph.relu("a.act", y)
    y = graph.relu("a.relu1", y)
    y = graph.conv("a.conv2", y, (8, 8), 3, stride=second, padding=1)
    y = graph.relu("a.relu2", graph.batch_norm("a.norm2", y, 8, 1e-5, 0.1))
    y = graph.batch_norm("a.norm3", graph.conv("a.conv3", y, (8, 32), 1), 32, 1e-5, 0.1)
    z = graph.batch_norm("a.down.1", graph.conv("a.down.0", x, (16, 32), 1, stride=first * second), 32, 1e-5, 0.1)
    graph.relu("a.relu3", graph.op("a.add", "add", y, z, is_module=False))
    return small_residual.summary({node.path: node for node in graph.nodes})


def test_the_stride_tells_the_version() -> None:
    late, early = bottleneck(1, 2), bottleneck(2, 1)
    assert (network_version(Known(late)), network_version(Known(early))) == ("v1.5", "v1")
    assert "a has its stride of 2 here and not in a.conv1, as in ResNet v1.5 and not v1." in of_layer(late, "a.conv2")
    assert "a has its stride of 2 in a.conv1 and not here, as in ResNet v1 and not v1.5." in of_layer(early, "a.conv2")
    assert "has its stride" not in of_layer(late, "a.conv3")
    both, neither = bottleneck(2, 2), bottleneck(1, 1)
    assert network_version(Known(both)) is network_version(Known(neither)) is None
    for other in (both, neither):
        assert "ResNet v" not in said(explain_network(Known(other))) + of_layer(other, "a.conv2")
    # conv1 gives 8 channels from 16: 8x8 positions, or 4x4 with the stride; all else is the same.
    assert late.totals.macs - early.totals.macs == 16 * 8 * (64 - 16)
    for one, other in ((late, early), (early, late)):
        words = f"{other.totals.macs:,} MACs instead of {one.totals.macs:,}"
        assert words in said(explain_network(Known(one))).replace("\n", " ")


def test_a_bias_is_judged_by_what_reads_it() -> None:
    assert "No bias: a.norm1 reads it, and a batch norm subtracts the mean" in of_layer(bottleneck(), "a.conv1")
    assert "Its bias of 8 numbers has no effect: a.norm1 reads it" in of_layer(bottleneck(bias=True), "a.conv1")
    assert "It has a bias of 8 numbers, as no batch norm follows that would take it away." in of_layer(
        bottleneck(bias=True, norm=False), "a.conv1"
    )
    assert "bias" not in of_layer(bottleneck(norm=False), "a.conv1")


def test_a_shortcut_says_what_it_does_and_why() -> None:
    text = of_layer(bottleneck(), "a.conv1")
    assert "The shortcut of a passes over it, from stem.relu to a.add." in text
    # The projection: 16*32 weights, and two vectors of 32.
    reason = "which is needed, since 16 channels become 32 and 8x8 becomes 4x4"
    assert f"That shortcut is a projection (a.down.0, a.down.1, {16 * 32 + 2 * 32} parameters), {reason}." in text
    assert "which is needed, since 16 channels become 32." in of_layer(bottleneck(1, 1), "a.conv1")
    assert "8 channels = 32/4: the bottleneck of a is narrower inside." in text
    assert "32 channels = 4*8: the last convolution of the block widens again." in of_layer(bottleneck(), "a.conv3")
    plain = of_layer(small_residual.summary(), "body.a.conv1")
    assert "That shortcut is the identity: 8 channels at 8x8 go in and come out." in plain


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Padding 1 = 1*(3-1)/2 on each side keeps the size of the image, 8x8."),
        ({"groups": 8}, "Depthwise: each of its 8 channels has a kernel of its own"),
        ({"groups": 2}, "Its 2 groups share no channels: each output reads 4 of 8 channels, so it has 1/2 of"),
        ({"dilation": (2, 2), "padding": (2, 2)}, "Its dilation of 2 spreads 3 rows over 5, with as many weights."),
        (
            {"kernel_size": (1, 1), "padding": (0, 0)},
            "A kernel of 1x1 looks at no neighbours: it mixes the channels of each position.",
        ),
    ],
)
def test_a_setting_has_its_sentence(settings: dict[str, Any], words: str) -> None:
    made = small_residual.nodes()
    without = of_layer(small_residual.summary(made), "body.a.conv1")
    small_residual.set_to(made, "body.a.conv1", **settings)
    found = of_layer(small_residual.summary(made), "body.a.conv1")
    assert words in found
    assert (words in without) == (not settings)


def test_the_cost_of_a_layer_in_words() -> None:
    text = of_layer(small_residual.summary(), "body.a.conv1")
    macs = 8 * 8 * 8 * 8 * 3 * 3
    assert f"{macs:,} MACs are 2*{macs:,} = {2 * macs:,} FLOPs." in text
    assert "Each weight is used 64 times" in text
    norm = of_layer(small_residual.summary(), "body.a.norm1")
    assert (
        "Its 16 statistics are not trained; they are not counted as parameters, as torch keeps them as buffers." in norm
    )
    assert "Its 128 statistics are not trained; they are counted as parameters, as Keras does." in of_layer(
        named("ResNet50", "keras"), "conv1_bn"
    )
    unknown = network(IMAGE, toy("y", "other", "x", macs=None, macs_at_least=7))
    assert "Its MACs are not known. At least: 7." in of_layer(unknown, "y")


def test_the_depth_is_the_arithmetic_of_the_blocks() -> None:
    depths = {18: "1 + 2*(2+2+2+2) + 1", 34: "1 + 2*(3+4+6+3) + 1", 50: "1 + 3*(3+4+6+3) + 1"}
    depths |= {101: "1 + 3*(3+4+23+3) + 1", 152: "1 + 3*(3+8+36+3) + 1"}
    for depth, words in depths.items():
        assert depth_words(Known(named(f"resnet{depth}"))) == f"{words} = {depth}"
        assert f"That is the {depth} in its name" in said(explain_network(Known(named(f"resnet{depth}"))))
    toy_network = small_residual.summary()
    assert depth_words(Known(toy_network)) == "1 + 2*3 + 1 = 8"
    assert "in its name" not in said(explain_network(Known(toy_network)))
    # A convolution between two blocks belongs to none: the sum would be wrong, so there is none.
    between = small_residual.put_behind(
        small_residual.nodes(),
        "body.a.relu2",
        Node("body.extra", "body.extra", "conv2d", ("body.a.relu2",), dict_of("body.a.conv1")),
    )
    assert depth_words(Known(small_residual.summary(between))) is None
    assert "Its longest path has 9 weighted layers" in said(explain_network(Known(small_residual.summary(between))))


def dict_of(path: str) -> Any:
    return small_residual.nodes()[path].attributes


def test_where_parameters_and_macs_are() -> None:
    text = said(explain_network(Known(named("resnet50"))))
    assert "layer4 has the largest share of the parameters, 58.6 %, and 19.8 % of the MACs." in text
    assert "layer3 has the largest share of the MACs, 35.8 %" in text
    assert "3,136 times in an image at the end of layer1 (256 channels), 49 times at the end of layer4" in text
    assert "4,089,184,256 MACs at 1x3x224x224. A MAC is a multiplication and an addition" in text
    assert "With a branch of zeros, 12 of 16 blocks pass their input on unchanged, so" in text
    assert (
        "A position of its features depends on 427x427 positions of the input (224x224), more than the whole input"
        in text
    )
    larger = said(explain_network(Known(named("resnet50", input="3x512x512"))))
    assert "427x427 positions of the input (512x512), a part of it." in larger
    (where,) = [s for s in explain_network(Known(named("resnet50"))).sections if s.title.startswith("Where")]
    assert where.table is not None
    assert sum(row["params"] for row in where.table.rows) == 25_557_032
    assert sum(row["macs"] for row in where.table.rows) == 4_089_184_256
    projections = 64 * 256 + 2 * 256 + 256 * 512 + 2 * 512 + 512 * 1024 + 2 * 1024 + 1024 * 2048 + 2 * 2048
    assert f"Projections have {projections:,} parameters (10.9 %)" in text


def test_two_networks() -> None:
    text = said(explain_pair(named("resnet34"), named("resnet50")))
    assert "resnet50 has 1.47x the depth (34 -> 50 weighted layers) and 1.12x the MACs of resnet34" in text
    # Two 3x3 of 64 channels, and 1x1, 3x3, 1x1 of 256, 64, 256, on 56x56 positions.
    basic, deep = 2 * 9 * 64 * 64 * 56 * 56, (2 * 256 * 64 + 9 * 64 * 64) * 56 * 56
    assert f"{basic:,} MACs; layer1.1 of resnet50" in text
    assert f"{deep:,} MACs. So the 3 layers of layer1.1 cost {deep / basic:.2f}x what the 2 of layer1.0 do." in text
    assert "16*(3-2) = 16 weighted layers are all of the difference in depth." in text
    across = said(explain_pair(named("resnet50"), named("ResNet50", "keras")))
    assert "The second counts +79,680 parameters: 53,120 batch-norm statistics + 26,560 convolution biases" in across
    assert "local:resnet50 is built like ResNet v1.5" in across
    assert "local:ResNet50 is built like ResNet v1: a stride in the first convolution of its bottlenecks" in across
    assert "231,211,008 MACs more" in across
    same = said(explain_pair(named("resnet18"), named("resnet18")))
    assert "They are the same network" in same


def test_the_family() -> None:
    members = [named("resnet34"), named("resnet50"), named("ResNet50", "keras"), named("ResNet50V2", "keras")]
    members += [named("resnext50_32x4d"), named("wide_resnet50_2")]
    text = said(explain_family("resnet", members)).splitlines()
    assert text[0].startswith("resnet50 is resnet34 with bottleneck blocks instead of basic ones: depth 34 -> 50")
    assert "its stride in the first 1x1 convolution (v1), a bias in the convolutions before its norms" in text[1]
    assert "ResNet50V2 is ResNet50 with norm and activation before each convolution (v2)" in text[2]
    assert "its image made smaller by the last block of a stage instead of the first" in text[2]
    assert all("made smaller" not in line for line in (*text[:2], *text[3:]))
    assert "32 groups in its 3x3 convolutions instead of 1, inner convolutions 2 times as wide (64 -> 128" in text[3]
    assert text[4].startswith("wide_resnet50_2 is resnet50 with inner convolutions 2 times as wide")


def test_a_module_sums_up_what_is_in_it() -> None:
    summary = small_residual.summary()
    found = explain_module(Known(summary), "body.a")
    each = [9 * 8 * 8, 2 * 8, 9 * 8 * 8, 2 * 8]
    assert f"576 + 16 + 576 + 16 = {sum(each):,} parameters" in said(found)
    assert "It reads stem.relu." in said(found)
    assert "It has one residual block, body.a (basic). That shortcut is the identity: 8 channels" in said(found)
    assert "3 residual blocks. Shortcuts: 3 identities." in said(explain_module(Known(summary), "body"))


def test_a_block_of_keras_is_called_by_its_name() -> None:
    summary = named("ResNet50", "keras")
    found = explain_module(Known(summary), "conv3_block2")
    # 1x1 512->128, 3x3, 1x1 128->512, each with a bias and four vectors of its norm.
    each = [512 * 128 + 128, 9 * 128 * 128 + 128, 128 * 512 + 512]
    total = sum(each) + 4 * (128 + 128 + 512)
    assert f" = {total:,} parameters" in said(found)
    assert "It has one residual block, conv3_block2 (bottleneck)." in said(found)
    (numbers, *_) = found.sections
    assert numbers.table is not None
    assert numbers.table.rows[0]["path"] == "conv3_block2_1_conv"


def test_networks_without_blocks_and_without_a_graph() -> None:
    plain = network(IMAGE, toy("a", "conv2d", "x", params=9, macs=5), toy("b", "dense", "a", params=3, macs=2))
    text = said(explain_network(Known(plain)))
    assert "Its longest path has 2 weighted layers" in text
    assert "residual" not in text
    empty = said(explain_network(Known(network())))
    assert "0 parameters." in empty
