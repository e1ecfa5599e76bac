"""What is said is true of networks that are no ResNets, or odd ones."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect.explain.known import Known
from resnet_inspect.explain.layer import explain_layer
from resnet_inspect.explain.network import explain_network
from resnet_inspect.explain.pair import explain_pair
from resnet_inspect.explain.stages import chain, depth_words, stages
from resnet_inspect.explain.versions import moved, network_version
from resnet_inspect.ir import Layer, Parameter, Shape, Summary, Tensor, Trace
from tests.explain.test_sentences import bottleneck, named, of_layer, said
from tests.support.toys import IMAGE, network, tensor, toy


def weight(name: str, *shape: int) -> Parameter:
    return Parameter(name, shape, "float32", "trainable")


def dense(name: str, reads: str, shape: Shape, **more: Any) -> Layer:
    """A dense layer of 4 features with a bias, on whatever stands before the last dimension."""
    parameters = (weight(f"{name}.w", 4, 4), weight(f"{name}.b", 4))
    made: dict[str, Any] = {"attributes": {"in_features": 4, "out_features": 4, "bias": True}, **more}
    return toy(name, "dense", reads, shape, **{"parameters": parameters, **made})


def normed(shape: Shape, *more: Layer, **norm: Any) -> str:
    """What is said of the dense layer ``a`` that the batch norm ``n`` reads."""
    summary = network(
        toy("x", "input", "", shape), dense("a", "x", shape), toy("n", "batch_norm", "a", shape, 4, **norm), *more
    )
    return of_layer(summary, "a")


def test_a_norm_of_other_dimensions_leaves_a_bias_alone() -> None:
    gone = "Its bias of 4 numbers has no effect"
    assert gone in normed((2, 4))
    # Torch's batch norm of sequences is one of the second dimension, Keras' of the last.
    assert "bias" not in normed((2, 4, 4))
    assert gone in normed((2, 7, 4), attributes={"axis": -1})
    assert "bias" not in normed((2, 4, 4), attributes={"axis": 1})


def test_a_bias_that_somebody_else_reads_has_an_effect() -> None:
    assert "bias" not in normed((2, 4), toy("y", "relu", "a", (2, 4)))
    again = dense("b", "n", (2, 4), parameters=(), shared=("a.w", "a.b"))
    assert "bias" not in normed((2, 4), again)


def test_a_norm_is_folded_only_into_what_it_alone_reads() -> None:
    shape = (2, 4)
    norm = toy("n", "batch_norm", "a", shape, 4, macs=0)
    layers = (toy("x", "input", "", shape), dense("a", "x", shape), norm)
    assert "one shift for each channel, which can be folded into a." in of_layer(network(*layers), "n")
    for other in (
        network(*layers, toy("y", "relu", "a", shape)),
        network(layers[0], toy("a", "concat", "x", shape), norm),
    ):
        assert "one shift for each channel." in of_layer(other, "n")


def conv(name: str, reads: str, shape: Shape, op: str = "conv2d", **settings: Any) -> Layer:
    attributes = {"in_channels": 4, "out_channels": 4, "kernel_size": (1, 1), "stride": (1, 1), "groups": 1}
    return toy(name, op, reads, shape, 16, attributes={**attributes, **settings})


@pytest.mark.parametrize(
    ("layer", "words", "never"),
    [
        (conv("c", "x", (1, 4, 6, 6), "conv_transpose2d"), "It makes the image smaller: 8x8 -> 6x6.", "larger"),
        (conv("c", "x", (1, 4, 9, 9), "conv_transpose2d"), "It makes the image larger: 8x8 -> 9x9.", "smaller"),
        (conv("c", "x", (1, 4, 8, 8), groups=4), "A kernel of 1x1 looks at no neighbours.", "mixes the channels"),
        (conv("c", "x", (1, 8, 8, 8), groups=4, out_channels=8), "has 2 kernels of its own", "a kernel of its own"),
        (toy("c", "max_pool2d", "x", attributes={"kernel_size": (3, 3), "dilation": 2}), "3 rows over 5.", "weights"),
    ],
)  # fmt: skip
def test_a_window_is_what_it_is(layer: Layer, words: str, never: str) -> None:
    text = "\n".join(line for line in of_layer(network(IMAGE, layer), "c").splitlines() if " reads " not in line)
    assert words in text
    assert never not in text.replace(words, "")


def test_a_stride_that_makes_nothing_smaller() -> None:
    pixel = toy("x", "input", "", (1, 4, 1, 1))
    assert "stride" not in of_layer(network(pixel, conv("c", "x", (1, 4, 1, 1), stride=(2, 2))), "c")


def test_what_nothing_reads_need_not_be_a_result() -> None:
    alone = network(IMAGE, toy("a", "relu", "x"), toy("b", "relu", "a"))
    assert "No layer reads it: it is the result." in of_layer(alone, "b")
    two = network(IMAGE, toy("a", "relu", "x"), toy("b", "relu", "x"))
    for path in ("a", "b"):
        assert "No layer reads it: it is a result of the network, or nothing uses it." in of_layer(two, path)
    uncalled = network(IMAGE, toy("a", "relu", "x"), toy("c", "conv2d", "", None, 9, called=False))
    assert "No call of it was seen" in of_layer(uncalled, "c")
    assert "result" not in of_layer(uncalled, "c")


def residual(name: str, fork: str, channels: int = 4, macs: int = 10, params: int = 9) -> list[Layer]:
    """An addition of ``fork`` and two 3x3 convolutions of it, and a ReLU."""
    shape = (1, channels, 8, 8)
    inside = {"attributes": {"kernel_size": (3, 3)}, "macs": macs}
    return [
        toy(f"{name}.c1", "conv2d", fork, shape, params, **inside),
        toy(f"{name}.a1", "relu", f"{name}.c1", shape),
        toy(f"{name}.c2", "conv2d", f"{name}.a1", shape, params, **inside),
        toy(f"{name}.add", "add", f"{name}.c2 {fork}", shape),
        toy(f"{name}.a2", "relu", f"{name}.add", shape),
    ]


def test_layers_between_stages_are_of_neither() -> None:
    between = toy("down.c", "conv2d", "one.0.a2", (1, 8, 8, 8), 5, macs=3)
    layers = [
        *residual("one.0", "x"),
        between,
        *residual("two.0", "down.c", 8),
        toy("end", "dense", "two.0.a2", (1, 9)),
    ]
    found = stages(Known(network(IMAGE, *layers)))
    assert [(s.name, s.params, s.macs, len(s.blocks)) for s in found] == [
        ("before", 0, 0, 0),
        ("one.0", 18, 20, 1),
        ("down.c", 5, 3, 0),
        ("two.0", 18, 20, 1),
        ("after", 0, 0, 0),
    ]
    # The activation behind an addition belongs to its stage, as nothing in it counts.
    plain = network(IMAGE, *residual("one.0", "x"), *residual("two.0", "one.0.a2", 4))
    assert [s.name for s in stages(Known(plain))] == ["before", "one.0…two.0", "after"]


def test_a_skip_of_the_whole_network_hides_no_blocks() -> None:
    layers = [*residual("one", "x"), *residual("two", "one.a2"), toy("all", "add", "two.a2 x")]
    known = Known(network(IMAGE, *layers))
    assert [block.path for block in known.blocks] != [block.path for block in chain(known)]
    assert [block.path for block in chain(known)] == ["one", "two"]
    assert depth_words(known) == "0 + 2*2 + 0 = 4"


@pytest.mark.parametrize(
    ("before", "passing"), [("relu", 1), ("max_pool2d", 1), ("sigmoid", 0), ("leaky_relu", 0), ("conv2d", 0)]
)
def test_a_relu_keeps_what_came_out_of_a_relu(before: str, passing: int) -> None:
    first = toy("first", "relu", "x")
    fork = toy("fork", before, "first" if "pool" in before else "x")
    known = Known(network(IMAGE, first, fork, *residual("one", "fork"), *residual("two", "one.a2")))
    text = said(explain_network(known))
    assert f"{1 + passing} of 2 blocks" in text
    assert f"In {1 + passing} blocks the ReLU changes nothing" in text


def test_the_first_resnet_block_reads_a_pooled_relu() -> None:
    assert "5 of 8 blocks pass their input on unchanged" in said(explain_network(Known(named("resnet18"))))


def test_nothing_passes_where_no_shortcut_is_the_identity() -> None:
    only = bottleneck()
    assert "With a branch of zeros, its one block doesn't pass its input on unchanged." in said(
        explain_network(Known(only))
    )


def test_macs_of_the_other_version_are_exact() -> None:
    for one, other in ((bottleneck(1, 2), bottleneck(2, 1)), (bottleneck(2, 1), bottleneck(1, 2))):
        known = Known(one)
        version = network_version(known)
        assert version is not None
        assert moved(known, version) == other.totals.macs - one.totals.macs
    # 7x7 becomes 4x4, which is no quarter: the MACs aren't four times as many, either.
    odd, even = (
        Known(named(name, flavor, input="3x200x200")) for name, flavor in (("resnet50", "torch"), ("ResNet50", "keras"))
    )
    assert moved(odd, "v1.5") == even.summary.totals.macs - odd.summary.totals.macs
    assert moved(even, "v1") == odd.summary.totals.macs - even.summary.totals.macs


def test_a_norm_inside_a_branch_makes_no_v2() -> None:
    shape = (1, 4, 8, 8)

    def block(*, first: bool) -> Summary:
        layers = [toy("n", "batch_norm", "x", shape, 8), toy("r", "relu", "n", shape)] if first else []
        return network(
            IMAGE,
            *layers,
            conv("c1", "r" if first else "x", shape),
            toy("n2", "batch_norm", "c1", shape, 8),
            toy("r2", "relu", "n2", shape),
            conv("c2", "r2", shape),
            toy("y", "add", "c2 x", shape),
        )

    assert network_version(Known(block(first=True))) == "v2"
    assert network_version(Known(block(first=False))) is None


def test_two_networks_of_different_inputs_and_unknown_macs() -> None:
    text = said(explain_pair(named("resnet18"), named("resnet18", input="3x64x64")))
    assert "They read inputs of different sizes, 1x3x224x224 and 1x3x64x64" in text
    unknown = network(IMAGE, toy("y", "other", "x", macs=None))
    assert "torch:toy has at least these MACs: those of 1 layer are not known." in said(explain_pair(unknown, unknown))
    # Depth makes most of this difference, so it isn't all put down to the strides.
    deeper = said(explain_pair(named("ResNet50", "keras"), named("resnet101")))
    known = Known(named("resnet101"))
    assert f"in local:resnet101: {-(moved(known, 'v1.5') or 0):,} MACs more than with the stride of v1." in deeper


def test_a_table_of_many_parts_is_short() -> None:
    layers, last = [], "x"
    for place in range(100):
        layers.append(toy(f"m{place}", "conv2d", last, params=place + 1, macs=5))
        last = f"m{place}"
    known = Known(network(IMAGE, *layers))
    (where,) = [section for section in explain_network(known).sections if section.table]
    assert where.table is not None
    rows = where.table.rows
    assert len(rows) == 16
    assert [row["stage"] for row in rows][-2:] == ["m99", "85 others"]
    assert sum(row["params"] for row in rows) == sum(range(1, 101))
    assert sum(row["macs"] for row in rows) == 500


def test_an_image_without_a_batch_or_a_kernel_of_no_size() -> None:
    single = Tensor((4, 8, 8), "float32")
    layer = conv("c", "x", (4, 8, 8), kernel_size=())
    summary = network(toy("x", "input", output_tensors=(single,)), layer)
    assert "kernel" not in said(explain_layer(Known(summary), summary.layers[1]))
    assert tensor(1, 4, 8, 8).layout == "NCHW"


def test_a_file_of_tensors_has_no_graph_to_speak_of() -> None:
    def file(size: int) -> Summary:
        layer = toy("w", "other", "", None, size, called=False, macs=None, type="Tensors")
        return network(layer, trace=Trace("header"))

    one = file(9)
    assert of_layer(one, "w") == "Nothing ran: only its parameters are known."
    assert "They have the same tensors." in said(explain_pair(one, file(9)))
    against = explain_pair(network(IMAGE, toy("w", "conv2d", "x", params=9, macs=5)), file(7))
    assert "input" not in said(against)
    assert "at least" not in said(against)
    (totals,) = [section for section in against.sections if section.table]
    assert totals.table is not None
    assert not [row for row in totals.table.rows if row["number"] in ("Residual blocks", "Weighted layers in a row")]
