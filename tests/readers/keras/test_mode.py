"""``--mode train`` in Keras: the graph of ``model(x, training=True)``, and no variable is changed."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.readers.request import Request
from tests.support.command import in_child


def with_head() -> Any:
    """A network whose second head runs in training alone, and which counts its steps."""
    import keras

    class WithHead(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.norm = keras.layers.Conv2D(4, 1, name="stem"), keras.layers.BatchNormalization(name="norm")
            self.drop = keras.layers.Dropout(0.5, name="drop")
            self.head, self.auxiliary = (keras.layers.Conv2D(n, 1, name=name) for n, name in ((2, "head"), (5, "aux")))
            self.steps = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="steps")

        def call(self, x: Any, training: bool = False) -> Any:
            x = self.drop(self.norm(self.stem(x)))
            if not training:
                return self.head(x)
            self.steps.assign_add(1)
            return self.head(x), self.auxiliary(x)

    return WithHead()


@pytest.mark.parametrize("is_built", [True, False])
@in_child("tensorflow")
def test_a_head_that_only_training_calls(is_built: bool) -> None:
    import numpy

    model, image = with_head(), numpy.ones((1, 8, 8, 3))
    if is_built:
        model(image, training=True)
    before = [variable.numpy() for variable in model.weights]
    used = summarize(model, "8x8x3")
    trained = summarize(model, "8x8x3", mode="train")
    assert [layer.path for layer in trained.layers] == ["input", "stem", "norm", "drop", "head", "aux"]
    # 64 pixels through 3 x 4, 4 x 2 and 4 x 5 weights.
    assert [layer.macs for layer in trained.layers] == [0, 64 * 12, 0, 0, 64 * 8, 64 * 20]
    assert [tensor.shape[-1] for tensor in trained.outputs] == [2, 5]
    assert [layer.path for layer in used.layers if layer.called] == ["input", "stem", "norm", "drop", "head"]
    assert (used.trace.training, trained.trace.training) == (False, True)
    assert trained.unused == ()
    assert all((old == new.numpy()).all() for old, new in zip(before, model.weights, strict=False))
    assert model.steps.numpy() == int(is_built)
    assert model(image, training=True)[1].shape == (1, 8, 8, 5)


@in_child("tensorflow")
def test_a_mask_of_whole_channels_or_images_is_as_small_as_that() -> None:
    from keras import Input, Model, layers

    from resnet_inspect.analysis.memory import saved_bytes

    image = Input((8, 6, 4), batch_size=2)
    # An element, a channel, an image: EfficientNet drops whole branches by the last.
    x = layers.GaussianDropout(0.3)(layers.AlphaDropout(0.2)(layers.Dropout(0.5)(image)))
    x = layers.Dropout(0.5, noise_shape=(None, 1, 1, 1))(layers.SpatialDropout2D(0.5)(x))
    line = layers.SpatialDropout1D(0.5)(layers.Reshape((48, 4))(x))
    summary = summarize(Model(image, line), mode="train")
    kept = saved_bytes(summary)
    sizes = [kept[layer.id] for layer in summary.layers if layer.type.endswith(("Dropout", "2D", "1D"))]
    assert sizes == [4 * size for size in (*[2 * 8 * 6 * 4] * 3, 2 * 4, 2, 2 * 4)]


@in_child("tensorflow")
def test_a_model_inside_of_one_is_trained_too() -> None:
    import keras

    class Outer(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = with_head()

        def call(self, x: Any) -> Any:
            return self.inner(x)

    assert len(summarize(Outer(), "8x8x3", mode="train").outputs) == 2


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_saved_models_run_in_either_mode() -> None:
    import keras

    from resnet_inspect.readers.file import summarize as read

    image = keras.Input((8, 8, 3))
    steps = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)])
    model = keras.Model(image, steps(image))
    for ending in (".keras", ".h5"):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/net{ending}"
            model.save(path)
            used, trained = (read(Request(path, mode=mode)).summary for mode in ("eval", "train"))
        assert (used.trace.training, trained.trace.training) == (False, True)
        assert used.layers == trained.layers
        assert trained.totals.params == model.count_params()
