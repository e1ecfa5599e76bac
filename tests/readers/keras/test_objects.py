"""What people's own Keras models do: every number here is arithmetic, every edge is drawn by hand."""

from __future__ import annotations

import os
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.errors import BadRequestError, InputError
from tests.support.command import in_child, needs, script


def rows(summary: Any) -> list[tuple[Any, ...]]:
    """Id, parameters, MACs and inputs of each layer."""
    return [(layer.id, layer.params, layer.macs, layer.inputs) for layer in summary.layers]


@in_child("tensorflow")
def test_an_unbuilt_sequential() -> None:
    import keras

    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.Dense(2, "softmax")])
    summary = summarize(model, (3, 5, 1))
    assert rows(summary) == [
        ("input", 0, 0, ()),
        ("flatten", 0, 0, ("input",)),
        ("dense", 15 * 4 + 4, 15 * 4, ("flatten",)),
        ("dense_1", 4 * 2 + 2, 4 * 2, ("dense",)),
    ]
    assert summary.layers[-1].attribute("activation") == "softmax"
    assert summary.totals.params == model.count_params()


@in_child("tensorflow")
def test_an_image_stays_one_through_a_sum_that_is_spread_over_it() -> None:
    import keras

    image = keras.Input((8, 6, 3))
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True)(image)
    layers = summarize(keras.Model(image, keras.layers.Add()([image, whole])), (8, 6, 3)).layers
    assert [layer.output_tensors[0].layout for layer in layers] == ["NHWC"] * 3


@in_child("tensorflow")
def test_a_subclassed_model_with_functional_operations() -> None:
    import keras

    class Block(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first = keras.layers.Dense(4)

        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(4,), name="scale")

        def call(self, x: Any) -> Any:
            return x + keras.ops.relu(self.first(x)) * self.scale

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()
            self.again = keras.layers.Dense(4)
            self.never = keras.layers.Dense(3)
            self.never.build((None, 2))

        def call(self, x: Any) -> Any:
            y = self.again(self.again(self.block(x)))
            return keras.ops.matmul(y, keras.ops.transpose(y))

    model = Net()
    summary = summarize(model, (4,), batch=2)
    assert rows(summary) == [
        ("input", 0, 0, ()),
        ("block.dense", 20, 2 * 16, ("input",)),
        ("block.relu", 0, 0, ("block.dense",)),
        ("block.mul", 4, 0, ("block.relu",)),
        ("block.add", 0, 0, ("input", "block.mul")),
        ("dense_1", 20, 2 * 16, ("block.add",)),
        ("dense_1:2", 0, 2 * 16, ("dense_1",)),
        ("transpose", 0, 0, ("dense_1:2",)),
        ("matmul", 0, 2 * 2 * 4, ("dense_1:2", "transpose")),
        ("dense_2", 9, 0, ()),
    ]
    assert summary.unused == ("dense_2/kernel", "dense_2/bias")
    assert summary.totals.params == model.count_params() == 20 + 4 + 20 + 9
    assert dict(summary.modules)["block"] == "Block"


@in_child("tensorflow")
def test_a_shared_layer_keeps_the_shapes_of_this_model() -> None:
    import keras

    shared = keras.layers.Conv2D(2, 3)
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, shared(inputs))
    elsewhere = keras.Input((32, 32, 3))
    shared(elsewhere)
    nodes = len(shared._inbound_nodes)
    summary = summarize(model, (8, 8, 3))
    assert summary.layers[1].output_tensors[0].shape == (1, 6, 6, 2)
    assert len(shared._inbound_nodes) == nodes


@in_child("tensorflow")
def test_nested_models_stand_under_their_path() -> None:
    import keras

    inner = keras.Sequential([keras.layers.Dense(4, name="a"), keras.layers.ReLU(name="b")], name="inner")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Add(name="sum")([inner(inputs), inputs]))
    assert rows(summarize(model, (4,))) == [
        ("input", 0, 0, ()),
        ("inner.a", 20, 16, ("input",)),
        ("inner.b", 0, 0, ("inner.a",)),
        ("sum", 0, 0, ("inner.b", "input")),
    ]


