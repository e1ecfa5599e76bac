"""Keras' live layers and operations in our vocabulary: which op a thing is, and its canonical attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ...ir import Attributes, Tensor, Value, frozen_value
from ...ops.attributes import clamped, pad
from .compat import SOURCE
from .layers import OPERATION_OPS, configuration, described, is_plain, op_of, snake_case
from .layers import image_layout as layout_of

#: Where keras-hub has a layer whose code reads weights alone, in which nothing could be heard.
_HUB = "keras_hub.src.layers.modeling.position_embedding"


def layer_class(layer: Any) -> str | None:
    """The nearest of Keras' own classes in a layer's ancestry that has an op, if any."""
    for cls in type(layer).__mro__:
        if op_of(cls.__name__) and cls.__module__.startswith(("keras.", _HUB)):
            return cls.__name__
    return None


def layer_op(layer: Any) -> str:
    """The op of a layer, ``other`` where it is nobody's but its author's."""
    return op_of(layer_class(layer) or "") or "other"


def is_composite(layer: Any) -> bool:
    """Whether a layer is made of others that deserve rows of their own.

    Of Keras' own layers, those are that only call what they were given: wrappers that have no op, and ``Lambda``.
    """
    if isinstance(layer, keras.Model):
        return True
    if layer_class(layer) is None and isinstance(layer, (keras.layers.Wrapper, keras.layers.Lambda)):
        return True
    return layer_class(layer) is None and not type(layer).__module__.startswith(f"{SOURCE}layers.")


def image_layout(layer: Any, rank: int) -> str | None:
    """How a layer that works on images reads a tensor of ``rank`` dimensions; None for any other layer."""
    return layout_of(layer, layer_op(layer), rank)


def describe_layer(layer: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[str, Attributes]:
    """The op of a layer and everything that changes what it computes on these inputs."""
    name, usual = layer_class(layer), keras.config.image_data_format()
    attributes: dict[str, Value]
    if name is None:
        op, attributes = "other", configuration(layer, usual)
    else:
        op, attributes = described(name, layer, inputs, outputs, usual)
    if getattr(layer, "lora_enabled", False):
        attributes["lora_rank"] = layer.lora_rank
    if getattr(layer, "quantization_mode", None):
        attributes["quantization"] = layer.quantization_mode
    return op, tuple(attributes.items())


def describe_operation(operation: Any) -> tuple[str, Attributes]:
    """The op of a functional operation of ``keras.ops``, or its own name where it has none, and its plain values."""
    name = snake_case(type(operation).__name__)
    settings = {
        key: frozen_value(value)
        for key, value in vars(operation).items()
        if not key.startswith("_") and key != "name" and value is not None and is_plain(value)
    }
    op = OPERATION_OPS.get(name, name)
    if op == "clip":
        op, settings = clamped(settings, "x_min", "x_max")
    elif op == "pad" and "pad_width" in settings:
        settings = pad([(before, after) for before, after in operation.pad_width], settings.get("mode"))
    return op, tuple(settings.items())
