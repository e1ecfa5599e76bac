"""The networks of Keras: twins of torch's where there are any, and what only Keras has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

from resnet_inspect.call import of_inputs

from .networks import BY_NAME, Network


def _chain(x: Any, *modules: Any) -> Any:
    for module in modules:
        x = module(x)
    return x


def keras_convolutions(x: Any) -> Any:
    """Every way to pad, to stride, to dilate and to group."""
    return _chain(
        x,
        layers.Conv2D(8, 3),
        layers.Conv2D(8, (3, 2), padding="same", use_bias=False),
        layers.Conv2D(8, 4, padding="same", dilation_rate=(2, 1)),
        layers.Conv2D(16, 3, padding="same", groups=4, activation="relu"),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        layers.SeparableConv2D(8, 3, padding="same"),
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.Conv2D(6, 5, strides=2, padding="same"),
    )


def keras_convolutions_elsewhere(x: Any, y: Any) -> Any:
    """Convolutions of lines and of volumes."""
    line = _chain(
        x,
        layers.ZeroPadding1D((1, 2)),
        layers.Conv1D(8, 4, padding="same"),
        layers.Conv1D(8, 3, padding="causal", dilation_rate=2),
        layers.DepthwiseConv1D(3),
        layers.SeparableConv1D(4, 3),
        layers.Conv1D(4, 3, strides=2, padding="same"),
    )
    volume = _chain(y, layers.ZeroPadding3D(1), layers.Conv3D(6, (1, 3, 3)), layers.Conv3D(4, 3, 2, padding="same"))
    return [line, volume]


def keras_transposed(x: Any) -> Any:
    """Backwards convolutions."""
    return _chain(
        x,
        layers.Conv2DTranspose(6, 3, strides=2, padding="same"),
        layers.Conv2DTranspose(4, 2, strides=2, use_bias=False),
        layers.Conv2DTranspose(4, 3, padding="same", activation="relu"),
    )


def keras_norms(x: Any) -> Any:
    """Norms of images."""
    return _chain(
        x,
        layers.BatchNormalization(epsilon=1e-5, momentum=0.9),
        layers.BatchNormalization(epsilon=1e-3, momentum=0.99, center=False, scale=False),
        layers.GroupNormalization(2, epsilon=1e-5),
        layers.LayerNormalization(axis=-1),
        layers.RMSNormalization(),
        layers.UnitNormalization(),
        layers.Normalization(mean=0.5, variance=2.0),
    )


def keras_activations(x: Any) -> Any:
    """Every activation, each behind a convolution of one pixel: as a layer, in a layer, as a function."""
    names = ("relu6", "selu", "silu", "hard_silu", "hard_sigmoid", "hard_tanh", "mish", "sigmoid", "tanh", "softplus")
    found = [
        *(layers.ReLU(), layers.ELU(), layers.LeakyReLU(0.1), layers.PReLU(shared_axes=(1, 2)), layers.Softmax()),
        *(layers.Activation(name) for name in (*names, "gelu", "log_softmax")),
    ]
    for module in found:
        x = module(layers.Conv2D(4, 1)(x))
    x = layers.Conv2D(4, 1, activation="gelu")(x)
    return ops.relu(ops.hard_silu(layers.Conv2D(4, 1, activation="swish")(x)))


def keras_hard_activations(x: Any) -> Any:
    """Activations that the frameworks call by different names."""
    for name in ("hard_silu", "hard_sigmoid", "hard_tanh", "selu", "silu", "elu", "mish"):
        x = layers.Activation(name)(layers.Conv2D(4, 1)(x))
    return layers.Conv2D(4, 1)(x)


def keras_pools(x: Any) -> Any:
    """Windows of images with uneven sizes."""
    return _chain(
        x,
        layers.MaxPooling2D(3, 1, padding="same"),
        layers.AveragePooling2D(3, 1, padding="same"),
        layers.AveragePooling2D((2, 3), 1),
        layers.MaxPooling2D(2, padding="same"),
        layers.MaxPooling2D(3),
    )


def keras_pools_elsewhere(x: Any, y: Any) -> Any:
    """Windows of lines and of volumes."""
    line = _chain(x, layers.MaxPooling1D(3, 2), layers.AveragePooling1D(2, padding="same"), layers.Conv1D(3, 1))
    volume = _chain(y, layers.MaxPooling3D(3, 2), layers.AveragePooling3D(2))
    return [
        *(layers.GlobalAveragePooling1D()(line), layers.GlobalMaxPooling1D()(line)),
        *(layers.GlobalAveragePooling3D()(volume), layers.GlobalMaxPooling3D()(volume)),
    ]


def keras_pools_of_the_whole(x: Any) -> Any:
    """What a classifier ends in."""
    x = layers.Conv2D(8, 3)(x)
    return layers.Dense(5)(layers.GlobalAveragePooling2D()(x))


def keras_resizes(x: Any) -> Any:
    """Images that grow, and that are cut."""
    x = _chain(
        x,
        layers.Conv2D(4, 3, padding="same"),
        layers.UpSampling2D(2),
        layers.Conv2D(4, 3, padding="same"),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Resizing(30, 32, interpolation="bicubic"),
        layers.Cropping2D(((1, 2), (3, 0))),
        layers.Conv2D(4, 3),
    )
    return [x, layers.GlobalMaxPooling2D(keepdims=True)(x)]


def keras_attention(x: Any) -> Any:
    """Several heads, shared keys, and none at all."""
    x = layers.MultiHeadAttention(4, 4)(x, x)
    x = layers.GroupQueryAttention(4, 4, 2)(x, x)
    return layers.Dense(4)(layers.Attention()([x, x]))


def keras_einsums(x: Any) -> Any:
    """Sums over indices, and products."""
    y = layers.EinsumDense("abc,cd->abd", output_shape=(None, 7), bias_axes="d")(x)
    z = ops.einsum("abc,abd->acd", x, y)
    w = ops.einsum("abc,acd->d", x, z)
    return [w, ops.matmul(x, z), layers.Dot((2, 2))([x, x])]


def keras_attention_alone(x: Any) -> Any:
    """Several heads."""
    return layers.MultiHeadAttention(4, 4)(x, x)


def keras_einsums_alike(x: Any, y: Any) -> Any:
    """A sum with an index that one term alone has."""
    return ops.einsum("ab,ac->c", x, y)


def keras_alike(x: Any) -> Any:
    """What both frameworks do in the same way to an image."""
    return _chain(
        x,
        layers.Conv2D(8, 3, dilation_rate=2),
        layers.Conv2D(8, 3, groups=2, padding="same", use_bias=False),
        layers.UpSampling2D(2),
        layers.Conv2D(4, 3, padding="same"),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.MaxPooling2D(2),
        layers.Conv2DTranspose(4, 2, strides=2),
        layers.AveragePooling2D(3, 2),
        layers.Conv2D(4, (3, 2), padding="same"),
    )


def keras_recurrent(x: Any) -> Any:
    """The recurrent layers, and what is around them."""
    x = layers.Masking()(x)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(x)
    x = layers.GRU(4, return_sequences=True)(x)
    x = layers.TimeDistributed(layers.Dense(3))(x)
    return [layers.SimpleRNN(3)(x), layers.RNN(layers.LSTMCell(3))(x)]


def keras_embedded(x: Any) -> Any:
    """A table that is read, and a dense layer."""
    return layers.Dense(10, use_bias=False)(layers.Embedding(10, 8)(x))


def keras_shapes(x: Any) -> Any:
    """Everything that moves elements."""
    one = layers.Permute((3, 1, 2))(layers.Reshape((4, 12, 4))(x))
    one = layers.Concatenate(axis=1)([one, one])
    flat = layers.Flatten()(one)
    two = ops.expand_dims(x[:, 1:, ::2], 1)
    two = ops.pad(ops.squeeze(two, 1), ((0, 0), (1, 1), (0, 0), (0, 0)))
    two = ops.transpose(ops.stack([two, two], 1), (0, 2, 1, 3, 4))
    return [layers.RepeatVector(2)(flat), two, ops.split(one, 2, axis=1)[0], ops.reshape(x, (-1, 24))]


def keras_arithmetic(x: Any) -> Any:
    """Sums, differences and functions, element by element; and what makes one number of many."""
    y = layers.Rescaling(2.0, 1.0)(x)
    y = layers.Add()([layers.Multiply()([x, y]), layers.Subtract()([x, y])])
    z = layers.Average()([layers.Maximum()([x, y]), layers.Minimum()([x, y])])
    z = ops.exp(-z) / (ops.sqrt(ops.absolute(z)) + 1.0) + ops.log(ops.power(x, 2.0) + 1.0)
    return [ops.clip(z, -1.0, 1.0), ops.mean(z, axis=1), ops.sum(z, axis=-1), ops.max(z, axis=1), ops.argmax(z, 1)]


def keras_dropped(x: Any) -> Any:
    """What does nothing in a network that is used."""
    return _chain(
        x,
        layers.Conv2D(4, 3),
        layers.Dropout(0.1),
        layers.SpatialDropout2D(0.2),
        layers.GaussianNoise(0.1),
        layers.GaussianDropout(0.1),
        layers.Identity(),
        layers.Conv2D(4, 3),
    )


def keras_classifier(x: Any) -> Any:
    """The smallest network for images that has all of its kinds."""
    return _chain(
        x,
        layers.Conv2D(8, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, use_bias=False),
        layers.ReLU(),
        layers.AveragePooling2D(2),
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dense(10),
        layers.Softmax(),
    )


def _branch(x: Any, filters: int, stride: int = 1) -> Any:
    if stride > 1:
        # Keras pads such a convolution at the end alone; its own networks pad on both sides before.
        x = layers.Conv2D(filters, 3, stride)(layers.ZeroPadding2D(1)(x))
    else:
        x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x))


def keras_residual(x: Any) -> Any:
    """Two blocks, the second with a projection."""
    x = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(x))
    x = layers.ReLU()(layers.Add()([_branch(x, 8), x]))
    shortcut = layers.BatchNormalization()(layers.Conv2D(16, 1, 2)(x))
    x = layers.ReLU()(layers.Add()([_branch(x, 16, 2), shortcut]))
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def keras_residual_upsampled(x: Any) -> Any:
    """A block whose fork is a resize: 8 channels, 32 pixels wide."""
    x = layers.UpSampling2D(2)(x)
    return layers.ReLU()(layers.Add()([_branch(x, 8), x]))


def build(name: str) -> Any:
    """The model of this name, with names that a model built before doesn't change."""
    keras.utils.clear_session()
    inputs = []
    for spec in of_inputs(BY_NAME[name].inputs).args:
        inputs.append(keras.Input(spec.shape[1:], dtype=spec.dtype or "float32"))
    outputs: Sequence[Any] = globals()[name](*inputs)
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs)


def write(model: Any, network: Network, reader: str, path: Path) -> None:
    """Writes a model as the file that a reader takes: Keras' archive, or the folder of a SavedModel."""
    if reader == "keras":
        model.save(path)
    else:
        model.export(str(path), verbose=False)
