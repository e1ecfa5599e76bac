"""Whole Keras models in files. Numbers are Keras' own of the loaded model, or arithmetic by hand."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.errors import BadRequestError, InputError, ModelError
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, needs, run


def summary_of(path: str | Path, **request: Any) -> Any:
    """The summary of a file."""
    from resnet_inspect.readers import file as from_file

    return from_file.summarize(Request.from_options(str(path), **request)).summary


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_files_have_the_rows_that_the_loaded_model_has() -> None:
    import keras
    import numpy
    from keras import layers

    from resnet_inspect import summarize

    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Add(name="sum")([x, layers.Conv2D(4, 3, padding="same", name="again")(x)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(inputs, layers.Dense(5, activation="softmax", name="head")(x), name="net")
    model.get_layer("again").trainable = False
    model.compile("adam", "categorical_crossentropy")
    model.fit(numpy.zeros((2, 8, 8, 3)), numpy.zeros((2, 5)), verbose=0)
    recurrent = keras.Sequential(
        [
            keras.Input((5, 4)),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(2)),
            layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]),
        ]
    )
    nested = keras.Sequential([keras.Input((8, 8, 3)), keras.Sequential([layers.Conv2D(2, 3)], name="inner")])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for built in (model, recurrent, nested):
            shape = built.input_shape[1:]
            for name in ("saved.keras", "saved.h5"):
                built.save(name)
                loaded = keras.models.load_model(name, compile=False)
                ours, theirs = summary_of(name), summarize(loaded, shape)
                assert ours.totals == theirs.totals
                assert ours.totals.params == loaded.count_params()
                assert [(i.id, i.op, i.inputs, i.attributes) for i in ours.layers] == [
                    (i.id, i.op, i.inputs, i.attributes) for i in theirs.layers
                ]
                assert ours.model.name == name
        model.save("moved.keras")
        Path("moved.keras").rename("moved.bin")  # a file's kind is told by what is in it
        totals = summary_of("moved.bin", batch=2).totals
    conv, again, norm, head = 27 * 4 + 4, 36 * 4 + 4, 4, 4 * 5 + 5
    assert (totals.trainable_params, totals.frozen_params) == (conv + 2 * norm + head, again)
    # Adam's moments, which the file has too, aren't parameters of the model.
    assert (totals.params, totals.statistics) == (conv + again + 4 * norm + head, 2 * norm)
    assert totals.macs == 2 * (36 * 27 * 4 + 36 * 36 * 4 + 4 * 5)


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_element_types_quantised_weights_and_lora_are_the_files() -> None:
    import keras
    from keras import layers

    def dense() -> Any:
        return keras.Sequential([keras.Input((16,)), layers.Dense(8, name="a"), layers.Dense(4, name="b")])

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model = dense()
        model.quantize("int8")
        model.save("int8.keras")
        found = summary_of("int8.keras")
        # A byte for each of the kernels' numbers; a scale for each column, and the biases, are float32.
        assert (found.totals.params, found.totals.param_bytes) == (model.count_params(), 160 + 4 * (12 + 12))
        model = dense()
        model.get_layer("a").enable_lora(2)
        model.save("lora.keras")
        totals = summary_of("lora.keras").totals
        assert (totals.params, totals.frozen_params) == (model.count_params(), 16 * 8)
        keras.config.set_dtype_policy("mixed_float16")
        dense().save("mixed.keras")
        keras.config.set_dtype_policy("float16")
        dense().save("half.keras")
        keras.config.set_dtype_policy("float32")
        params = 16 * 8 + 8 + 8 * 4 + 4
        assert summary_of("mixed.keras").totals.param_bytes == 4 * params
        half = summary_of("half.keras")
        assert (half.totals.param_bytes, half.outputs[0].dtype) == (2 * params, "float16")


@in_child("tensorflow")
def test_no_value_of_a_weight_is_read_or_made() -> None:
    import keras
    from keras import layers

    side = 200_000
    with keras.StatelessScope(initialize_variables=False):
        # A terabyte of weights, more than any machine of ours has.
        model = keras.Sequential([keras.Input((side,)), *(layers.Dense(side) for _ in range(6))])
        config = keras.saving.serialize_keras_object(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.keras")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", b"these are not weights")
        found = summary_of(path)
    assert found.totals.params == 6 * (side * side + side)
    assert found.totals.macs == 6 * side * side


#: As Keras 2.15 writes it: sizes with the batch in the first layer, connections as lists, no modules.
KERAS_2 = {
    "class_name": "Functional",
    "config": {
        "name": "old",
        "trainable": True,
        "layers": [
            {
                "class_name": "InputLayer",
                "config": {
                    "batch_input_shape": [None, 8, 8, 3],
                    "dtype": "float32",
                    "sparse": False,
                    "ragged": False,
                    "name": "input_1",
                },
                "name": "input_1",
                "inbound_nodes": [],
            },
            {
                "class_name": "Conv2D",
                "config": {
                    "name": "conv",
                    "trainable": False,
                    "dtype": "float32",
                    "filters": 3,
                    "kernel_size": [3, 3],
                    "strides": [1, 1],
                    "padding": "same",
                    "data_format": "channels_last",
                    "dilation_rate": [1, 1],
                    "groups": 1,
                    "activation": "relu",
                    "use_bias": False,
                    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
                    "bias_initializer": {"class_name": "Zeros", "config": {}},
                    "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
                },
                "name": "conv",
                "inbound_nodes": [[["input_1", 0, 0, {}]]],
            },
            {
                "class_name": "BatchNormalization",
                "config": {"name": "norm", "trainable": True, "dtype": "float32", "axis": [3], "momentum": 0.9},
                "name": "norm",
                "inbound_nodes": [[["conv", 0, 0, {}]]],
            },
            {
                "class_name": "Add",
                "config": {"name": "add", "trainable": True, "dtype": "float32"},
                "name": "add",
                "inbound_nodes": [[["norm", 0, 0, {}], ["input_1", 0, 0, {}]]],
            },
        ],
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["add", 0, 0]],
    },
}


def in_hdf5(path: str, config: Any) -> str:
    """A file with a model's configuration, as Keras 2 has it."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        file.create_group("model_weights")
    return path


