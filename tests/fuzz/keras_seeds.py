"""Writes a small file of each kind that Keras and TensorFlow make, into the folder that is given."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
from keras import layers


def write(folder: Path) -> None:
    """All of them."""
    given = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2", padding="same")(given)
    x = layers.Add()([layers.BatchNormalization()(x), x])
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(given, x)
    model.save(folder / "net.keras")
    model.save(folder / "net.h5")
    model.save_weights(folder / "net.weights.h5")
    keras.Sequential([keras.Input((4, 3)), layers.LSTM(2), layers.Dense(1)]).save(folder / "sequence.keras")
    model.export(folder / "saved", verbose=False)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