@in_child("tensorflow")
def test_macs_of_every_kind_of_layer() -> None:
    import keras
    from keras import layers

    def macs(layer: Any, *shapes: tuple[int, ...]) -> int | None:
        inputs = [keras.Input(batch_shape=shape) for shape in shapes]
        model = keras.Model(inputs, layer(*inputs))
        totals = summarize(model, list(shapes) if len(shapes) > 1 else shapes[0]).totals
        return None if totals.uncounted else totals.macs

    # 6 x 6 positions, each 3 x 3 x 4 inputs, to 5 outputs.
    assert macs(layers.Conv2D(5, 3), (1, 8, 8, 4)) == 36 * 36 * 5
    assert macs(layers.Conv2D(6, 3, groups=2), (1, 8, 8, 4)) == 36 * 9 * 2 * 6
    assert macs(layers.Conv1D(5, 3, padding="causal"), (1, 8, 4)) == 8 * 12 * 5
    assert macs(layers.Conv3D(5, 2), (1, 4, 4, 4, 3)) == 27 * 24 * 5
    assert macs(layers.DepthwiseConv2D(3, depth_multiplier=2), (1, 8, 8, 4)) == 36 * 9 * 8
    assert macs(layers.SeparableConv2D(5, 3), (1, 8, 8, 4)) == 36 * 9 * 4 + 36 * 4 * 5
    # Every one of the 8 x 8 x 4 inputs meets a 3 x 3 kernel of 5 outputs.
    assert macs(layers.Conv2DTranspose(5, 3, strides=2), (1, 8, 8, 4)) == 256 * 45
    assert macs(layers.EinsumDense("abc,cd->abd", output_shape=(None, 6)), (2, 3, 4)) == 2 * 3 * 4 * 6
    # 5 positions; per step 4, 3 or 1 products of (4 inputs + 6 states) with 6 units.
    assert macs(layers.LSTM(6), (2, 5, 4)) == 2 * 5 * 4 * 60
    assert macs(layers.GRU(6), (2, 5, 4)) == 2 * 5 * 3 * 60
    assert macs(layers.SimpleRNN(6), (2, 5, 4)) == 2 * 5 * 60
    assert macs(layers.Bidirectional(layers.LSTM(6)), (2, 5, 4)) == 2 * 2 * 5 * 4 * 60
    assert macs(layers.RNN([layers.LSTMCell(6), layers.GRUCell(3)]), (2, 5, 4)) == 10 * (4 * 60 + 3 * 3 * 9)
    assert macs(layers.TimeDistributed(layers.Dense(3)), (2, 5, 4)) == 2 * 5 * 4 * 3
    # Two heads of 3: projections of 5 queries, 7 keys and values of width 4, scores and sums, and back to width 4.
    attention = 5 * 4 * 6 + 2 * 7 * 4 * 6 + 2 * (2 * 5 * 7 * 3) + 5 * 6 * 4
    assert macs(layers.MultiHeadAttention(2, 3), (1, 5, 4), (1, 7, 4)) == attention
    assert macs(lambda a, b: layers.Dot(axes=(2, 2))([a, b]), (2, 5, 4), (2, 7, 4)) == 2 * 5 * 7 * 4
    assert macs(layers.BatchNormalization(), (1, 8, 8, 4)) == 0
    assert macs(layers.Lambda(lambda x: x * 2), (2, 4)) == 0


