"""Keras files of strangers: their code isn't found, nothing is imported or fetched, and each ends with one error."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, needs, run
from tests.support.strange_keras import doubled, function, layer, places, renamed, replaced, sequential, written

EVIL = layer("Layer", {}, "evil")
#: What the error says -> models with code that isn't Keras', in places where it could be overlooked.
NEED_CODE: dict[str, list[Any]] = {
    "needs the code of 'Layer'": [
        sequential(EVIL),
        sequential(layer("Layer", {}, "keras.evil")),
        sequential(layer("Layer", {}, "keras_hub.evil")),
        sequential({**EVIL, "registered_name": "keras>Layer"}),
        layer("Sequential", [EVIL], "keras"),
        sequential(layer("Dense", {"units": 1, "kernel_initializer": EVIL})),
        sequential(layer("Dense", {"units": 1, "anything": {"deep": [[EVIL]]}})),
        sequential(layer("Dense", {"units": 1}, build_config={"input_shape": EVIL})),
        sequential(layer("Dense", {"units": 1}), build_input_shape=EVIL),
        sequential(layer("TimeDistributed", {"layer": EVIL})),
    ],
    "needs the code of 'get_file'": [
        sequential(layer("Activation", {"activation": function("get_file", "keras.utils")}))
    ],
    "needs the code of 'system'": [
        sequential(layer("Activation", {"activation": function("system", module)}))
        for module in ("os", "builtins", None)
    ],
    "needs the code of 'deserialize'": [
        sequential(layer("Activation", {"activation": function("deserialize", "keras.activations")})),
        sequential({"class_name": "deserialize", "config": {"config": EVIL}}),
    ],
    "needs the code of '__typespec__'": [
        sequential({"class_name": "__typespec__", "config": [], "spec_name": "Layer", "module": "evil"})
    ],
    "needs the code of 'TypeSpec'": [sequential({"class_name": "TypeSpec", "type_spec": "x", "serialized": []})],
    "in the place of another": [
        # Keras looks for ``layers`` in here, whatever else there is.
        layer("Sequential", {"name": "n", "class_name": "Dense", "config": {"units": 1}, "layers": [EVIL]}, "keras"),
    ],
    "is a Lambda that runs a function": [
        sequential(layer("Lambda", {"function": function("decode_predictions", "keras.applications.resnet")})),
        sequential(layer("Lambda", {"function": function("relu", "keras.activations")})),
    ],
    "loads a program": [sequential(layer("TFSMLayer", {"filepath": "x"})), sequential(layer("JaxLayer", {}))],
    "reads another file": [
        sequential(layer("TextVectorization", {"vocabulary": "words.txt"})),
        sequential(layer("StringLookup", {"vocabulary": "gs://bucket/words.txt"})),
    ],
    "has an element type 'S2000000000'": [
        sequential(layer("Rescaling", {"scale": {"class_name": kind, "config": {"value": 1, "dtype": "S2000000000"}}}))
        for kind in ("__numpy__", "__tensor__")
    ],
}


def summary_of(path: str) -> Any:
    """The summary of a file."""
    from resnet_inspect.readers import file as from_file

    return from_file.summarize(Request(path)).summary


def watch() -> list[Any]:
    """What is asked of the network, and what is imported of the current folder, from here on."""
    seen: list[Any] = []

    def hook(event: str, arguments: Any) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "os.system"):
            seen.append((event, arguments))

    sys.addaudithook(hook)
    Path("evil.py").write_text("open('ran', 'w')\nclass Layer: pass\n")
    sys.path.insert(0, str(Path.cwd()))
    return seen


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_code_is_refused_wherever_a_file_names_it_and_nothing_is_imported_or_fetched() -> None:
    import keras

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        for words, models in NEED_CODE.items():
            for model in models:
                with pytest.raises(ModelError, match=words.replace("(", r"\(")):
                    summary_of(written(Path("made.keras"), model))
        inputs = keras.Input((4,))
        honest = keras.Model(inputs, keras.layers.Dense(2, "gelu")(keras.ops.relu(inputs + 1)))
        honest.save("honest.keras")
        # The old format can't say that something was added.
        keras.Model(inputs, keras.layers.Dense(2, "gelu")(inputs)).save("honest.h5")
        assert summary_of("honest.keras").totals.params == summary_of("honest.h5").totals.params == 4 * 2 + 2
        assert seen == []
        assert not Path("ran").exists()
        # The recorder sees what it is there for.
        with pytest.raises(ConnectionRefusedError), socket.socket() as probe:
            probe.connect(("127.0.0.1", 1))
        assert seen


@in_child("tensorflow")
def test_a_name_is_never_imported_however_it_came_to_keras() -> None:
    from keras.src.saving import serialization_lib

    from resnet_inspect.readers.keras.allowed import only_allowed

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        original = serialization_lib._retrieve_class_or_fn
        for item in (EVIL, {**EVIL, "module": "keras.evil"}, function("system", "os"), function("x", "keras.evil")):
            with pytest.raises(ModelError, match="needs the code of"), only_allowed("made.keras"):
                serialization_lib.deserialize_keras_object(item)
        assert serialization_lib._retrieve_class_or_fn is original
        assert (seen, "evil" in sys.modules, Path("ran").exists()) == ([], False, False)


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_the_old_format_finds_layers_by_name_and_no_other_thing_of_keras() -> None:
    import json

    import h5py

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        old = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "x"}}

        def saved(config: Any) -> str:
            with h5py.File("old.h5", "w") as file:
                file.attrs["model_config"] = config
            return "old.h5"

        def model(*layers: Any) -> str:
            return json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": [old, *layers]}})

        dense = {"class_name": "Dense", "config": {"units": 2, "activation": "relu"}}
        assert summary_of(saved(model(dense))).totals.params == 4 * 2 + 2
        for name in ("deserialize", "get", "__builtins__", "Layer>evil", "activations", "Lambda", "TFSMLayer"):
            with pytest.raises(ModelError, match=r"old\.h5"):
                summary_of(saved(model({"class_name": name, "config": {"config": EVIL}})))
        # A text that is also a function's name stays a text.
        with pytest.raises(ModelError, match=r"old\.h5"):
            summary_of(saved(model({"class_name": "Dense", "config": {"units": "deserialize"}})))
        odds: list[Any] = [3, [1.5, 2], b"\xff\xfe", "[", "[]", "{}", "null", h5py.Empty("S1")]
        for odd in odds:
            with pytest.raises(ModelError, match=r"old\.h5"):
                summary_of(saved(odd))
        assert (seen, Path("ran").exists()) == ([], False)


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_sizes_have_an_end_and_many_layers_are_built_once() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        count = 1000
        layers = [layer("Dense", {"units": 4, "name": f"d{i}"}) for i in range(count)]
        start = time.process_time()
        found = summary_of(written(Path("many.keras"), sequential(*layers)))
        assert found.totals.params == count * (4 * 4 + 4)
        # Keras itself takes some 40 times as long, as each layer that it adds builds all before it again.
        assert time.process_time() - start < 30
        assert len(summary_of(written(Path("calls.keras"), doubled(5))).layers) == 2**5 + 1
        with pytest.raises(ModelError, match=r"calls\.keras builds or calls more than \d+ layers"):
            summary_of(written(Path("calls.keras"), doubled(22)))
        assert (
            summary_of(written(Path("wide.keras"), sequential(layer("Dense", {"units": 10**12})))).totals.macs == 4e12
        )
        sizes: list[Any] = [-3, "many", float("nan"), [1], {}, 10**90, True]
        for units in sizes:
            with suppress(InspectError):
                summary_of(written(Path("odd.keras"), sequential(layer("Dense", {"units": units}))))


def mutation(random: Any) -> Any:
    """An honest model with another value or key in some places: those of other places, decoys, and wrong types."""
    model = sequential(
        layer(
            "Dense", {"units": 3, "activation": "relu", "kernel_initializer": layer("Zeros", {}, "keras.initializers")}
        ),
        layer("TimeDistributed", {"layer": layer("Dense", {"units": 2})}),
    )
    model = random.choice([model, doubled(2)])
    odd: list[Any] = [
        None,
        5,
        -1,
        1e999,
        "",
        "Lambda",
        [],
        {},
        [[]],
        True,
        EVIL,
        {"class_name": "Dense"},
        function("get", "keras"),
    ]
    names = ["class_name", "config", "module", "registered_name", "layers", "name", "inbound_nodes", "shared_object_id"]
    for _ in range(random.randint(1, 3)):
        found = [path for path in places(model) if path]
        if not found:
            return model
        place = random.choice(found)
        if random.random() < 0.5:
            model = renamed(model, place, random.choice(names))
        else:
            model = replaced(model, place, random.choice(odd))
    return model


def try_mutations(count: int, seed: int) -> int:
    """How many of ``count`` models were refused; anything but an answer or our own error fails."""
    import random

    source, refused = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        for _ in range(count):
            model = mutation(source)
            try:
                summary_of(written(Path("made.keras"), model))
            except InspectError:
                refused += 1
            except BaseException as error:
                raise AssertionError(f"{model}") from error
        assert (seen, Path("ran").exists(), "evil" in sys.modules) == ([], False, False)
    return refused


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_of_changed_models_each_is_read_or_refused() -> None:
    refused = try_mutations(60, seed=1)
    assert 10 < refused < 60


@needs("tensorflow")
def test_a_file_with_code_ends_with_one_line_and_exit_code_3(tmp_path: Path) -> None:
    done = run("summary", written(tmp_path / "decoy.keras", sequential(EVIL)), warm="keras")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: decoy.keras needs the code of 'Layer'")
    assert done.stderr.count("\n") == 1
