"""Keras' own layers in our vocabulary: which op a class is, and what of its settings says what it computes.

Nothing here needs Keras: layers are told by their class' names and have the attributes that Keras' layers have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...ir import Tensor, Value, frozen_value
from ...ops import vocabulary
from ...ops.attributes import explicit_padding, paddings

_POOLS = {"Max": "max", "Average": "avg"}

#: Keras' own classes whose op isn't their name in lower case; a subclass is what its nearest Keras ancestor is.
LAYER_OPS = {
    **{f"Conv{d}DTranspose": f"conv_transpose{d}d" for d in (1, 2, 3)},
    **{f"DepthwiseConv{d}D": f"conv{d}d" for d in (1, 2)},
    **{f"SeparableConv{d}D": "separable_conv" for d in (1, 2)},
    **{f"{word}Pooling{d}D": f"{op}_pool{d}d" for word, op in _POOLS.items() for d in (1, 2, 3)},
    **{f"Global{word}Pooling{d}D": f"global_{op}_pool{d}d" for word, op in _POOLS.items() for d in (1, 2, 3)},
    **{f"Adaptive{word}Pooling{d}D": f"adaptive_{op}_pool{d}d" for word, op in _POOLS.items() for d in (1, 2, 3)},
    **{f"ZeroPadding{d}D": f"zero_pad{d}d" for d in (1, 2, 3)},
    **{f"UpSampling{d}D": "resize" for d in (1, 2, 3)},
    **{f"Cropping{d}D": "crop" for d in (1, 2, 3)},
    **{f"SpatialDropout{d}D": "feature_dropout" for d in (1, 2, 3)},
    # Augmentation leaves images as they are outside of training.
    **{f"Random{word}": "noise" for word in ("Brightness", "Contrast", "Flip", "Rotation", "Translation", "Zoom")},
    "AdditiveAttention": "attention",
    "AlphaDropout": "dropout",
    "Average": "mean",
    "BatchNormalization": "batch_norm",
    "Concatenate": "concat",
    "GRUCell": "gru",
    "GaussianDropout": "dropout",
    "GaussianNoise": "noise",
    "GroupNormalization": "group_norm",
    "GroupedQueryAttention": "attention",
    "InputLayer": "input",
    "LSTMCell": "lstm",
    "LayerNormalization": "layer_norm",
    "Masking": "mask",
    "Maximum": "max",
    "Minimum": "min",
    "MultiHeadAttention": "attention",
    "Multiply": "mul",
    "Permute": "transpose",
    "PositionEmbedding": "embedding",
    "RMSNormalization": "rms_norm",
    "RNN": "recurrent",
    "RepeatVector": "expand",
    "Rescaling": "rescale",
    "Resizing": "resize",
    "SimpleRNN": "rnn",
    "SimpleRNNCell": "rnn",
    "Subtract": "sub",
    "UnitNormalization": "unit_norm",
}
#: Operations of ``keras.ops`` whose op isn't their name in lower case.
OPERATION_OPS = {
    "absolute": "abs",
    "average_pool": "avg_pool",
    "broadcast_to": "expand",
    "cast": "copy",
    "concatenate": "concat",
    "divide": "div",
    "dot_product_attention": "attention",
    "get_item": "slice",
    "hard_silu": "hard_swish",
    "max": "amax",
    "maximum": "max",
    "min": "amin",
    "minimum": "min",
    "moveaxis": "transpose",
    "multiply": "mul",
    "negative": "neg",
    "power": "pow",
    "ravel": "reshape",
    "split": "slice",
    "squeeze": "reshape",
    "subtract": "sub",
    "swapaxes": "transpose",
    "expand_dims": "reshape",
    "tile": "expand",
    "true_divide": "div",
}

#: What ``get_config`` says of every layer and what changes nothing in what it computes.
_NOT_CONFIGURED = ("name", "trainable", "dtype", "seed", "batch_shape", "sparse", "ragged", "optional", "build_config")
_NOT_CONFIGURED_ENDINGS = ("_initializer", "_regularizer", "_constraint")


def op_of(name: str) -> str | None:
    """The op of one of Keras' own classes; None for those that aren't operators, as ``Layer`` and ``Wrapper``."""
    return LAYER_OPS.get(name) or vocabulary.named(name)


def described(
    name: str, layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor], usual_format: str
) -> tuple[str, dict[str, Value]]:
    """The op of a layer of Keras' class ``name``, and everything that changes what it computes on these inputs.

    ``layer`` has the attributes that Keras' own has: it is one, or has them from a file.
    """
    op = op_of(name)
    assert op is not None, name
    if op == "activation":
        return activation_of(layer) or "identity", {}
    special = next((make for prefix, make in _SPECIAL.items() if name.startswith(prefix)), None)
    if special is None:
        return op, configuration(layer, usual_format)
    attributes = special(layer, inputs, outputs)
    activation = activation_of(layer)
    if activation and op != "relu":
        attributes["activation"] = activation
    return op, attributes


def image_layout(layer: Any, op: str, rank: int) -> str | None:
    """How a layer that works on images reads a tensor of ``rank`` dimensions; None for any other layer."""
    data_format = getattr(layer, "data_format", None)
    if data_format is None and op == "batch_norm":
        data_format = "channels_last" if layer.axis % rank == rank - 1 else "channels_first"
    if data_format is None:
        return None
    last, first = {3: ("NLC", "NCL"), 4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}.get(rank, (None, None))
    return last if data_format == "channels_last" else first


def output_layout(op: str, inputs: Sequence[Tensor], rank: int) -> str | None:
    """An image stays one through what makes or keeps images: Keras' operators give the layout that they read."""
    known = inputs[0].layout if inputs else None
    return known if known and len(known) == rank and vocabulary.of(op).layout is not None else None


