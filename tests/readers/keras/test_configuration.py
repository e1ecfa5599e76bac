"""Keras files read without Keras: what Keras itself says of the same file is the truth, and answers for all else."""

from __future__ import annotations

import inspect
import json
import os
import random
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import ir_json
from resnet_inspect.readers.keras.configuration import reader as alone
from resnet_inspect.readers.keras.configuration.layers import KINDS
from resnet_inspect.readers.keras.configuration.settings import ACTIVATIONS as TAKEN
from resnet_inspect.readers.request import Answer, Request
from tests.support.command import document, in_child, needs, run, script
from tests.support.strange_keras import layer, places, replaced, written

ALL = os.environ.get("ZOO") == "all"
IMAGE, ROW, VOLUME = (12, 10, 4), (12, 4), (8, 9, 7, 4)
IMAGES = {1: ROW, 2: IMAGE, 3: VOLUME}

ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "linear"),
    *("log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign"),
    *("swish", "tanh"),
)
STARTS = (
    *("zeros", "ones", "glorot_normal", "he_uniform", "lecun_normal", "random_normal", "truncated_normal"),
    *("random_uniform", "variance_scaling", "orthogonal"),
)

Case = tuple[Any, dict[str, Any]]


def _in_row(shape: Sequence[int | None], *layers: Any, dtype: str = "float32", **request: Any) -> Case:
    import keras

    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers]), request


def _images() -> Iterator[Case]:
    """Every layer of images with every option that changes its result or its weights."""
    from keras import layers

    options: list[dict[str, Any]] = [
        {"strides": 2},
        {"dilation_rate": 2, "use_bias": False, "kernel_initializer": "he_normal"},
        {"activation": "relu", "trainable": False, "kernel_regularizer": "l2"},
    ]
    for d, shape in IMAGES.items():
        for padding in ("valid", "same"):
            for option in options:
                common = {key: value for key, value in option.items() if not key.startswith("kernel_")}
                made = [
                    getattr(layers, f"Conv{d}D")(6, (3, 2, 1)[:d], groups=2, padding=padding, **option),
                    getattr(layers, f"Conv{d}DTranspose")(5, 3, padding=padding, **option),
                ]
                if d < 3:
                    more = {"depth_multiplier": 2, "padding": padding, **common}
                    made += [getattr(layers, f"DepthwiseConv{d}D")(2, **more)]
                    made += [getattr(layers, f"SeparableConv{d}D")(5, 2, **more)]
                yield from (_in_row(shape, item) for item in made)
            for word, other in (("Max", "Average"), ("Average", "Max")):
                first, then = (getattr(layers, f"{name}Pooling{d}D") for name in (word, other))
                yield _in_row(
                    shape, first(2, strides=1, padding=padding), then(2, padding=padding), first(2, 3, "same")
                )
        for word in ("Max", "Average"):
            for keepdims in (True, False):
                yield _in_row(shape, getattr(layers, f"Global{word}Pooling{d}D")(keepdims=keepdims))
        edges = 1 if d == 1 else tuple((axis, 1) for axis in range(d))
        yield _in_row(shape, getattr(layers, f"ZeroPadding{d}D")(edges), getattr(layers, f"Cropping{d}D")(edges))
        enlarged = getattr(layers, f"UpSampling{d}D")(3), getattr(layers, f"SpatialDropout{d}D")(0.3)
        yield _in_row(shape, *enlarged, layers.Flatten(), layers.Dense(2))
    yield _in_row(ROW, layers.Conv1D(4, 3, padding="causal", dilation_rate=2))
    yield _in_row(IMAGE, layers.UpSampling2D((1, 2), interpolation="bilinear"))


