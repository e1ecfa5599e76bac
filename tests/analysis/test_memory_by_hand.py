"""Memory of networks of a few layers, by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resnet_inspect.analysis.memory import inference_peak, live_bytes, saved_bytes
from resnet_inspect.ir import UNKNOWN, Layer, Parameter, Tensor
from tests.support.summaries import kept_in_all
from tests.support.toys import IMAGE, network, toy

FLOATS = 4


def live(*layers: Layer, **fields: Any) -> dict[str, int | None]:
    """Bytes alive in the layers, in outputs of 100 floats."""
    return {name: size // 400 if size else size for name, size in live_bytes(network(*layers, **fields)).items()}


def line(name: str, op: str = "dense", reads: str = "", **fields: Any) -> Layer:
    return toy(name, op, reads, (1, 100), **fields)


def test_an_output_lives_until_its_last_reader_has_run() -> None:
    chain = [
        line("x", "input"),
        line("a", reads="x"),
        line("b", reads="a"),
        line("c", reads="b"),
        line("d", reads="c a"),
    ]
    # The input stays; a stays for d.
    assert live(*chain) == {"x": 1, "a": 2, "b": 3, "c": 4, "d": 4}
    assert inference_peak(network(*chain)) == 4 * 400
    assert inference_peak(network()) == 0
    # What nobody reads goes at once.
    assert live(line("x", "input"), line("a", reads="x"), line("b", reads="x")) == {"x": 1, "a": 2, "b": 2}


def test_views_share_their_memory_and_dropout_does_in_inference() -> None:
    chain = [line("x", "input"), line("a", reads="x"), line("v", "reshape", "a"), line("d", "dropout", "v")]
    assert live(*chain, line("b", reads="d")) == {"x": 1, "a": 2, "v": 2, "d": 2, "b": 3}
    assert saved_bytes(network(*chain, line("b", reads="d")))["b"] == 400


def test_a_module_keeps_what_it_is_called_with_until_it_returns() -> None:
    layers = [line("x", "input"), line("a", reads="x"), line("m.b", reads="a"), line("m.n.c", reads="m.b")]
    layers += [line("m.d", reads="m.n.c"), line("e", reads="m.d")]
    # m holds a as long as it runs, n holds m.b.
    assert live(*layers) == {"x": 1, "a": 2, "m.b": 3, "m.n.c": 4, "m.d": 4, "e": 3}


def test_torch_computes_places_of_maxima() -> None:
    chain = [line("x", "input"), line("p", "max_pool1d", "x"), line("a", "avg_pool1d", "x")]
    # 8 bytes an element beside the 4 of the result.
    assert live(*chain)["p"] == 2 + 2
    assert live(*chain)["a"] == 2
    assert live(*chain, backend="tensorflow")["p"] == 2
    assert live(chain[0], replace(chain[1], type="MaxPooling1D"))["p"] == 2
    assert saved_bytes(network(*chain)) == {"x": 0, "p": 400 + 800, "a": 0}


def test_unknown_sizes_make_unknown_sums() -> None:
    odd = line("o", "other", "x", output_tensors=(UNKNOWN,))
    summary = network(line("x", "input"), odd, line("r", "relu", "o"))
    assert live_bytes(summary) == {"x": 400, "o": None, "r": None}
    assert inference_peak(summary) is None
    assert saved_bytes(summary) == {"x": 0, "o": None, "r": 400}
    estimate = kept_in_all(network(*summary.layers, line("b", reads="o")))
    assert estimate == (400, 2)


def saved(layer: Layer, *before: Layer) -> int | None:
    """What training keeps because of a layer that reads x, of 4 x 8 x 8 floats."""
    return saved_bytes(network(IMAGE, *before, layer))[layer.id]


BYTES = 4 * 8 * 8 * FLOATS
DROPPED = toy("l", "feature_dropout", "x", attributes={"p": 0.5})


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (toy("l", "conv2d", "x"), BYTES),
        (toy("l", "relu", "x", (1, 4, 4, 4)), 4 * 4 * 4 * FLOATS),
        (toy("l", "amax", "x", (1, 4)), BYTES + 4 * FLOATS),
        (toy("l", "add", "x x"), 0),
        # Gates of every step, and what several operations keep that no word tells.
        (toy("l", "lstm", "x", params=9), None),
        (toy("l", "other", "x"), None),
        (replace(toy("l", "other", "x"), output_tensors=(Tensor((4,), "int64"),)), 0),
        # A mean and a deviation for each of two groups of one image, each of its channels, each of its 32 positions.
        (toy("l", "group_norm", "x", attributes={"num_groups": 2}), BYTES + 2 * 2 * FLOATS),
        (toy("l", "instance_norm", "x"), BYTES + 2 * 4 * FLOATS),
        (toy("l", "layer_norm", "x", attributes={"normalized_shape": (8, 8)}), BYTES + 2 * 4 * FLOATS),
        (toy("l", "rms_norm", "x"), BYTES + 4 * 8 * FLOATS),
        (toy("l", "rms_norm", "x", params=8), BYTES + 4 * 8 * FLOATS + BYTES),
        # What is mirrored is read once more.
        (toy("l", "pad", "x", attributes={"mode": "reflect"}), BYTES),
        (toy("l", "pad", "x", attributes={"mode": "constant"}), 0),
        # By a number, nothing is kept; by a weight or another value, it is.
        (toy("l", "mul", "x"), 0),
        (toy("l", "div", "x"), 0),
        (toy("l", "mul", "x", params=4), BYTES),
        (toy("l", "mul", "x", shared=("w",)), BYTES),
        (toy("l", "mul", "x x"), BYTES),
        # The mean over an image needs nothing, what adapts to more does.
        (toy("l", "adaptive_avg_pool2d", "x", (1, 4, 1, 1)), 0),
        (toy("l", "adaptive_avg_pool2d", "x", (1, 4, 2, 2)), BYTES),
        # And the places of what was the largest.
        (toy("l", "adaptive_max_pool2d", "x", (1, 4, 1, 1)), BYTES + 4 * 8),
        # A mask beside the result, if anything is dropped.
        (toy("l", "dropout", "x", attributes={"p": 0.5}), BYTES),
        (toy("l", "dropout", "x", attributes={"p": 0.0}), 0),
        (toy("l", "dropout", "x"), 0),
        # Of whole channels, a number a channel; of whole images, a number an image, or one for all.
        (toy("l", "feature_dropout", "x", attributes={"p": 0.5}), 4 * FLOATS),
        (toy("l", "feature_dropout", "x", attributes={"p": 0.5, "noise_shape": (None, 1, 8, 1)}), 8 * FLOATS),
        (replace(DROPPED, output_tensors=(Tensor((2, 8, 8, 4), "float16", "NHWC"),)), 2 * 4 * 2),
        (replace(DROPPED, type="SpatialDropout1D", output_tensors=(Tensor((2, 8, 4), "float32"),)), 2 * 4 * FLOATS),
        (replace(DROPPED, output_tensors=(Tensor((2, 8, 4), "float32"),)), 2 * 8 * FLOATS),
        (toy("l", "stochastic_depth", "x", (3, 4, 8, 8), attributes={"p": 0.5, "mode": "row"}), 3 * FLOATS),
        (toy("l", "stochastic_depth", "x", (3, 4, 8, 8), attributes={"p": 0.5, "mode": "batch"}), FLOATS),
        # Mean and deviation of each of 4 x 8 positions of 8.
        (toy("l", "layer_norm", "x"), BYTES + 2 * 4 * 8 * FLOATS),
        (toy("l", "layer_norm", "x", ()), BYTES),
        (toy("l", "layer_norm", "x", (1, 0)), BYTES),
        # In place, some copy what they overwrite.
        (toy("l", "silu", "x", attributes={"inplace": True}), BYTES + BYTES),
        (toy("l", "relu", "x", attributes={"inplace": True}), BYTES),
        (toy("l", "silu", "x", attributes={"inplace": False}), BYTES),
        # Fused attention keeps its inputs, its result and a number for each query.
        (toy("l", "attention", "x"), 2 * BYTES + 4 * 8 * FLOATS),
        # With weights: what it reads, and query, key, value and result.
        (toy("l", "attention", "x", params=9), BYTES + 4 * BYTES),
        (toy("l", "attention", "x", shared=("w",)), BYTES + 4 * BYTES),
        (toy("l", "quux", "x"), None),
    ],
)
def test_what_training_keeps_of_a_layer(layer: Layer, size: int | None) -> None:
    assert saved(layer) == size


def test_a_batchs_statistics_are_kept_in_floats() -> None:
    statistics = tuple(Parameter(f"n.{name}", (4,), "float16", "statistics") for name in ("mean", "variance"))
    norm = toy("n", "batch_norm", "x", parameters=(*statistics, Parameter("n.w", (4,), "float16", "trainable")))
    assert saved(norm) == BYTES + 2 * 4 * FLOATS


def test_what_two_layers_need_is_kept_once() -> None:
    assert saved(toy("b", "conv2d", "x"), toy("a", "conv2d", "x")) == 0
    assert saved(toy("b", "conv2d", "a"), toy("a", "relu", "x")) == 0
    assert saved(toy("b", "conv2d", "v"), toy("a", "relu", "x"), toy("v", "reshape", "a")) == 0


def test_a_tensor_of_unknown_type_has_no_bytes() -> None:
    assert Tensor((2,), "float3").bytes is None


def test_what_an_unknown_operator_keeps_is_unknown() -> None:
    layers = [line("x", "input"), line("a", "other", "x", macs=None), line("b", "other", "a", macs=0)]
    assert saved_bytes(network(*layers)) == {"x": 0, "a": None, "b": None}