def activation_of(layer: Any) -> str | None:
    """The name of a layer's activation; None for none, which Keras calls linear."""
    function = getattr(layer, "activation", None)
    if function is None:
        return None
    name = getattr(function, "__name__", None) or snake_case(type(function).__name__)
    return None if name == "linear" else OPERATION_OPS.get(str(name), str(name))


def configuration(layer: Any, usual_format: str | None = None) -> dict[str, Value]:
    """The plain values of a layer's configuration: what its constructor was told.

    ``usual_format`` is the ``data_format`` that isn't worth saying: Keras' own.
    """
    try:
        config = layer.get_config()
    except (NotImplementedError, TypeError, ValueError):
        return {}
    return {
        key: frozen_value(value)
        for key, value in config.items()
        if key not in _NOT_CONFIGURED and not key.endswith(_NOT_CONFIGURED_ENDINGS)
        if value is not None and is_plain(value) and (key, value) != ("data_format", usual_format)
    }


def is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def snake_case(name: str) -> str:
    words = "".join(
        f"_{c.lower()}" if c.isupper() and i and not name[i - 1].isupper() else c.lower() for i, c in enumerate(name)
    )
    return words.strip("_")


def _spatial(tensor: Tensor, layer: Any) -> tuple[int, ...]:
    return tensor.shape[1:-1] if layer.data_format == "channels_last" else tensor.shape[2:]


def _channels(tensor: Tensor, layer: Any) -> int:
    return tensor.shape[-1] if layer.data_format == "channels_last" else tensor.shape[1]


def _depthwise(layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, Value]:
    channels = _channels(inputs[0], layer)
    return _convolution_of(layer, inputs, channels * layer.depth_multiplier, channels)


def _separable(layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, Value]:
    return {**_convolution_of(layer, inputs, layer.filters, 1), "depth_multiplier": layer.depth_multiplier}


def _convolution_of(layer: Any, inputs: Sequence[Tensor], out_channels: int, groups: int) -> dict[str, Value]:
    kernel, stride, dilation = tuple(layer.kernel_size), tuple(layer.strides), tuple(layer.dilation_rate)
    return {
        "in_channels": _channels(inputs[0], layer),
        "out_channels": out_channels,
        "kernel_size": kernel,
        "stride": stride,
        "padding": explicit_padding(layer.padding, _spatial(inputs[0], layer), kernel, stride, dilation),
        "padding_mode": "zeros",
        "dilation": dilation,
        "groups": groups,
        "bias": layer.use_bias,
    }


def _transposed(layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, Value]:
    attributes = _convolution_of(layer, inputs, layer.filters, getattr(layer, "groups", 1))
    # It is a convolution backwards, whose input is what this one gives: that one's padding is cut off here.
    size = _spatial(outputs[0], layer) if outputs else ()
    window = tuple(layer.kernel_size), tuple(layer.strides), tuple(layer.dilation_rate)
    attributes["padding"] = explicit_padding(layer.padding, size, *window) if size else layer.padding
    attributes["output_size"] = size
    return attributes


