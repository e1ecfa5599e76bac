"""Small networks of Keras, in whichever backend it runs. Their MACs stand in ``networks.py``."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


def _model(*shapes: tuple[int, ...], called: Any) -> Any:
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, called(*inputs))


def convolutions() -> Any:
    """A convolution, one by channels and points, and one transposed."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 4)),
            layers.Conv2D(8, 3),
            layers.BatchNormalization(),
            layers.SeparableConv2D(6, 3, padding="same", activation="relu"),
            layers.Conv2DTranspose(5, 2, strides=2),
        ]
    )


def sequence() -> Any:
    return keras.Sequential(
        [
            keras.Input((6, 10)),
            layers.Bidirectional(layers.LSTM(20, return_sequences=True)),
            layers.GRU(20),
            layers.Dense(4),
        ]
    )


def self_attention() -> Any:
    def called(x: Any) -> Any:
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 8)(x, x))
        return layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, activation="gelu")(x)))

    return _model((9, 32), called=called)


def shared() -> Any:
    dense = layers.Dense(8, activation="relu")
    return _model((10,), (10,), called=lambda a, b: layers.Dense(3)(layers.Concatenate()([dense(a), dense(b)])))


def einsum_dense() -> Any:
    return _model((5, 12), called=layers.EinsumDense("bnd,de->bne", (None, 7), bias_axes="e"))


def operations() -> Any:
    """Two products of activations."""

    def called(x: Any) -> Any:
        x = layers.Dense(7)(x)
        return ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1)))), x)

    return _model((5, 12), called=called)


def time_distributed() -> Any:
    return _model((5, 8, 8, 3), called=layers.TimeDistributed(layers.Conv2D(4, 3)))


def volumes() -> Any:
    return _model((6, 8, 8, 2), called=lambda x: layers.MaxPooling3D()(layers.Conv3D(4, 3, padding="same")(x)))