def _augmentations() -> Iterator[Case]:
    """What is done to images before a network reads them."""
    import keras
    from keras import layers

    for mode, batch in (("eval", 1), ("train", 3)):
        moved = [
            *(layers.RandomFlip(word) for word in ("horizontal", "vertical", "horizontal_and_vertical")),
            *(layers.RandomRotation(factor, seed=1) for factor in (0, 0.1, (-0.2, 0.3))),
            *(layers.RandomZoom(0.2, fill_mode="constant", fill_value=1), layers.RandomZoom((-0.2, 0.1), (0.1, 1))),
            *(layers.RandomTranslation(0.1, (-0.1, 0.2), interpolation="nearest"), layers.RandomTranslation(0, 1)),
        ]
        values = [
            *(layers.RandomContrast(0.2), layers.RandomContrast((0.1, 0.2), value_range=(0.0, 1.0))),
            *(layers.RandomBrightness(0.2), layers.RandomBrightness((-0.1, 1.0), value_range=(-1, 1))),
        ]
        sizes = [
            *(layers.RandomCrop(9, 20), layers.CenterCrop(5, 4), layers.CenterCrop(8, 9), layers.Resizing(9, 7)),
            layers.Resizing(6, 6, interpolation="bicubic", crop_to_aspect_ratio=True, antialias=True),
        ]
        yield _in_row(IMAGE, *moved, *values, *sizes, layers.Conv2D(3, 3), mode=mode, batch=batch)
    # The graph of a functional model says of these calls that they train.
    for mode in ("eval", "train"):
        given = image = keras.Input(IMAGE)
        for each in (layers.RandomFlip(), layers.RandomContrast(0.1), layers.CenterCrop(8, 8), layers.Resizing(9, 9)):
            image = each(image)
        yield keras.Model(given, layers.Conv2D(3, 3)(image)), {"mode": mode}
    changed = layers.RandomFlip(), layers.CenterCrop(20, 20), layers.Resizing(12, 10)
    yield _in_row((None, None, 3), *changed, layers.Flatten(), layers.Dense(2), input="40x30x3")


def _layers() -> Iterator[Case]:
    """Every other layer."""
    import keras
    from keras import layers

    for shape in ((7,), ROW, IMAGE, VOLUME):
        for mode, batch in (("eval", 1), ("train", 3)):
            noise = layers.Dropout(0.2, seed=1), layers.GaussianDropout(0.2), layers.GaussianNoise(0.2)
            slopes = layers.ReLU(6, 0.1, 1), layers.LeakyReLU(0.2), layers.ELU(0.5), layers.PReLU(), layers.Softmax()
            norms = layers.BatchNormalization(), layers.LayerNormalization(), layers.Normalization()
            yield _in_row(shape, *noise, *slopes, *norms, layers.Identity(), layers.Dense(3), mode=mode, batch=batch)
        frozen = layers.BatchNormalization(trainable=False), layers.LayerNormalization(trainable=False)
        yield _in_row(shape, *frozen, layers.Dense(3, trainable=False), layers.PReLU(trainable=False))
    yield _in_row(IMAGE, *(layers.Activation(name) for name in ACTIVATIONS if name != "exponential"))
    yield _in_row(
        IMAGE, *(layers.Dense(2, activation=name) for name in ACTIVATIONS), layers.Activation(keras.activations.gelu)
    )
    yield _in_row(IMAGE, layers.Dropout(0.1, noise_shape=(None, 1, 1, 1)), layers.PReLU(shared_axes=[1, 2]))
    for norm in (layers.BatchNormalization, layers.LayerNormalization):
        yield _in_row(IMAGE, norm(scale=False), norm(center=False), norm(epsilon=1e-5))
    yield _in_row(IMAGE, layers.BatchNormalization(axis=3, momentum=0.9), layers.GroupNormalization(2, scale=False))
    yield _in_row(IMAGE, layers.Rescaling(1 / 255.0, offset=-1), layers.Normalization(axis=3, invert=True))
    yield _in_row(IMAGE, layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0] * 4), layers.Rescaling(2))
    yield _in_row(IMAGE, layers.Reshape((20, -1)), layers.Permute((2, 1)), layers.Reshape((2, 240)), layers.Flatten())
    yield _in_row((5,), layers.RepeatVector(3), layers.LSTM(2))
    for dtype in ("int32", "int64", "float32"):
        yield _in_row((9,), layers.Embedding(30, 5), layers.GlobalAveragePooling1D(), dtype=dtype)
    for kind in (layers.SimpleRNN, layers.LSTM, layers.GRU):
        yield _in_row((6, 4), kind(5, return_sequences=True, trainable=False), kind(3, use_bias=False), layers.Dense(2))
        yield _in_row((6, 4), kind(5, go_backwards=True, dropout=0.2, activation="relu", name="cell"))
        for merge in ("concat", "sum", "ave", "mul"):
            both = layers.Bidirectional(kind(5, return_sequences=merge != "sum"), merge_mode=merge)
            yield _in_row((6, 4), both, layers.Dense(2))
        frozen, _ = _in_row((None, 4), layers.Bidirectional(kind(3, dropout=0.1, use_bias=False), name="lstm"))
        frozen.trainable = False
        yield frozen, {"input": "6x4"}
    yield _in_row((6, 4), layers.GRU(5, reset_after=False, recurrent_activation="hard_sigmoid"))
    constant = keras.initializers.Constant(0.5)
    yield _in_row((4,), *(layers.Dense(3, kernel_initializer=start) for start in (*STARTS, constant)))
    yield _in_row((4,), layers.Dense(3, kernel_regularizer="l1", bias_regularizer=keras.regularizers.L1L2(0.1, 0.2)))


