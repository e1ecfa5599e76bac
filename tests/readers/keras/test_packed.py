"""Keras models whose weights aren't what they compute with. Numbers are Keras' own, or arithmetic by hand."""

from __future__ import annotations

from math import prod

import pytest

from resnet_inspect import summarize
from tests.readers.keras.test_complaints import macs, same_count
from tests.support.command import in_child, needs


@in_child("tensorflow")
def test_mixed_precision_stores_float32_and_gives_float16() -> None:
    import keras
    from keras import layers

    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.Input((16,)), layers.Dense(8), layers.Dense(4, dtype="float32")])
    keras.config.set_dtype_policy("float32")
    summary = summarize(model, (16,))
    params = 16 * 8 + 8 + 8 * 4 + 4
    assert (summary.totals.params, summary.totals.param_bytes) == (params, 4 * params)
    given = {layer.path: layer.output_tensors[0].dtype for layer in summary.layers}
    assert (given["dense"], given["dense_1"]) == ("float16", "float32")


@pytest.mark.parametrize("bits", [8, pytest.param(4, marks=needs("keras", "3.11"))])
@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_quantised_weights_have_their_logical_count_and_their_bytes_in_memory(bits: int) -> None:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((3, 16)),
            layers.Dense(8, name="a"),
            layers.Dense(4, name="b", use_bias=False),
            layers.EinsumDense("abc,cde->abde", (None, 2, 6), name="c"),
        ]
    )
    counted = model.count_params()
    model.quantize(f"int{bits}")
    summary = summarize(model, (3, 16))
    kernels = {p.name: p for layer in summary.layers for p in layer.parameters if p.name.endswith("/kernel")}
    assert {name: (p.size, p.bytes) for name, p in kernels.items()} == {
        "a/kernel": (16 * 8, 16 * 8 * bits // 8),
        "b/kernel": (8 * 4, 8 * 4 * bits // 8),
        "c/kernel": (4 * 2 * 6, 4 * 2 * 6 * bits // 8),
    }
    # Every other weight is stored as it is counted: by Keras' own variables.
    assert summary.totals.param_bytes == sum(w.value.dtype.size * prod(w.shape) for w in model.weights)
    assert macs(summary) == {"a": 3 * 16 * 8, "b": 3 * 8 * 4, "c": 3 * 4 * 2 * 6}
    assert all(layer.attribute("quantization") == f"int{bits}" for layer in summary.layers[1:])
    if bits == 8:
        assert summary.totals.params == model.count_params() > counted  # with a scale for each column


@in_child("tensorflow")
def test_lora_adds_two_thin_matrices_and_freezes_the_kernel() -> None:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((16,)), layers.Dense(8, name="a"), layers.Dense(4, name="b")])
    model.get_layer("a").enable_lora(2)
    summary = summarize(model, (16,))
    assert same_count(model, summary)
    roles = {p.name: p.role for p in summary.layers[1].parameters}
    assert roles == {
        "a/kernel": "frozen",
        "a/bias": "trainable",
        "a/lora_kernel_a": "trainable",
        "a/lora_kernel_b": "trainable",
    }
    # The kernel is used with 16 x 2 times 2 x 8 added to it.
    assert macs(summary) == {"a": 16 * 8 + 16 * 2 * 8, "b": 8 * 4}
