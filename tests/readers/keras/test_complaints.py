"""What people complain about in other summaries of Keras models. Numbers are Keras' own, or arithmetic by hand."""

from __future__ import annotations

import os
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.call import Call
from resnet_inspect.errors import BadRequestError, InputError
from resnet_inspect.render import View, render
from tests.support.command import in_child, needs, run, script


def macs(summary: Any) -> dict[str, int | None]:
    """Multiply-adds of each layer that has any, or of which nobody knows."""
    return {layer.id: layer.macs for layer in summary.layers if layer.macs != 0}


def same_count(model: Any, summary: Any) -> bool:
    """Whether the rows add up to what Keras itself counts, in all and by what is trained."""
    trained = sum(prod(weight.shape) for weight in model.trainable_weights)
    return (summary.totals.params, summary.totals.trainable_params) == (model.count_params(), trained)


@in_child("tensorflow")
def test_inputs_and_outputs_may_be_nested_and_have_names_and_types() -> None:
    import keras
    from keras import layers

    ids = keras.Input((6,), dtype="int32", name="ids")
    extra = keras.Input((3,), name="extra")
    words = layers.Embedding(10, 4, name="words")(ids)
    left = layers.Dense(2, name="left")(words)
    right = layers.Dense(5, name="right")(extra)
    model = keras.Model({"ids": ids, "extra": extra}, {"left": left, "deep": [right, {"again": words}]})
    for given in ({"ids": "2x6:int32", "extra": "2x3"}, {"extra": (2, 3), "ids": (2, 6)}):
        summary = summarize(model, given)
        assert {layer.path: layer.output_tensors[0].dtype for layer in summary.layers[:2]} == {
            "ids": "int32",
            "extra": "float32",
        }
        # Six positions of width 4 to 2; one of width 3 to 5; twice.
        assert macs(summary) == {"left": 2 * 6 * 4 * 2, "right": 2 * 3 * 5}
        assert sorted(tensor.shape for tensor in summary.outputs) == [(2, 5), (2, 6, 2), (2, 6, 4)]
        assert same_count(model, summary)
    with pytest.raises(BadRequestError, match="no input 'id'"):
        summarize(model, {"id": (2, 6), "extra": (2, 3)})

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(4, name="dense")

        def call(self, data: Any, scale: Any = None, deep: bool = False, training: bool = False) -> Any:
            first, (second, rest) = data["first"], data["more"]
            out = self.dense(first) + self.dense(second)
            return {"sum": out if scale is None else out * scale, "rest": rest, "deep": deep, "none": None}

    data = '{"first": "1x3", "more": ["1x3", "1x7"]}'
    call = Call.from_json(f'{{"args": [{data}], "kwargs": {{"scale": "1x4", "deep": true}}}}')
    from resnet_inspect.readers.keras.object import summarize_object

    found = summarize_object(Net(), call)
    assert macs(found) == {"dense": 12, "dense:2": 12}
    assert [tensor.shape for tensor in found.outputs] == [(1, 7), (1, 4)]  # in the order of their names
    assert found.layers[-1].op == "mul"


@in_child("tensorflow")
def test_tables_are_whole_and_every_shape_is_known() -> None:
    import keras
    from keras import layers

    class Block(layers.Layer):  # it has no get_config, no build, no compute_output_shape
        def __init__(self, width: int) -> None:
            super().__init__(name="a_block_with_a_name_that_is_far_too_long_for_any_column_of_a_table")
            self.inner = [layers.Dense(width, name="one"), layers.Dense(width, name="two")]

        def call(self, x: Any) -> Any:
            for layer in self.inner:
                x = keras.ops.gelu(layer(x))
            return keras.ops.concatenate([x, keras.ops.zeros_like(x)], axis=-1)

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block, self.head = Block(6), layers.Dense(2, name="head")

        def call(self, x: Any) -> Any:
            features = self.block(x)
            return self.head(features), features

    model = Net()
    summary = summarize(model, (5,))
    assert all(None not in tensor.shape for layer in summary.layers for tensor in layer.output_tensors)
    block = "a_block_with_a_name_that_is_far_too_long_for_any_column_of_a_table"
    assert macs(summary) == {f"{block}.one": 30, f"{block}.two": 36, "head": 24}
    assert [tensor.shape for tensor in summary.outputs] == [(1, 2), (1, 12)]
    assert same_count(model, summary)
    table = render(summary, "table", View())
    assert f"{block}.gelu_1" in table or (block in table and "gelu_1" in table)
    assert "…" not in table
    assert "?" not in table


@in_child("tensorflow")
def test_what_training_adds_is_not_counted_and_shared_layers_are_counted_once() -> None:
    import keras
    import numpy
    from keras import layers

    shared = layers.Dense(4, name="shared")
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, shared(shared(shared(inputs))))
    model.compile("adam", "mse")
    model.fit(numpy.zeros((2, 4)), numpy.zeros((2, 4)), verbose=0)
    summary = summarize(model, (4,))
    # 4 x 4 and 4, once; Adam's two moments and its counters aren't the model's.
    assert summary.totals.params == 20
    assert macs(summary) == {"shared": 16, "shared:2": 16, "shared:3": 16}
    assert [layer.shared for layer in summary.layers[2:]] == [("shared/kernel", "shared/bias")] * 2


