"""TensorFlow's SavedModel folders. Numbers are Keras' own of the exported model, or arithmetic by hand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.errors import BadRequestError, InputError, ModelError
from resnet_inspect.readers.request import Request
from tests.support.command import document, in_child, needs, script


def summary_of(path: str, **request: Any) -> Any:
    """The summary of a folder."""
    from resnet_inspect.readers import file as from_file

    return from_file.summarize(Request.from_options(path, **request)).summary


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_an_exported_network_has_its_operations_edges_and_costs() -> None:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    y = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name="depth")(x)
    y = layers.UpSampling2D(name="up")(y)
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="sum")([x, y]))
    model = keras.Model(inputs, layers.Dense(5, activation="softmax", name="head")(x), name="net")
    model.compile("adam", "mse")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model.export("exported", verbose=False)
        found = summary_of("exported", batch=2)
    assert found.trace.method == "graph"
    assert (found.inputs[0].shape, found.inputs[0].layout) == ((2, 8, 8, 3), "NHWC")
    assert found.outputs[0].shape == (2, 5)
    by_type = {layer.type: layer for layer in found.layers}
    conv, depth, product = by_type["Conv2D"], by_type["DepthwiseConv2dNative"], by_type["MatMul"]
    # Two images: 6 x 6 places of 27 numbers to 4; 3 x 3 places of 9 numbers for each of 4; 4 to 5.
    assert [layer.macs for layer in (conv, depth, product)] == [2 * 36 * 27 * 4, 2 * 9 * 9 * 4, 2 * 4 * 5]
    assert found.totals.macs == sum(layer.macs for layer in (conv, depth, product))
    assert found.totals.uncounted == ()
    assert conv.attribute("padding") == (0, 0)
    assert (depth.attribute("padding"), depth.attribute("groups")) == (((0, 1), (0, 1)), 4)
    assert [parameter.name for parameter in conv.parameters] == ["conv/kernel"]
    add = next(layer for layer in found.layers if layer.path.endswith("sum_1.Add"))
    relu, up = by_type["Relu"], next(layer for layer in reversed(found.layers) if "up_1" in layer.path)
    assert set(add.inputs) == {relu.id, up.id}
    assert add.output_tensors[0].shape == up.output_tensors[0].shape == (2, 6, 6, 4)
    totals = found.totals
    assert (totals.params, totals.statistics) == (model.count_params(), 8)
    assert totals.trainable_params == model.count_params() - 8
    assert found.unused == ()


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_a_published_network_costs_what_keras_says() -> None:
    import keras

    from resnet_inspect import summarize

    model = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), alpha=0.35)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model.export("exported", verbose=False)
        ours, theirs = summary_of("exported").totals, summarize(model, (96, 96, 3)).totals
    assert (ours.params, ours.statistics, ours.macs) == (model.count_params(), theirs.statistics, theirs.macs)
    assert ours.trainable_params == theirs.trainable_params


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_loops_are_counted_where_their_counters_can_be() -> None:
    import tensorflow as tf

    class Loops(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable(tf.ones((4, 4)))

        def by_number(self, x: Any) -> Any:
            for _ in tf.range(1, 14, 3):
                x = tf.matmul(x, self.weight)
            return x

        def by_condition(self, x: Any) -> Any:
            left = tf.constant(2.0)
            while tf.logical_and(left >= 0.5, tf.shape(x)[1] > 3):
                x, left = tf.matmul(x, self.weight), left / 2.0
            return x

        def within(self, x: Any) -> Any:
            for _ in tf.range(3):
                for _ in tf.range(2):
                    x = tf.matmul(x, self.weight)
            return x

        def of_none(self, x: Any) -> Any:
            for _ in tf.range(0):
                x = tf.matmul(x, self.weight)
            return x

        def of_data(self, x: Any) -> Any:
            while tf.reduce_sum(tf.matmul(x, self.weight)) < 9.0:
                x = tf.matmul(x, self.weight)
            return x

        def of_too_many(self, x: Any) -> Any:
            for _ in tf.range(10**9):
                x = tf.matmul(x, self.weight)
            return x

        def without_products(self, x: Any) -> Any:
            while tf.reduce_sum(x) < 9.0:
                x = x * 2.0
            return x

    product = 2 * 4 * 4
    expected = {
        "by_number": (5 * product, 0),  # 1, 4, 7, 10, 13
        "by_condition": (3 * product, 0),  # 2, 1, 0.5
        "within": (6 * product, 0),
        "of_none": (0, 0),
        "of_data": (None, product),  # the condition is always tried
        "of_too_many": (None, 0),
        "without_products": (0, 0),
    }
    model = Loops()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, truth in expected.items():
            function = tf.function(getattr(model, name), input_signature=[tf.TensorSpec((2, 4), tf.float32, name="x")])
            tf.saved_model.save(model, name, signatures=function)
            loop = next(layer for layer in summary_of(name).layers if layer.type.endswith("While"))
            assert (loop.macs, loop.macs_at_least) == truth, name


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_loops_and_sizes_that_are_open_are_unknown_and_never_zero() -> None:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((5, 4), name="steps"), layers.LSTM(3), layers.Dropout(0.5), layers.Dense(2)])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model.export("loop", verbose=False)
        found = summary_of("loop")
        loop = next(layer for layer in found.layers if layer.type == "While")
        # Five steps, each with four gates of what it reads and of the state before.
        assert (loop.macs, dict(loop.attributes)["steps"]) == (5 * (4 * 12 + 3 * 12), 5)
        assert [p.shape for p in loop.parameters] == [(4, 12), (3, 12), (12,)]
        # The states of random generators are not parameters.
        assert found.totals.params == model.count_params()
        inputs = keras.Input((None, None, 3), name="image")
        keras.Model(inputs, layers.Conv2D(2, 3)(inputs)).export("open", verbose=False)
        with pytest.raises(BadRequestError, match=r"sizes of its input 'image' open, \?x\?x\?x3: .*image=1x224x224x3"):
            summary_of("open")
        assert summary_of("open", input="8x6x3").totals.macs == 6 * 4 * 27 * 2
        assert summary_of("open", input_json='{"image": "1x8x6x3"}').outputs[0].shape == (1, 6, 4, 2)
        refused: list[tuple[dict[str, Any], type[Exception], str]] = [
            ({"input": "8x6x4"}, InputError, r"'image' is \?x\?x\?x3 in the file, got 1x8x6x4"),
            ({"input": ["8x6x3", "1"]}, InputError, r"1 input.*got 2"),
            ({"input_json": '{"picture": "1x8x6x3"}'}, BadRequestError, r"none called 'picture'"),
            (
                {"input_json": '{"args": ["1x8x6x3"], "kwargs": {"image": "1x8x6x3"}}'},
                BadRequestError,
                r"is given twice",
            ),
            ({"input_json": '{"image": "1x8x6x3:int32"}'}, InputError, r"is float32, got int32"),
            ({"arg": {"a": 1}}, BadRequestError, r"--arg does not apply"),
            ({"mode": "train"}, BadRequestError, r"--mode does not apply"),
        ]
        for request, kind, words in refused:
            with pytest.raises(kind, match=words):
                summary_of("open", **request)


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_modules_without_keras_and_files_of_tensorflow_1() -> None:
    import tensorflow as tf

    class Own(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = tf.Variable(tf.ones((4, 3)), name="w"), tf.Variable(tf.ones((3,)), name="w")
            self.idle = tf.Variable(tf.ones((9,)), name="idle", trainable=False)

        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"sum": tf.matmul(x, self.one) + self.two, "turned": tf.transpose(x)}

        @tf.function(input_signature=[])
        def nothing(self) -> Any:
            return self.two

    def version_1() -> None:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, (None, 4), name="x")
            y = tf.matmul(x, v1.get_variable("dense/w", (4, 3), use_resource=False))
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, "old", {"x": x}, {"y": y})

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        module = Own()
        tf.saved_model.save(module, "own", signatures={"run": module.__call__})
        found = summary_of("own", batch=2)
        # Two variables of one name are two; the one that nothing reads is listed, too.
        assert (found.totals.params, found.totals.trainable_params) == (12 + 3 + 9, 12 + 3)
        assert found.unused == ("idle",)
        assert (found.totals.macs, found.totals.uncounted) == (2 * 4 * 3, ())
        assert [tensor.shape for tensor in found.outputs] == [(2, 3), (4, 2)]
        tf.saved_model.save(module, "mute", signatures={"nothing": module.nothing})
        mute = summary_of("mute")
        assert (mute.trace.method, mute.unused, mute.totals.params) == ("header", (), 24)
        assert not any(layer.called for layer in mute.layers)
        version_1()
        old = summary_of("old")
        assert [(layer.type, layer.params, layer.macs) for layer in old.layers] == [
            ("Placeholder", 0, 0),
            ("MatMul", 12, 12),
        ]
        # Files of TensorFlow 1 don't say what is trained.
        assert {p.role for layer in old.layers for p in layer.parameters} == {"unknown"}
        Path("damaged").mkdir()
        Path("damaged/saved_model.pb").write_bytes(Path("own/saved_model.pb").read_bytes()[:3000])
        with pytest.raises(ModelError, match="damaged is damaged"):
            summary_of("damaged")


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_no_value_is_read_and_nothing_runs() -> None:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(2, name="d")])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model.export("exported", verbose=False)
        for path in Path("exported/variables").iterdir():
            path.unlink()
        assert summary_of("exported").totals.params == 4 * 2 + 2
        # A custom op that nobody has: its cost is unknown, and no library is asked for it.
        from tensorflow.core.protobuf import saved_model_pb2

        file = saved_model_pb2.SavedModel()
        file.ParseFromString(Path("exported/saved_model.pb").read_bytes())
        for function in file.meta_graphs[0].graph_def.library.function:
            for node in function.node_def:
                if node.op == "BiasAdd":
                    node.op = "SomebodysOwn"
        Path("exported/saved_model.pb").write_bytes(file.SerializeToString())
        found = summary_of("exported")
        own = next(layer for layer in found.layers if layer.type == "SomebodysOwn")
        assert (own.macs, found.totals.uncounted) == (None, (own.id,))
        # A function that calls itself has no end.
        for function in file.meta_graphs[0].graph_def.library.function:
            for node in function.node_def:
                if node.op == "StatefulPartitionedCall":
                    node.attr["f"].func.name = function.signature.name
        Path("exported/saved_model.pb").write_bytes(file.SerializeToString())
        with pytest.raises(ModelError, match="calls itself"):
            summary_of("exported")


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_a_graph_that_contradicts_itself_is_damaged() -> None:
    import keras
    from tensorflow.core.protobuf import saved_model_pb2

    inputs = keras.Input((8, 8, 3), name="image")
    outputs = keras.layers.Reshape((-1, 2))(keras.layers.MaxPooling2D()(keras.layers.Conv2D(4, 3)(inputs)))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        keras.Model(inputs, outputs).export("exported", verbose=False)
        path = Path("exported/saved_model.pb")
        whole = path.read_bytes()

        def changed(kind: str, name: str, values: list[int]) -> str:
            file = saved_model_pb2.SavedModel.FromString(whole)
            for function in file.meta_graphs[0].graph_def.library.function:
                for node in function.node_def:
                    if node.op == kind:
                        node.attr[name].list.i[:] = values
            path.write_bytes(file.SerializeToString())
            return "exported"

        assert summary_of(changed("Conv2D", "strides", [1, 1, 1, 1])).totals.macs == 36 * 27 * 4
        for kind, name, values in (
            ("Conv2D", "strides", [1]),
            ("Conv2D", "strides", [1, 0, 0, 1]),
            ("Conv2D", "dilations", [1]),
            ("MaxPool", "strides", [1, 0, 0, 1]),
            ("MaxPool", "ksize", [2]),
        ):
            with pytest.raises(ModelError, match="exported is damaged: its graph contradicts itself"):
                summary_of(changed(kind, name, values))


@in_child("tensorflow")
def test_what_multiplies_matrices_or_runs_functions_is_unknown_and_other_operations_are_free() -> None:
    from resnet_inspect.ir import Tensor
    from resnet_inspect.readers.savedmodel.calls import Call
    from resnet_inspect.readers.savedmodel.description import describe
    from resnet_inspect.readers.savedmodel.graph import Operation, Value

    def macs(kind: str) -> int | None:
        value = Value((4, 4), "float32")
        operation = Operation(kind, kind, {}, (value,), (value,), flows=True)
        return describe(Call(operation, (Tensor((4, 4), "float32"),), (None,)), None).macs

    unknown = (
        *("UniformQuantizedDot", "UniformQuantizedDotHybrid", "XlaDot", "XlaSparseDenseMatmul", "MapDefun", "Svd"),
        *("BatchFunction", "MatrixInverse", "BatchMatrixInverse", "Qr", "Lu", "Eig", "SelfAdjointEigV2", "XlaLaunch"),
        *("MatrixDeterminant", "LogMatrixDeterminant", "MatrixExponential", "MatrixSquareRoot", "FFT2D"),
    )
    assert {kind: macs(kind) for kind in unknown} == dict.fromkeys(unknown)
    free = ("Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "InvertPermutation", "Inv", "Squeeze", "MatrixDiag", "Softmax")
    assert {kind: macs(kind) for kind in free} == dict.fromkeys(free, 0)


@needs("tensorflow")
def test_a_folder_on_the_command_line() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "exported")
        script(
            "import keras\n"
            "x = keras.Input((4,), name='x')\n"
            f"keras.Model(x, keras.layers.Dense(2)(x)).export({str(path)!r}, verbose=False)\n"
        )
        found = document("summary", str(path))
    assert found["totals"]["params"] == 4 * 2 + 2
    assert found["totals"]["macs"] == 4 * 2
    assert folder not in str(found)


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_each_node_of_a_function_is_looked_up_once_among_its_arguments() -> None:
    import tensorflow as tf

    from resnet_inspect.readers.savedmodel.nodes import Nodes

    given: list[Any] = []
    body = Nodes.body

    def seen(nodes: Nodes, listed: Any, arguments: Any, wanted: Any) -> Any:
        given.append(arguments)
        return body(nodes, listed, arguments, wanted)

    Nodes.body = seen  # type: ignore[assignment, method-assign]
    module = tf.Module()
    module.weights = [tf.Variable(tf.zeros((2, 2))) for _ in range(5)]

    def call(x: Any) -> Any:
        for weight in module.weights:
            x = x @ weight
        return x

    module.call = tf.function(call, input_signature=[tf.TensorSpec((1, 2), tf.float32)])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tf.saved_model.save(module, "saved", signatures=module.call)
        assert summary_of("saved").totals.macs == 5 * 4
    # An input and five variables. In a list, every node would be compared with all of them.
    assert max(map(len, given)) == 6
    assert all(isinstance(names, Set) for names in given)