@in_child("tensorflow")
def test_code_of_the_backend_makes_one_row_of_its_layer() -> None:
    import keras
    import tensorflow as tf

    class Raw(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = keras.layers.Dense(4)

        def call(self, x: Any) -> Any:
            return tf.nn.relu(self.inner(x))

    summary = summarize(keras.Sequential([Raw()]), (4,))
    assert rows(summary) == [("input", 0, 0, ()), ("raw", 20, None, ("input",))]
    assert summary.totals.uncounted == ("raw",)


@in_child("tensorflow")
def test_frozen_layers_and_the_optimizers_state() -> None:
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="a"), keras.layers.BatchNormalization()])
    model.get_layer("a").trainable = False
    model.compile("adam", "mse")
    totals = summarize(model, (4,)).totals
    # Dense 4 x 4 + 4 frozen; scale and shift trainable; mean and variance are statistics.
    assert (totals.params, totals.frozen_params, totals.trainable_params, totals.statistics) == (36, 20, 8, 8)


@in_child("tensorflow")
def test_nothing_is_trained_of_a_frozen_model_that_is_loaded() -> None:
    import keras

    row = keras.Input((5, 4))
    model = keras.Model(row, keras.layers.MultiHeadAttention(2, 3)(row, row))
    model.trainable = False
    loaded = keras.Model.from_config(model.get_config())
    # The projections in it don't know, so that Keras' variables say that they are trained, and its model that none is.
    assert (len(loaded.trainable_variables), any(weight.trainable for weight in loaded.weights)) == (0, True)
    totals = summarize(loaded, (5, 4)).totals
    assert (totals.trainable_params, totals.frozen_params) == (0, loaded.count_params())


@in_child("tensorflow")
def test_masks_are_rows_where_somebody_reads_them() -> None:
    import keras
    from keras import layers

    keras.backend.clear_session()
    row = keras.Input((6, 4))
    steps = layers.Masking(name="steps")(row)
    read = keras.Model(row, layers.GRU(3, name="gru")(steps))
    lost = keras.Model(row, layers.Conv1D(3, 3, name="conv")(steps))
    assert {layer.id: layer.inputs for layer in summarize(read, (6, 4)).layers} == {
        "input": (),
        "not_equal": ("input",),
        "any": ("not_equal",),
        "steps": ("input",),
        "gru": ("steps", "any"),
    }
    assert [layer.id for layer in summarize(lost, (6, 4)).layers] == ["input", "steps", "conv"]


@in_child("tensorflow")
def test_several_inputs() -> None:
    import keras

    a, b = keras.Input((4,), name="left"), keras.Input((6,), name="right")
    model = keras.Model([a, b], keras.layers.Concatenate()([a, b]))
    summary = summarize(model, [(4,), (6,)])
    assert summary.layers[-1].inputs == ("left", "right")
    assert summary.outputs[0].shape == (1, 10)


@in_child("tensorflow")
def test_a_wrong_input_names_the_layer() -> None:
    import keras

    model = keras.Sequential([keras.layers.Conv2D(4, 3, name="first"), keras.layers.Conv2D(4, 9, name="second")])
    with pytest.raises(InputError, match="second"):
        summarize(model, (8, 8, 3))
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="only")])
    with pytest.raises(InputError, match="only"):
        summarize(dense, (5,))
    with pytest.raises(BadRequestError, match="has batch 2"):
        summarize(dense, (2, 4), batch=3)


@needs("tensorflow")
@needs("torch")
def test_keras_on_torch_gives_the_same_rows() -> None:
    source = """
from resnet_inspect.answers import adapter
from resnet_inspect.readers.request import Request
from resnet_inspect import ir_json
from dataclasses import replace
for name in ("ResNet50V2", "MobileNetV3Small", "ConvNeXtTiny"):
    print(ir_json.dumps(replace(adapter("keras").summarize(Request(name)).summary, environment=())))
import keras; print(keras.config.backend() == BACKEND)
"""
    rows = {}
    for backend in ("tensorflow", "torch"):
        os.environ["KERAS_BACKEND"] = backend
        try:
            rows[backend] = script(source.replace("BACKEND", repr(backend)))
        finally:
            del os.environ["KERAS_BACKEND"]
    assert rows["torch"].endswith("True\n")
    assert rows["torch"] == rows["tensorflow"]