@in_child("tensorflow")
def test_wrapped_recurrent_layers_have_macs_whatever_wraps_them() -> None:
    import keras
    from keras import layers

    def total(layer: Any, *shape: int) -> int | None:
        model = keras.Sequential([keras.Input(shape), layer])
        summary = summarize(model, shape)
        assert same_count(model, summary)
        return None if summary.totals.uncounted else summary.totals.macs

    # Five steps; an LSTM has four gates, a GRU three, of (4 inputs + 6 states) to 6.
    lstm, gru = 5 * 4 * 10 * 6, 5 * 3 * 10 * 6
    assert total(layers.Bidirectional(layers.GRU(6)), 5, 4) == 2 * gru
    assert (
        total(layers.Bidirectional(layers.LSTM(6), backward_layer=layers.GRU(6, go_backwards=True)), 5, 4) == lstm + gru
    )
    assert total(layers.RNN(layers.LSTMCell(6)), 5, 4) == lstm
    # The second cell reads the six states of the first.
    assert total(layers.RNN([layers.LSTMCell(6), layers.SimpleRNNCell(3)]), 5, 4) == lstm + 5 * (6 + 3) * 3
    assert total(layers.TimeDistributed(layers.Conv2D(2, 3)), 5, 8, 8, 4) == 5 * 36 * 9 * 4 * 2
    # At each of five steps and 6 x 6 places: four gates of 2 filters read 3 x 3 x (4 channels + 2 states).
    assert total(layers.ConvLSTM2D(2, 3), 5, 8, 8, 4) == 5 * 36 * 4 * 2 * 9 * (4 + 2)

    class Own(layers.Layer):  # a cell that nobody knows
        state_size = output_size = 3

        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(shape[-1], 3), name="w")

        def call(self, x: Any, states: Any) -> Any:
            out = keras.ops.matmul(x, self.w) + states[0]
            return out, [out]

    assert total(layers.RNN(Own()), 5, 4) is None


@in_child("tensorflow")
def test_masks_and_keywords_dont_change_what_attention_costs() -> None:
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.words = layers.Embedding(10, 8, mask_zero=True, name="words")
            self.attend = layers.MultiHeadAttention(2, 4, name="attend")
            self.steps = layers.LSTM(3, name="steps")

        def call(self, ids: Any) -> Any:
            x = self.words(ids)
            mask = keras.ops.expand_dims(keras.ops.ones_like(ids, dtype="bool"), 1)
            return self.steps(self.attend(value=x, attention_mask=mask, query=x))

    summary = summarize(Net(), {"ids": "1x7:int32"})
    # Four projections of 7 x 8 to 8; for two heads of 4, 7 x 7 scores and 7 x 7 sums.
    assert macs(summary) == {"attend": 4 * 7 * 8 * 8 + 2 * (2 * 7 * 7 * 4), "steps": 7 * 4 * (8 + 3) * 3}


@needs("keras", "3.12")
@in_child("tensorflow")
def test_an_embedding_that_is_used_backwards_is_a_product_with_all_words() -> None:
    import keras
    from keras import layers

    backwards = layers.ReversibleEmbedding(10, 8, name="words")
    ids = keras.Input((7,), dtype="int32", name="ids")
    model = keras.Model(ids, backwards(backwards(ids), reverse=True))
    # Seven vectors of width 8 with those of ten words; the table is one.
    summary = summarize(model, (7,))
    assert macs(summary) == {"words:2": 7 * 8 * 10}
    assert summary.totals.params == 80


@in_child("tensorflow")
def test_tokens_made_of_a_weight_alone_are_used() -> None:
    import keras
    from keras import layers

    class Positions(layers.Layer):
        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=(16, shape[-1]), name="table")

        def call(self, x: Any) -> Any:
            return keras.ops.broadcast_to(self.table[: x.shape[1]], x.shape)

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.token = self.add_weight(shape=(1, 1, 4), name="token")
            self.idle = self.add_weight(shape=(9,), name="idle")
            self.positions, self.dense = Positions(name="positions"), layers.Dense(2, name="dense")

        def call(self, x: Any) -> Any:
            x = x + self.positions(x)
            tokens = keras.ops.broadcast_to(self.token, (x.shape[0], 1, 4))
            return self.dense(keras.ops.concatenate([tokens, x], axis=1))

    model = Net()
    summary = summarize(model, (5, 4))
    assert [name.rpartition("/")[2] for name in summary.unused] == ["idle"]
    assert summary.totals.params == 16 * 4 + 4 + 9 + (4 * 2 + 2)
    assert summary.outputs[0].shape == (1, 6, 2)
    # Nobody knows what somebody's own code does with its weights.
    assert macs(summary) == {"positions": None, "dense": 6 * 4 * 2}


