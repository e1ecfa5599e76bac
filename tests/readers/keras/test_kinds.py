"""Honest files of many kinds of layers open, on each version of Keras. Numbers are Keras' own of the loaded model."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest

from resnet_inspect.readers.request import Request
from tests.support.command import in_child

#: What each kind of input is read by: kinds with the arguments that they need. A version may not have all of them.
KINDS: dict[tuple[int, ...], dict[str, dict[str, Any]]] = {
    (6,): {
        **{key: {} for key in ["ActivityRegularization", "BatchNormalization", "ELU", "Flatten", "Identity"]},
        **{key: {} for key in ["LayerNormalization", "LeakyReLU", "Masking", "Normalization", "PReLU"]},
        **{key: {} for key in ["RMSNormalization", "ReLU", "Softmax", "UnitNormalization"]},
        **{key: {"rate": 0.5} for key in ["AlphaDropout", "GaussianDropout"]},
        "Activation": {"activation": "gelu"},
        "Dense": {"units": 3, "kernel_regularizer": "l2", "kernel_constraint": "max_norm", "activation": "relu"},
        "Dropout": {"rate": 0.5, "seed": 1},
        "GaussianNoise": {"stddev": 0.1},
        "RepeatVector": {"n": 2},
        "Rescaling": {"scale": 2.0},
        "Reshape": {"target_shape": (2, 3)},
    },
    (6, 4): {
        **{key: {} for key in ["Cropping1D", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "UpSampling1D"]},
        **{key: {"pool_size": 2} for key in ["AveragePooling1D", "MaxPooling1D"]},
        **{key: {"filters": 2, "kernel_size": 2} for key in ["Conv1DTranspose", "SeparableConv1D"]},
        "Conv1D": {"filters": 2, "kernel_size": 2, "padding": "causal"},
        "DepthwiseConv1D": {"kernel_size": 2},
        "EinsumDense": {"equation": "abc,cd->abd", "output_shape": (None, 3), "bias_axes": "d"},
        "GRU": {"units": 3},
        "LSTM": {"units": 3, "return_sequences": True, "recurrent_initializer": "orthogonal"},
        "Permute": {"dims": (2, 1)},
        "SimpleRNN": {"units": 3},
        "SpatialDropout1D": {"rate": 0.5},
        "ZeroPadding1D": {},
    },
    (8, 8, 3): {
        **{key: {} for key in ["Cropping2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "UpSampling2D"]},
        **{key: {"pool_size": 2} for key in ["AveragePooling2D", "MaxPooling2D"]},
        **{key: {"height": 4, "width": 4} for key in ["CenterCrop", "Resizing"]},
        **{key: {"filters": 2, "kernel_size": 2} for key in ["Conv2DTranspose", "ConvLSTM1D", "SeparableConv2D"]},
        **{key: {"factor": 0.2} for key in ["RandomContrast", "RandomRotation"]},
        "Conv2D": {"filters": 2, "kernel_size": 3, "kernel_initializer": "he_normal", "bias_initializer": "ones"},
        "DepthwiseConv2D": {"kernel_size": 2},
        "GroupNormalization": {"groups": 3},
        "RandomFlip": {},
        "SpatialDropout2D": {"rate": 0.5},
        "ZeroPadding2D": {},
    },
    (4, 6, 6, 2): {
        **{key: {} for key in ["GlobalAveragePooling3D", "GlobalMaxPooling3D", "UpSampling3D", "ZeroPadding3D"]},
        **{key: {"pool_size": 2} for key in ["AveragePooling3D", "MaxPooling3D"]},
        **{key: {"filters": 2, "kernel_size": 2} for key in ["Conv3D", "Conv3DTranspose", "ConvLSTM2D"]},
    },
}


@pytest.mark.parametrize("shape", KINDS)
@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_an_honest_file_of_many_kinds_of_layers_opens(shape: tuple[int, ...]) -> None:
    import keras
    from keras import layers

    from resnet_inspect.readers import file as from_file

    made = [getattr(layers, name)(**given) for name, given in KINDS[shape].items() if hasattr(layers, name)]
    if len(shape) == 2:
        made += [
            layers.Bidirectional(layers.GRU(2)),
            layers.RNN(layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2), layers.SimpleRNNCell(2)])),
            layers.SpectralNormalization(layers.Dense(2)),
            layers.TimeDistributed(layers.Dense(2)),
            keras.Sequential([layers.Dense(3), layers.Dropout(0.5)]),
        ]
    inputs = keras.Input(shape)
    outputs = [layer(inputs) for layer in made]
    merged = (layers.Add, layers.Average, layers.Concatenate, layers.Maximum, layers.Minimum, layers.Multiply)
    outputs += [merge()([inputs, inputs]) for merge in (*merged, layers.Subtract)]
    # What the old format has no words for, or Keras itself doesn't read there.
    new = [keras.ops.relu(inputs) + 1]
    if len(shape) == 2:
        outputs += [layers.MultiHeadAttention(2, 3)(inputs, inputs), layers.Dot(2)([inputs, inputs])]
        new += [layers.GroupQueryAttention(3, 2, 1)(inputs, inputs), layers.Attention()([inputs, inputs])]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, given in (("saved.keras", [*outputs, *new]), ("saved.h5", outputs)):
            model = keras.Model(inputs, given)
            model.save(name)
            summary = from_file.summarize(Request(name)).summary
            loaded = keras.models.load_model(name, compile=False)
            assert summary.totals.params == loaded.count_params()
            kinds = {type(layer).__name__ for layer in loaded.layers if not isinstance(layer, keras.Model)}
            # What only calls another layer is around it, and no row.
            assert kinds <= {layer.type for layer in summary.layers} | {kind for _, kind in summary.modules}
