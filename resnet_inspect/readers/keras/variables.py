"""The variables of Keras' layers as parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from ...ir import Parameter
from . import operators
from .compat import unpacked

#: Classes of Keras whose statistics (moving averages, means of the data) are state, not frozen parameters.
_WITH_STATISTICS = ("batch_norm", "normalization")


def describe_variable(variable: Any, path: str, layer: Any, is_trained: bool) -> Parameter:
    """A weight under its layer's path, with its role; ``is_trained`` says whether anything of its model is.

    A model that is loaded as one that isn't trained may have layers in its layers that don't know.
    """
    own = str(variable.path)
    name = own.rpartition(f"{layer.name}/")[2] if layer is not None else variable.name
    if variable.trainable and is_trained:
        role = "trainable"
    elif layer is not None and operators.layer_op(layer) in _WITH_STATISTICS and _is_state(variable, layer):
        role = "statistics"
    else:
        role = "frozen"
    # Within a mixed policy's layer, ``dtype`` is what its values are cast to, not what is stored.
    dtype = keras.backend.standardize_dtype(variable._dtype)
    stored = Parameter(f"{path}/{name}" if path else name, tuple(variable.shape), dtype, role)
    shape = unpacked(layer, stored.shape) if variable.name in ("kernel", "embeddings") else None
    return stored if shape is None else replace(stored, shape=shape, dtype="int4", stored_bytes=stored.bytes)


def _is_state(variable: Any, layer: Any) -> bool:
    return any(variable is item for item in layer._non_trainable_variables)


def own_weights(layer: Any) -> list[Any]:
    """A layer's variables, without those of the layers in it."""
    return [*layer._trainable_variables, *(v for v in layer._non_trainable_variables)]
