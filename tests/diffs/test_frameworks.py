"""Two conventions for one network: layouts, names, order and counts, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_inspect.diffs import compare
from resnet_inspect.diffs.frameworks import (
    canonical,
    channels_first,
    folded_norms,
    framework,
    reconcile,
    settled_names,
    settled_order,
)
from resnet_inspect.errors import InputError
from resnet_inspect.ir import Layer, Parameter, Summary, Trace
from resnet_inspect.render.diff import DiffView, render
from tests.support.toys import IMAGE, network, tensor, toy


@pytest.mark.parametrize(
    ("shape", "layout", "first"),
    [
        ((1, 5, 6, 3), "NHWC", (1, 3, 5, 6)),
        ((1, 7, 3), "NLC", (1, 3, 7)),
        ((5, 6, 3), "HWC", (3, 5, 6)),
        ((1, 3, 5, 6), "NCHW", (1, 3, 5, 6)),
        ((1, 3), "NHWC", (1, 3)),
    ],
)
def test_channels_go_behind_the_batch(shape: tuple[int, ...], layout: str, first: tuple[int, ...]) -> None:
    found = channels_first(tensor(*shape, layout=layout, dtype="int8"))
    assert (found.shape, found.dtype) == (first, "int8")
    assert channels_first(tensor(1, 5, 3)).shape == (1, 5, 3)


def test_whose_conventions_a_summary_follows() -> None:
    keras = toy("x", "input", type="InputLayer")
    assert framework(network(IMAGE, backend="local")) == "torch"
    assert framework(network(keras, backend="local")) == "keras"
    assert framework(network(keras, toy("d", "dense", "x"), backend="local")) == "keras"
    for backend in ("torch", "keras", "onnx"):
        assert framework(network(keras, backend=backend)) == backend


def test_the_canonical_layer_is_torchs() -> None:
    mean = Parameter("bn.moving_mean", (3,), "float32", "statistics", counted=True)
    gamma = Parameter("bn.gamma", (3,), "float32", "trainable", counted=True)
    norm = toy("bn", "batch_norm", "x", (1, 5, 6, 3), layout="NHWC", parameters=(mean, gamma))
    image = toy("x", "input", shape=(1, 5, 6, 3), layout="NHWC", type="InputLayer")
    attributes = {"epsilon": 1, "inplace": True, "axis": 3}
    norm = toy("bn", "batch_norm", "x", (1, 5, 6, 3), layout="NHWC", parameters=(mean, gamma), attributes=attributes)
    found = canonical(network(image, norm))[1]
    assert found.output_tensors == found.input_tensors
    assert (found.output_tensors[0].shape, found.output_tensors[0].layout) == ((1, 3, 5, 6), None)
    assert found.params == 3
    assert found.attributes == (("eps", 1), ("axis", 3))


def test_adaptive_pooling_to_one_pixel_is_global() -> None:
    ops = [
        canonical(network(IMAGE, toy("p", op, "x", shape)))[1].op
        for op, shape in (
            ("adaptive_avg_pool2d", (1, 4, 1, 1)),
            ("adaptive_avg_pool2d", (1, 4, 1, 2)),
            ("adaptive_max_pool2d", (1, 4, 1, 1)),
        )
    ]
    assert ops == ["global_avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"]


def test_of_branches_that_join_the_longest_comes_first() -> None:
    layers = [IMAGE, toy("short", "conv2d", "x"), toy("a", "conv2d", "x"), toy("b", "relu", "a")]
    layers.append(toy("add", "add", "short b"))
    assert [layer.id for layer in settled_order(layers)] == ["x", "a", "b", "short", "add"]
    # However they stood, they stand alike.
    other = [layers[0], *layers[2:4], layers[1], toy("add", "add", "b short")]
    assert [layer.id for layer in settled_order(other)] == ["x", "a", "b", "short", "add"]
    # Branches of one length stand as the layer that joins them reads them, and ends as they stood.
    even = [IMAGE, toy("p", "conv2d", "x"), toy("q", "relu", "x"), toy("cat", "concat", "q p"), toy("end", "relu", "x")]
    assert [layer.id for layer in settled_order(even)] == ["x", "q", "p", "cat", "end"]


def keras(*layers: Layer, modules: tuple[tuple[str, str], ...] = ()) -> Summary:
    return network(*layers, backend="keras", modules=modules)


def test_names_that_keras_counted_are_counted_again() -> None:
    layers = (
        toy("input_layer_3", "input", type="InputLayer"),
        toy("conv2d_7", "conv2d", "input_layer_3", type="Conv2D"),
        toy("conv2d_9", "conv2d", "conv2d_7", type="Conv2D"),
        toy("re_lu_4", "relu", "conv2d_9", type="ReLU"),
        toy("dense_2", "dense", "re_lu_4", type="Dense"),
        toy("conv2d_head", "conv2d", "dense_2", type="Conv2D"),
        toy("my_dense_1", "dense", "conv2d_head", type="Dense"),
        toy("dense_2#2", "dense", "my_dense_1", path="dense_2", type="Dense"),
    )
    found = settled_names(keras(*layers))
    assert [layer.id for layer in found] == [
        *("input_layer", "conv2d", "conv2d_1", "re_lu", "dense", "conv2d_head", "my_dense_1", "dense#2"),
    ]
    assert found[7].path == "dense"
    assert [layer.inputs for layer in found[1:3]] == [("input_layer",), ("conv2d",)]


def test_each_model_counts_for_itself() -> None:
    layers = (
        toy("a", "input", type="InputLayer"),
        toy("sequential_4.dense_8", "dense", "a", type="Dense"),
        toy("sequential_5.dense_9", "dense", "a", type="Dense"),
    )
    modules = (("", "Functional"), ("sequential_4", "Sequential"), ("sequential_5", "Sequential"))
    assert [layer.id for layer in settled_names(keras(*layers, modules=modules))] == [
        *("a", "sequential.dense", "sequential_1.dense"),
    ]
    # In torch, numbers are where a layer is.
    torch = network(toy("dense_7", "dense", type="Dense"))
    assert settled_names(torch) == torch.layers


def weights(op: str, *named: tuple[str, int, str]) -> Layer:
    made = tuple(Parameter(name, (size,), "float32", role) for name, size, role in named)
    return toy(op, op, parameters=made)


def test_a_difference_in_parameters_is_told_by_what_they_are() -> None:
    old = network(
        weights("conv2d", ("c.weight", 100, "trainable"), ("c.bias", 3, "trainable")),
        weights("dense", ("d.weight", 10, "trainable")),
    )
    new = network(
        weights("conv2d", ("c/kernel", 90, "trainable"), ("c/bias", 4, "trainable")),
        weights("dense", ("d.weight", 10, "trainable")),
        weights(
            "batch_norm", ("b.bias", 2, "trainable"), ("b.gamma", 2, "trainable"), ("b.moving_mean", 20, "statistics")
        ),
        weights("layer_norm", ("l.gamma", 6, "trainable")),
    )
    found = reconcile(old, new)
    assert list(found.items()) == [
        ("batch-norm statistics", 20),
        ("convolution weights", -10),
        ("layer norm weights", 6),
        ("batch-norm weights", 4),
        ("convolution biases", 1),
    ]
    assert sum(found.values()) == new.totals.params - old.totals.params
    uncounted = network(toy("n", "batch_norm", parameters=(Parameter("m", (5,), "float32", "statistics", False),)))
    assert reconcile(old, old) == reconcile(network(), uncounted) == {}


def test_a_network_in_keras_words_is_the_one_in_torchs() -> None:
    torch = network(
        toy("x", "input", shape=(1, 3, 8, 8)),
        toy("conv1", "conv2d", "x", (1, 4, 8, 8), params=12, type="Conv2d"),
        toy("pool", "adaptive_avg_pool2d", "conv1", (1, 4, 1, 1), type="AdaptiveAvgPool2d"),
    )
    other = keras(
        toy("input_layer", "input", shape=(1, 8, 8, 3), layout="NHWC", type="InputLayer"),
        toy("conv2d", "conv2d", "input_layer", (1, 8, 8, 4), layout="NHWC", params=12, type="Conv2D"),
        toy("gap", "global_avg_pool2d", "conv2d", (1, 1, 1, 4), layout="NHWC", type="GlobalAveragePooling2D"),
    )
    found = compare(torch, other)
    assert [layer.status for layer in found.layers] == ["same"] * 3
    assert (found.reconciled, found.renamings, found.causes) == ({}, (), ())


def test_inputs_that_differ_are_refused_or_compared() -> None:
    small = network(toy("x", "input", shape=(1, 4, 4, 4)))
    said = r"the inputs differ: 1x4x4x4 NCHW against 1x4x8x8 NCHW, and with them every shape. Give both sides the same"
    with pytest.raises(InputError, match=said):
        compare(small, network(IMAGE))
    with pytest.raises(InputError, match=r"differ: 2x3 against 2x4, 5, and"):
        compare(network(inputs=(tensor(2, 3),)), network(inputs=(tensor(2, 4), tensor(5))))
    found = compare(small, network(IMAGE), any_input=True)
    assert {change.field: (change.old, change.new, change.kind) for change in found.whole} == {
        "inputs": (((1, 4, 4, 4),), ((1, 4, 8, 8),), "shapes"),
        "outputs": (((1, 4, 4, 4),), ((1, 4, 8, 8),), "shapes"),
    }


def test_differences_of_the_whole_and_its_totals() -> None:
    old = network(IMAGE, toy("a", "conv2d", "x", params=7, macs=50), unused=("u",))
    new = network(
        toy("x", "input", output_tensors=(tensor(1, 4, 8, 8, dtype="int8"),), type="Input"),
        toy("a", "conv2d", "x", params=9, macs=None, output_tensors=(tensor(1, 4, 8, 8, dtype="int8"),)),
    )
    found = compare(old, new)
    assert {change.field: (change.old, change.new, change.kind) for change in found.whole} == {
        "input_dtypes": (("float32",), ("int8",), "config"),
        "output_dtypes": (("float32",), ("int8",), "config"),
        "unused_params": (("u",), (), "params"),
    }
    assert [(total.name, total.old, total.new) for total in found.totals] == [
        ("params", 7, 9),
        ("trainable_params", 7, 9),
        ("frozen_params", 0, 0),
        ("statistics", 0, 0),
        ("macs", 50, 0),
        ("param_bytes", 28, 36),
        ("activation_bytes", 4 * 4 * 8 * 8, 4 * 8 * 8),
        ("layers", 2, 2),
        ("uncounted", 0, 1),
    ]


def test_batch_norms_that_an_exporter_folded_are_one_cause_and_others_are_lost_layers() -> None:
    def convolution(name: str, reads: str, bias: bool, channels: int = 4) -> Layer:
        attributes = {"out_channels": channels, "bias": bias}
        return toy(name, "conv2d", reads, (1, channels, 8, 8), params=36 + 4 * bias, attributes=attributes)

    def norm(name: str, reads: str) -> Layer:
        return toy(name, "batch_norm", reads, params=8, attributes={"channels": 4})

    before = network(
        IMAGE,
        *(convolution("a", "x", False), norm("a_bn", "a")),
        *(convolution("b", "a_bn", False), norm("b_bn", "b")),
        *(convolution("c", "b_bn", True), norm("c_bn", "c")),
    )
    after = network(
        IMAGE,
        convolution("a", "x", True),
        convolution("b", "a", False),
        convolution("c", "b", True),
        backend="onnx",
        trace=Trace("graph"),
    )
    diff = compare(before, after)
    # The second convolution got no bias, and the third had one before: nothing stands for their norms.
    assert folded_norms(diff.layers) == {"a_bn"}
    text = render(diff, "table", DiffView())
    assert "1 batch norm folded into the convolutions before, by their shapes\n" in text
    assert [line.split()[:2] for line in text.splitlines() if "folded into the layer before" in line] == [["-", "a_bn"]]
    assert folded_norms(compare(before, before).layers) == frozenset()
    back = compare(after, before)
    assert folded_norms(back.layers) == {"a_bn"}
    text = render(back, "table", DiffView())
    assert "1 batch norm folded into the convolutions before in the old, by their shapes\n" in text
    # Of two models that run, nobody folds: they were removed.
    assert "folded" not in render(compare(before, replace(after, trace=before.trace)), "table", DiffView())
    assert [line.split()[:2] for line in text.splitlines() if "before in the old ·" in line] == [["+", "a_bn"]]