def _graphs() -> Iterator[Case]:
    """Joins, shared layers, nested models, several inputs and outputs, open sizes."""
    import keras
    from keras import layers

    image = keras.Input(IMAGE, name="image")
    more = [layers.Conv2D(4, 1)(image) for _ in range(3)]
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(image)
    for join in (layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply, layers.Concatenate):
        yield keras.Model(image, join()(more)), {}
        if join not in (layers.Add, layers.Concatenate):
            yield keras.Model(image, join()([image, pooled])), {}
    yield keras.Model(image, layers.Subtract()(more[:2])), {}
    yield keras.Model(image, layers.Concatenate(axis=1)([*more, image])), {}
    gate = layers.ReLU(6)(image + 3) * (1 / 6)
    yield keras.Model(image, [layers.Multiply()([image, gate]), gate + image]), {}

    second, shared, act = keras.Input(IMAGE, name="second"), layers.Conv2D(4, 3, padding="same"), layers.ReLU()
    again = shared(shared(second))
    outputs = [layers.Add()([act(shared(image)), act(again)]), layers.Flatten()(again)]
    yield keras.Model([image, second], outputs), {}
    once = layers.Conv2D(4, 3)(image)
    yield keras.Model(image, [layers.Conv2D(4, 3)(once), once]), {"batch": 2}
    # Branches of different lengths, so that distances from the output and the order of building differ.
    long = layers.Conv2D(4, 1)(layers.ReLU()(layers.Conv2D(4, 1)(image)))
    yield keras.Model(image, layers.Add()([layers.Conv2D(4, 1)(image), long, act(image), act(long)])), {}

    own = keras.Input(IMAGE, name="own")
    inner = keras.Sequential([keras.Input(IMAGE), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()])
    middle = keras.Model(own, layers.Add()([inner(own), own]), name="middle")
    yield keras.Model(image, layers.Concatenate()([middle(act(image)), middle(middle(image))])), {}
    frozen = keras.models.clone_model(middle)
    frozen.trainable = False
    yield frozen, {}
    yield keras.Model(image, layers.Conv2D(3, 3)(frozen(image))), {}
    words, numbers = keras.Input((9,), dtype="int32", name="words"), keras.Input((3,), name="numbers")
    model = keras.Model(
        [numbers, words], layers.Concatenate()([numbers, layers.Flatten()(layers.Embedding(5, 2)(words))])
    )
    yield model, {}
    yield model, {"input": ["3", "9"]}
    yield keras.Model([numbers], [layers.Dense(2)(numbers)]), {}
    for request in ({"input": "8x6x3"}, {"input": "8"}, {"input": "3x8x6"}, {"input": "2x8x6x3"}):
        yield _in_row(
            (None, None, 3), layers.ZeroPadding2D(1), layers.Conv2D(4, 3), layers.GlobalMaxPooling2D(), **request
        )
    free = keras.Sequential(
        [keras.Input((None, None, 4)), layers.Conv2D(3, 3), layers.GlobalMaxPooling2D(keepdims=True)]
    )
    yield keras.Model(image, layers.Flatten()(free(image))), {}
    yield free, {"input": "8x8x4"}
    yield _in_row((None,), layers.Embedding(9, 4), layers.GRU(3, return_sequences=True), dtype="int32", input="6")
    compiled, _ = _in_row((4,), layers.Dense(3))
    compiled.compile("adam", "mse")
    yield compiled, {}