@in_child("tensorflow")
def test_a_model_stays_as_it_was_even_if_its_code_fails() -> None:
    import keras
    import numpy
    from keras import layers

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(name="norm")
            self.drop, self.head = layers.Dropout(0.5, seed=1), layers.Dense(2, name="head")
            self.calls = 0

        def call(self, x: Any, training: bool = False) -> Any:
            x = keras.ops.mean(self.drop(self.norm(self.conv(x))), axis=(1, 2))
            if x.shape[0] == 3:
                raise RuntimeError("three is too many")
            return self.head(x)

    model = Net()
    model.compile("adam", "mse")
    model.fit(numpy.ones((2, 8, 8, 3)), numpy.ones((2, 2)), verbose=0)
    model.conv.trainable = False
    model.norm.trainable = False

    def state() -> Any:
        seeds = [layer.seed_generator.state for layer in (model.drop,)]
        held = [*model.weights, *model.optimizer.variables, *seeds]
        nodes = [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model._flatten_layers()]
        flags = [layer.trainable for layer in model._flatten_layers()]
        return [numpy.array(item).tolist() for item in held], flags, nodes, keras.config.dtype_policy().name

    before = state()
    assert summarize(model, (8, 8, 3)).totals.frozen_params == 3 * 3 * 3 * 4 + 4 + 8
    assert state() == before
    with pytest.raises(InputError, match="three is too many"):
        summarize(model, (8, 8, 3), batch=3)
    with pytest.raises(InputError, match="conv"):
        summarize(model, (8, 8, 5))
    assert state() == before
    history = model.fit(numpy.ones((2, 8, 8, 3)), numpy.ones((2, 2)), verbose=0)
    assert numpy.isfinite(history.history["loss"][0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each draws in a fork of one interpreter")
@needs("tensorflow")
def test_random_numbers_go_on_as_if_nothing_had_been() -> None:
    told = script("""
import os, random, sys
import keras, numpy
from resnet_inspect import summarize
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
    def call(self, x):
        return self.dense(keras.random.dropout(x, 0.5) + keras.random.normal((4,)))
# Some versions of Keras only start anew in an interpreter that has drawn nothing yet.
for drawn_before in (False, True):
    for summarized in (False, True):
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            continue
        keras.utils.set_random_seed(7)
        if drawn_before:
            keras.random.uniform(())
        model = Net()
        model.build((1, 4))
        if summarized:
            assert summarize(model, (4,)).totals.params == 15
        print(float(keras.random.uniform(())), random.random(), numpy.random.rand())
        sys.stdout.flush()
        os._exit(0)
""")
    first, with_summary, later, later_with_summary = told.splitlines()
    assert first == with_summary
    assert later == later_with_summary
    assert first.split()[0] != later.split()[0]


@in_child("tensorflow")
def test_the_layer_that_fails_is_named_with_its_shapes_and_the_authors_line() -> None:
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = layers.Dense(4, name="one"), layers.Dense(4, name="two")
            self.two.build((None, 7))

        def call(self, x: Any) -> Any:
            return self.two(self.one(x))

    with pytest.raises(InputError) as caught:
        summarize(Net(), (5,))
    assert caught.value.layer == "two"
    assert "(1, 4)" in str(caught.value)  # what it got
    assert "7" in str(caught.value)  # what it takes
    assert "test_complaints.py:" in str(caught.value)

    class Reads(keras.Model):
        def call(self, x: Any) -> Any:
            return x if keras.ops.sum(x) > 0 else -x

    with pytest.raises(InputError, match=r"decides by a tensor's values.*data"):
        summarize(Reads(), (5,))


@in_child("tensorflow")
def test_hundreds_of_layers_in_a_row_and_in_one_another() -> None:
    import keras
    from keras import layers

    row = keras.Sequential([keras.Input((2,)), *(layers.Dense(2) for _ in range(400))])
    assert summarize(row, (2,)).totals.params == 400 * 6
    deep: Any = keras.Sequential([layers.Dense(2)])
    for _ in range(60):
        deep = keras.Sequential([deep])
    summary = summarize(deep, (2,))
    assert (summary.totals.params, summary.layers[-1].path.count(".")) == (6, 60)


NET = """
import keras

def build(width=4):
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(width, 3, name="conv"), layers.Flatten()])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"])
    return model
"""


@needs("tensorflow")
def test_code_that_compiles_its_model_is_built_without_a_value() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.py")
        path.write_text(NET)
        done = run("summary", f"{path}:build", "--arg", "width=5", "--format", "csv", warm="keras")
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = done.stdout.splitlines()
    assert any("conv" in row and str(27 * 5 + 5) in row and str(36 * 27 * 5) in row for row in rows)
    assert os.sep + "tmp" not in done.stdout
    assert "path" in header