@in_child("tensorflow")
def test_files_of_keras_2_are_read_as_far_as_keras_3_knows_their_layers() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = summary_of(in_hdf5("old.h5", KERAS_2))
        rows = [(layer.id, layer.params, layer.macs, layer.inputs) for layer in found.layers]
        assert rows == [
            ("input", 0, 0, ()),
            ("conv", 27 * 3, 64 * 27 * 3, ("input",)),
            ("norm", 4 * 3, 0, ("conv",)),
            ("add", 0, 0, ("norm", "input")),
        ]
        assert (found.totals.frozen_params, found.totals.statistics) == (81, 6)
        config: dict[str, Any] = json.loads(json.dumps(KERAS_2))
        config["config"]["layers"][3] |= {"class_name": "TFOpLambda", "config": {"name": "tf.math.add"}}
        with pytest.raises(ModelError, match=r"old.h5: .*TFOpLambda.*Keras 2"):
            summary_of(in_hdf5("old.h5", config))
        config["config"]["layers"][3] |= {"class_name": "Mine", "config": {"name": "its_name"}}
        with pytest.raises(ModelError, match=r"old.h5 needs the code of 'Mine' in the layer 'its_name'.*net.py:Net"):
            summary_of(in_hdf5("old.h5", config))
        code = ["4wEAAAAAAAAA", None, None]
        config["config"]["layers"][3] |= {"class_name": "Lambda", "config": {"name": "twice", "function": code}}
        with pytest.raises(ModelError, match=r"'twice' is a Lambda"):
            summary_of(in_hdf5("old.h5", config))


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_what_needs_code_is_refused_before_anything_is_built() -> None:
    import keras
    from keras import layers

    class Mine(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    def archive(path: str, config: Any) -> str:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
            file.writestr("model.weights.h5", b"")
        return path

    def layer(name: str, kind: str, module: str | None, config: dict[str, Any], registered: str | None = None) -> Any:
        inner = {
            "module": module,
            "class_name": kind,
            "config": {"name": name, **config},
            "registered_name": registered,
        }
        return {
            "module": "keras",
            "class_name": "Sequential",
            "registered_name": None,
            "config": {"name": "net", "layers": [inner]},
        }

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("own.keras", "own.h5"):
            keras.Sequential([keras.Input((4,)), Mine(name="its_name")]).save(name)
            with pytest.raises(ModelError, match=rf"{name} needs the code of 'Mine' in the layer 'its_name'"):
                summary_of(name)
        Path("evil.py").write_text("open('ran', 'w')\nclass Layer: pass\n")
        evil = layer("bad", "Layer", "evil", {}, "Layer")
        with pytest.raises(ModelError, match="needs the code of 'Layer'"):
            summary_of(archive("evil.keras", evil))
        call = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
        with pytest.raises(ModelError, match="needs the code of 'system' in the layer 'runs'"):
            summary_of(archive("evil.keras", layer("runs", "Activation", "keras.layers", {"activation": call})))
        program = layer("program", "TFSMLayer", "keras.layers", {"filepath": "somewhere"})
        with pytest.raises(ModelError, match=r"'program' \(TFSMLayer\) loads a program"):
            summary_of(archive("evil.keras", program))
        assert not Path("ran").exists()
        for config in ("{", "[]", '{"class_name": "function", "config": "relu", "module": "builtins"}'):
            with pytest.raises(ModelError, match=r"broken\.keras"):
                summary_of(archive("broken.keras", config))
        keras.Sequential([keras.Input((4,)), layers.Dense(2)]).save("whole.h5")
        Path("cut.h5").write_bytes(Path("whole.h5").read_bytes()[:4000])
        with pytest.raises(ModelError, match=r"cut\.h5 is damaged"):
            summary_of("cut.h5")
        # Code that has been imported and registered is there to be used.
        keras.saving.register_keras_serializable("ours")(Mine)
        keras.Sequential([keras.Input((4,)), Mine(name="its_name"), layers.Dense(2)]).save("own.keras")
        assert summary_of("own.keras").totals.params == 4 * 2 + 2


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_inputs_are_the_files_own_or_asked_for() -> None:
    import keras
    from keras import layers

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)]).save("open.keras")
        with pytest.raises(BadRequestError, match=r"open.keras leaves sizes of its input open: add --input 224x224x3"):
            summary_of("open.keras")
        assert summary_of("open.keras", input="8x6x3").totals.macs == 6 * 4 * 27 * 2
        with pytest.raises(InputError, match="conv2d"):
            summary_of("open.keras", input="8x6x4")
        with pytest.raises(BadRequestError, match="takes no --arg"):
            summary_of("open.keras", arg={"classes": 3})
        inputs = {"ids": keras.Input((6,), dtype="int32", name="ids"), "more": keras.Input((3,), name="more")}
        outputs = {"a": layers.Embedding(10, 4)(inputs["ids"]), "b": layers.Dense(2)(inputs["more"])}
        keras.Model(inputs, outputs).save("named.keras")
        found = summary_of("named.keras", input_json='{"more": "5x3", "ids": "5x6:int32"}')
        assert sorted(tensor.shape for tensor in found.outputs) == [(5, 2), (5, 6, 4)]
        assert summary_of("named.keras").inputs[0].dtype == "int32"
        from resnet_inspect.readers import file as from_file

        names = [entry.alias for entry in from_file.state(Request("named.keras"))]
        assert sorted(map(str, names)) == ["dense/bias", "dense/kernel", "embedding/embeddings"]


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_what_is_packed_to_fill_the_memory_is_not_unpacked() -> None:
    import keras

    from resnet_inspect.readers.checkpoint import reader as checkpoint

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "saved.keras")
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(path)
        with zipfile.ZipFile(path) as whole:
            entries = {name: whole.read(name) for name in whole.namelist()}

        def saved(**changed: bytes) -> Path:
            made = Path(folder, "made.keras")
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in entries.items():
                    archive.writestr(name, changed.get(name.partition(".")[0], content))
            return made

        # An honest file that is packed is read.
        assert summary_of(saved()).totals.params == 4 * 2 + 2
        assert sum(entry.shape == (4, 2) for entry in checkpoint.read(saved())[1]) == 1
        swollen = b" " * (40 << 20)
        with pytest.raises(ModelError, match=r"its configuration can't be read \(config.json would have \d{8} bytes"):
            summary_of(saved(config=entries["config.json"] + swollen))
        with pytest.raises(ModelError, match=r"damaged: model.weights.h5 would have \d{8} bytes, packed into \d{5}"):
            checkpoint.read(saved(model=entries["model.weights.h5"] + swollen))
        # Of text that isn't packed, there is an end, too.
        text = os.urandom(9 << 20).hex().encode()
        with pytest.raises(ModelError, match=r"config.json would have \d{8} bytes"):
            summary_of(saved(config=b'{"class_name": "%s"}' % text))


@needs("tensorflow")
def test_a_lambda_ends_with_one_line_on_stderr() -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA"}}
    layer = {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "twice", "function": code}}
    config = {"class_name": "Sequential", "module": "keras", "config": {"name": "net", "layers": [layer]}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "code.keras")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", b"")
        done = run("summary", str(path), warm="keras")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: code.keras: the layer 'twice' is a Lambda with code of its own, and no file's code is run. "
        "Give the code that builds the model: net.py:Net\n"
    )