def _attention() -> Iterator[Case]:
    """Queries that attend to themselves and to others, in each way in which Keras takes them."""
    import keras
    from keras import layers

    row, other = keras.Input((9, 8), name="row"), keras.Input((5, 6), name="other")
    heads = layers.MultiHeadAttention
    yield keras.Model(row, heads(2, 3)(row, row)), {}
    shared = heads(2, 4)
    words = keras.Input((None,), dtype="int32", name="words")
    found = layers.Embedding(30, 8)(words)
    for wide in (16, 12):
        attended = shared(found, found, use_causal_mask=True)
        found = layers.LayerNormalization(epsilon=1e-6)(found + layers.Dropout(0.1)(attended))
        forward = keras.Sequential([keras.Input((None, 8)), layers.Dense(wide, "relu"), layers.Dense(8)])
        found = layers.LayerNormalization()(layers.Add()([found, forward(found)]))
    yield keras.Model(words, layers.Dense(2)(layers.GlobalAveragePooling1D()(found))), {"input": "11"}
    yield keras.Model([row, other], heads(2, 3, value_dim=5, use_bias=False, dropout=0.1)(row, other)), {"batch": 2}
    key, query = layers.Dense(4)(other), layers.Dense(7, "relu")(layers.Dense(7)(row))
    yield keras.Model([row, other], heads(3, 2, output_shape=7, name="query")(query, other, key)), {}
    yield keras.Model([row, other], heads(3, 2)(value=other, query=query, key=key)), {}
    yield keras.Model([row, other], heads(3, 2, name="of")(query, key=key, value=other, use_causal_mask=True)), {}
    grouped = layers.GroupQueryAttention
    yield keras.Model(row, grouped(4, 6, 2)(row, row)), {}
    value = layers.Dense(8)(other)
    yield keras.Model([row, other], grouped(4, 6, 3, dropout=0.1, use_bias=False)(row, value=value, key=other)), {}
    yield keras.Model(row, heads(2, 4, attention_axes=1)(row, row, training=False, attention_mask=None)), {}


def _masks() -> Iterator[Case]:
    """Words of which some are none, up to the layers that read which."""
    import keras
    from keras import layers
    from keras.src.ops.numpy import Any as AnyOf

    def words(**options: Any) -> Any:
        return layers.Embedding(30, 4, mask_zero=True, **options)

    def both(**options: Any) -> Any:
        return layers.Bidirectional(layers.LSTM(3, **options))

    kept = layers.Dropout(0.1), layers.LayerNormalization(), layers.SpatialDropout1D(0.1), layers.Dense(5, "relu")
    yield _in_row((9,), words(), *kept, both(return_sequences=True), both(), layers.Dense(2), dtype="int32")
    yield _in_row((9,), words(), layers.GRU(3, return_sequences=True), layers.GlobalAveragePooling1D())
    yield _in_row((9,), words(), layers.GRU(3), layers.Dense(2), layers.ReLU(), dtype="int64")
    yield _in_row((None,), words(name="not"), layers.SimpleRNN(3), dtype="int32", input="7", batch=2)
    lost = layers.Conv1D(4, 3, padding="same"), layers.LSTM(4, return_sequences=True)
    yield _in_row((9,), words(), *lost, layers.GlobalMaxPooling1D(), dtype="int32")
    yield _in_row((9,), words(), layers.Flatten(), layers.Dense(2), dtype="int32")
    yield _in_row((9,), words(), layers.Dense(2), dtype="int32")

    yield _in_row((None, 4), layers.Masking(), layers.LSTM(3, return_sequences=True), both(), input="6x4")
    yield _in_row((9, 4), layers.Masking(-1.0), layers.Conv1D(3, 3), layers.GlobalMaxPooling1D())

    text, other = (keras.Input((9,), dtype="int32", name=name) for name in ("text", "other"))
    found = words()(text)
    plain = layers.Embedding(30, 4)(other)
    yield keras.Model(text, layers.LSTM(3)(layers.LSTM(4, return_sequences=True)(layers.Dropout(0.1)(found)))), {}
    yield keras.Model([text, other], layers.LSTM(3)(layers.Add()([found, plain]))), {}
    yield keras.Model([text, other], [layers.GRU(3)(words()(other)), layers.GRU(3)(found), both()(plain)]), {}
    shared = words()
    yield keras.Model([text, other], layers.Add()([layers.LSTM(3)(shared(text)), layers.LSTM(3)(shared(other))])), {}
    yield keras.Model(text, layers.LSTM(3)(found + 1)), {}
    if "name" in AnyOf(axis=-1).get_config():  # which Keras 3.10 doesn't write
        steps = keras.Input((9, 4), name="steps")
        yield keras.Model(steps, layers.GRU(3)(layers.Masking(0.5)(steps))), {}
    inner, _ = _in_row((9,), words(), layers.LSTM(3), dtype="int32")
    yield keras.Model([text, other], layers.Add()([inner(text), inner(other)])), {}