def _batch_norm(layer: Any, inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    shape = inputs[0].shape
    attributes: dict[str, Value] = {
        "channels": shape[layer.axis],
        "eps": layer.epsilon,
        # Keras says how much the old average weighs, torch how much the new batch does.
        "momentum": round(1 - layer.momentum, 12),
        "scale": layer.scale,
        "center": layer.center,
    }
    if layer.axis % len(shape) != len(shape) - 1:
        attributes["axis"] = layer.axis
    if getattr(layer, "synchronized", False):
        attributes["synchronized"] = True
    return attributes


def _window(layer: Any, inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    kernel, stride = tuple(layer.pool_size), tuple(layer.strides)
    ones = (1,) * len(kernel)
    attributes: dict[str, Value] = {
        "kernel_size": kernel,
        "stride": stride,
        "padding": explicit_padding(layer.padding, _spatial(inputs[0], layer), kernel, stride, ones),
    }
    maximum = layer.pool_mode == "max"
    attributes |= (
        {"dilation": ones, "ceil_mode": False} if maximum else {"ceil_mode": False, "count_include_pad": False}
    )
    return attributes


def _zero_pad(layer: Any, _inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    padding = layer.padding if isinstance(layer.padding[0], (tuple, list)) else (tuple(layer.padding),)
    return {"padding": paddings(padding)}


def _dense(layer: Any, inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    return {"in_features": inputs[0].shape[-1], "out_features": layer.units, "bias": layer.use_bias}


def _recurrent(layer: Any, inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    known: dict[str, Value] = {"in_features": inputs[0].shape[-1], "hidden_size": layer.units}
    rest = {key: value for key, value in configuration(layer).items() if key not in ("units", "activation")}
    return known | rest


def _multi_head(layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "num_heads": layer.num_heads,
        "key_dim": layer.key_dim,
        "value_dim": layer.value_dim,
        "out_features": outputs[0].shape[-1] if outputs else inputs[0].shape[-1],
        "bias": layer.use_bias,
        "dropout": layer.dropout,
    }
    axes = layer._attention_axes
    if axes is not None and tuple(axes) != tuple(range(1, len(inputs[0].shape) - 1)):
        attributes["attention_axes"] = tuple(axes)
    return attributes | _newer(getattr(layer, "_use_gate", False), getattr(layer, "_sliding_window", None))


def _grouped(layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, Value]:
    return {
        "num_heads": layer.num_query_heads,
        "num_kv_heads": layer.num_key_value_heads,
        "key_dim": layer.head_dim,
        "value_dim": layer.head_dim,
        "out_features": outputs[0].shape[-1] if outputs else inputs[0].shape[-1],
        "bias": layer.use_bias,
        "dropout": layer.dropout,
        **_newer(getattr(layer, "use_gate", False), getattr(layer, "sliding_window", None)),
    }


def _newer(gate: bool, window: int | None) -> dict[str, Value]:
    """What older versions of Keras don't know of attention, and what summaries of one without it don't speak of.

    The window is a mask: all scores are computed, within it or not.
    """
    return {**({"gate": True} if gate else {}), **({} if window is None else {"sliding_window": window})}


def _relu(layer: Any, _inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    given = {"max_value": layer.max_value, "negative_slope": layer.negative_slope, "threshold": layer.threshold}
    return {key: float(value) for key, value in given.items() if value}


def _dropout(layer: Any, _inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    shape = getattr(layer, "noise_shape", None)
    return {"p": layer.rate, **({} if shape is None else {"noise_shape": tuple(shape)}), **_channels_first(layer)}


def _flatten(layer: Any, _inputs: Sequence[Tensor], _outputs: Sequence[Tensor]) -> dict[str, Value]:
    return {"start_dim": 1, "end_dim": -1, **_channels_first(layer)}


def _channels_first(layer: Any) -> dict[str, Value]:
    """The order of dimensions of what shows it in no shape: which values are dropped together, or how they follow."""
    given = getattr(layer, "data_format", None)
    return {"data_format": given} if given == "channels_first" else {}


#: Beginnings of class names, the first one that fits: more special ones stand first.
_SPECIAL: Mapping[str, Callable[[Any, Sequence[Tensor], Sequence[Tensor]], dict[str, Value]]] = {
    **{f"Conv{d}DTranspose": _transposed for d in (1, 2, 3)},
    **{
        f"Conv{d}D": lambda layer, inputs, _: _convolution_of(layer, inputs, layer.filters, layer.groups)
        for d in (1, 2, 3)
    },
    "DepthwiseConv": _depthwise,
    "SeparableConv": _separable,
    "BatchNormalization": _batch_norm,
    "MaxPooling": _window,
    "AveragePooling": _window,
    "GlobalMax": lambda layer, *_: {"keepdims": layer.keepdims},
    "GlobalAverage": lambda layer, *_: {"keepdims": layer.keepdims},
    "ZeroPadding": _zero_pad,
    "Dense": _dense,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "MultiHeadAttention": _multi_head,
    "GroupedQueryAttention": _grouped,
    "ReLU": _relu,
    "AdditiveAttention": lambda layer, *_: configuration(layer),
    "Add": lambda *_: {},
    "Flatten": _flatten,
    **dict.fromkeys(("AlphaDropout", "Dropout", "GaussianDropout", "SpatialDropout"), _dropout),
    "Identity": lambda *_: {},
}