def _for_keras() -> Iterator[Case]:
    """What is left to Keras, which reads each of these."""
    import keras
    from keras import layers

    yield _in_row((3, 8, 8), layers.Conv2D(4, 3, data_format="channels_first"))
    yield _in_row(IMAGE, layers.BatchNormalization(axis=1))
    if "renorm" in inspect.signature(layers.BatchNormalization).parameters:  # since Keras 3.14
        yield _in_row(IMAGE, layers.BatchNormalization(renorm=True))
    yield _in_row(IMAGE, layers.Softmax(axis=[1, 2]))
    yield _in_row(IMAGE, layers.Dense(3, activation=layers.LeakyReLU()))
    yield _in_row(IMAGE, layers.RandomFlip(), layers.RandomHue(0.1))
    yield _in_row((4,), layers.Dense(3, dtype="mixed_float16"))
    yield _in_row((4,), layers.Dense(3, kernel_constraint="max_norm"))
    yield _in_row((4,), layers.Dense(3, name="two words"))
    words, text = layers.Embedding(9, 4, mask_zero=True), keras.Input((9,), dtype="int32", name="text")
    yield _in_row((9,), words, layers.BatchNormalization(), layers.LSTM(3), dtype="int32")
    yield _in_row((9, 4), layers.Masking(), layers.Masking(), layers.LSTM(3))
    yield keras.Model(text, layers.LSTM(3)(layers.Maximum()([words(text), words(text)]))), {}
    yield keras.Model(text, layers.MultiHeadAttention(2, 3)(words(text), words(text))), {}
    two = [keras.Sequential([text, layers.Embedding(9, 4, mask_zero=True), layers.GRU(2)]) for _ in range(2)]
    yield keras.Model(text, layers.Add()([model(text) for model in two])), {}
    yield _in_row((6, 4), layers.Bidirectional(layers.LSTM(3), trainable=False))
    yield _in_row((6, 4), layers.Bidirectional(layers.LSTM(3), backward_layer=layers.GRU(3, go_backwards=True)))
    both = layers.Bidirectional(layers.LSTM(3), merge_mode=None)
    yield keras.Model(row := keras.Input((6, 4)), both(row)), {}
    image = keras.Input(IMAGE)
    yield keras.Model(image, layers.MultiHeadAttention(2, 3)(image, image)), {}
    attended, scores = layers.MultiHeadAttention(2, 3)(row, row, return_attention_scores=True)
    yield keras.Model(row, [attended, scores]), {}
    yield keras.Model(row, layers.MultiHeadAttention(2, 3, trainable=False)(row, row)), {}
    yield keras.Model(row, layers.MultiHeadAttention(2, 3)(row, row, attention_mask=keras.ops.ones((6, 6)))), {}
    yield _in_row(IMAGE, layers.Dense(3), dtype="int32")
    yield _in_row((4,), layers.Dense(3), input_json='["4"]')
    yield keras.Sequential([keras.Input(batch_shape=(2, 4)), layers.Dense(2)]), {}
    named = {name: keras.Input((3,), name=name) for name in "pq"}
    yield keras.Model(named, layers.Add()(list(named.values()))), {}
    yield keras.Model(image, image / 2), {}


def said_by_keras(request: Request) -> Answer:
    """What the other reader says, in this process."""
    from resnet_inspect.readers.keras import file

    return file.summarize(request)


def compared(answer: Answer) -> Any:
    """All that is said of a network but for how it came to be known."""
    found = ir_json.to_dict(answer.summary)
    del found["environment"], found["trace"]["method"]
    return found, answer.notes


def saved(model: Any, path: str) -> str:
    """The file of a model; weights aren't looked at, so a ``.keras`` has none."""
    import keras

    if path.endswith(".h5"):
        model.save(path)
        return path
    return written(Path(path), keras.saving.serialize_keras_object(model))


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_both_readers_say_the_same_of_every_layer() -> None:
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for make in (_images, _augmentations, _layers, _attention, _masks, _graphs):
            for index, (model, options) in enumerate(make()):
                # Keras itself fails to write most of those that change images as an .h5, and to read functional
                # operations there.
                has_both = index % 8 == 0 and make is not _augmentations
                for ending in ("keras", "h5") if has_both else ("keras",):
                    path = saved(model, f"net.{ending}")
                    request = Request.from_options(path, **options)
                    ours, theirs = alone.known_summary(request), said_by_keras(request)
                    assert compared(ours) == compared(theirs)
                    assert ours.summary.trace.method == "rules"
                    seen |= {layer.type for layer in ours.summary.layers}
    assert {kind.type or name for name, kind in KINDS.items()} <= seen


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_a_layer_that_is_defined_under_another_name_has_that_one_in_an_h5() -> None:
    from keras import Input, Model, layers

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model = Model(row := Input((8, 16)), layers.GroupQueryAttention(4, 4, 2)(row, row))
        request = Request(saved(model, "net.h5"))
        ours, theirs = alone.known_summary(request), said_by_keras(request)
        assert compared(ours) == compared(theirs)
        # Ainslie et al. 2023: 4 heads of queries and 2 of keys and of values, of width 4, from and to a width of 16.
        assert ours.summary.totals.params == (16 * 16 + 16) + 2 * (16 * 8 + 8) + (16 * 16 + 16) == model.count_params()
        layer = ours.summary.layers[1]
        assert (layer.type, ours.summary.trace.method) == ("GroupedQueryAttention", "rules")


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_known_is_left_to_keras() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for model, options in _for_keras():
            request = Request.from_options(saved(model, "net.keras"), **options)
            assert alone.summarize(request) is None
            assert said_by_keras(request).summary.trace.method == "symbolic"


#: Of ``keras.applications``: all that have no layer of their own, of which Keras alone has the code.
OWN_LAYERS = ("ConvNeXt", "InceptionResNetV2")
FEW = ("ResNet50", "EfficientNetB0", "MobileNetV3Small")


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_both_readers_say_the_same_of_keras_own_networks() -> None:
    import keras

    from resnet_inspect.readers.keras.reader import unallocated

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in (name for name in vars(keras.applications) if name[0].isupper()) if ALL else FEW:
            with unallocated():
                path = saved(getattr(keras.applications, name)(weights=None), "net.keras")
            options = {"input": "224x224x3"} if name.startswith("MobileNetV3") else {}
            request = Request.from_options(path, **options)
            ours = alone.summarize(request)
            assert (ours is None) == name.startswith(OWN_LAYERS), name
            if ours is not None:
                assert compared(ours) == compared(said_by_keras(request)), name


#: What a damaged or strange file may have in the place of anything.
STRANGE: Sequence[Any] = (
    *(None, -1, 0, 1, 2, 3, 10**9, True, False, 1.5, "", "x", "relu", "same", "causal", "channels_first", "float32"),
    *(0.5, -0.5, 2.0, 1e-9, 1e30, [], {}, [1], [2, 2], [None, 4], [[0, 1], [1, 0]], [0.25, 0.5], [0.5, 0.25], [0.5]),
)


def _setting(config: Any, place: tuple[Any, ...]) -> tuple[Any, ...]:
    """What stands at a place: the class of the object around it, and the keys from there on."""
    found = place
    for depth, key in enumerate(place):
        if isinstance(config, dict) and "class_name" in config:
            found = (config["class_name"], *place[depth:])
        config = config[key]
    return found


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_what_keras_refuses_is_never_answered() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        # Each setting of each class, changed to each strange value in the first model that has it: all of them in a
        # sweep, some of them in the suite.
        changes: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...], Any, dict[str, Any]]] = {}
        for model, options in (*_images(), *_graphs(), *_attention(), *_masks(), *_augmentations(), *_layers()):
            with zipfile.ZipFile(saved(model, "net.keras")) as archive:
                config = json.loads(archive.read("config.json"))
            for place in filter(None, places(config)):
                for index, value in enumerate(STRANGE):
                    changes.setdefault((*_setting(config, place), index), (config, place, value, options))
        answered = 0
        few = random.Random(7).sample(list(changes.items()), 1_000)
        for setting, (config, place, value, options) in changes.items() if ALL else few:
            request = Request.from_options(written(Path("net.keras"), replaced(config, place, value)), **options)
            ours = alone.summarize(request)
            if ours is not None:
                answered += 1
                assert compared(ours) == compared(said_by_keras(request)), (setting, place, value)
    assert answered > 10


def usual(path: Path, **settings: Any) -> str:
    """The file of a dense layer of 3 units behind 4 numbers, as Keras writes it, with other ``settings``."""
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
    start: dict[str, Any] = {
        "module": "keras.initializers",
        "class_name": "Zeros",
        "config": {},
        "registered_name": None,
    }
    held = {f"{name}_{word}": None for name in ("kernel", "bias") for word in ("regularizer", "constraint")}
    starts = {"kernel_initializer": start, "bias_initializer": start, "use_bias": True}
    own = {"name": "dense", "trainable": True, "dtype": policy, "units": 3, "activation": "relu", **starts, **held}
    given = {"batch_shape": [None, 4], "dtype": "float32", "sparse": False, "ragged": False, "name": "x"}
    layers = [layer("InputLayer", given), layer("Dense", {**own, **settings})]
    config = {"name": "net", "trainable": True, "dtype": policy, "layers": layers}
    return written(path, layer("Sequential", config, "keras"))


def test_every_activation_that_is_taken_is_held_against_keras() -> None:
    assert sorted(ACTIVATIONS) == sorted({*TAKEN, "swish"})  # which Keras writes as silu


#: Windows has no forks, and so one process in which the framework has to be there from the start.
forks = pytest.mark.skipif(sys.platform == "win32", reason="reads all such files by Keras")


@needs("keras")
@forks
def test_the_command_needs_keras_for_unusual_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    found = document("summary", usual(path))
    assert (found["totals"]["params"], found["totals"]["macs"], found["trace"]["method"]) == (4 * 3 + 3, 12, "rules")
    by_keras = document("summary", usual(path, activation="squareplus"))
    assert (by_keras["totals"]["params"], by_keras["trace"]["method"]) == (4 * 3 + 3, "symbolic")
    # A package of that name that can't be imported stands before Keras' own.
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise ImportError('no Keras')")
    without = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    assert run("summary", usual(path), env=without).returncode == 0
    done = run("summary", usual(path, activation="squareplus"), env=without)
    assert (done.returncode, "no Keras" in done.stderr) == (3, True)


@needs("keras")
@forks
def test_keras_answers_if_the_other_reader_dies(tmp_path: Path) -> None:
    path = usual(tmp_path / "net.keras")
    said = script(f"""
import os
from resnet_inspect import process
process.own()
from resnet_inspect.answers.worker import Remote
from resnet_inspect.readers.keras.configuration import reader
from resnet_inspect.readers.request import Request
reader.summarize = lambda request: os._exit(9)
print(Remote("resnet_inspect.readers.file").summarize(Request({path!r})).summary.trace.method)
""")
    assert said == "symbolic\n"
