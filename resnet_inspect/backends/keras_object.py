"""Keras models that users bring: objects, and what their code builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from ..analysis.fit import Entry
from ..errors import BadRequestError, ModelError
from ..ir import Model, Summary
from ..shape import Resolved, format_shape
from .from_keras import declared_inputs, defaults, fresh_names, trace, unallocated
from .keras_checkpoint import entries
from .request import Request
from .weights import check_fit, weights_label


def summarize_object(
    model: Any, inputs: Sequence[tuple[int, ...]], batch: int | None = None, dtype: str | None = None
) -> Summary:
    """Summarises a Keras model object. One that isn't built yet is built by this, as by its first call.

    Raises:
        ModelError: ``model`` is no Keras model or layer.
        InputError: the input doesn't fit.
    """
    if not isinstance(model, keras.layers.Layer):
        raise ModelError(f"expected a Keras model or layer, got {type(model).__name__}")
    if any(hasattr(item, "detach") for item in inputs):
        raise BadRequestError("give a Keras model shapes, not tensors")
    declared = declared_inputs(model)
    given = [_resolve_for_object(tuple(item), batch, declared, index) for index, item in enumerate(inputs)]
    described = Model(type(model).__name__, "keras", f"{type(model).__module__}.{type(model).__qualname__}")
    return trace(model, described, given, dtype)


def summarize_built(build: Callable[[], Any], request: Request) -> tuple[Summary, tuple[str, ...]]:
    """Summarises what ``build`` gives, built without allocating a weight.

    Raises:
        ModelError: it gives no Keras model or layer.
        BadRequestError: no input was given and the model declares none.
        InputError: the input doesn't fit.
    """
    with defaults(request.dtype), unallocated():
        model = _built(build)
        check_fit(request, type(model).__name__, lambda: entries(model))
        declared = declared_inputs(model)
        given: list[tuple[int, ...]] = list(request.inputs)
        if not given:
            given = [tuple(tensor.shape[1:]) for tensor in declared]
            if not given or any(size is None for sizes in given for size in sizes):
                raise BadRequestError(f"{request.model} doesn't say how large its input is: add --input 224x224x3")
        resolved = [_resolve_for_object(item, request.batch, declared, index) for index, item in enumerate(given)]
        described = Model(type(model).__name__, "keras", "", weights=weights_label(request.weights))
        return trace(model, described, resolved, request.dtype), ()


def state_of(build: Callable[[], Any]) -> tuple[Entry, ...]:
    """The entries of the ``.weights.h5`` of what ``build`` gives, which must be built by then."""
    with defaults("float32"), unallocated():
        return entries(_built(build))


def _built(build: Callable[[], Any]) -> Any:
    with fresh_names():
        model = build()
    if not isinstance(model, keras.layers.Layer):
        raise ModelError(f"expected a Keras model or layer, got {type(model).__name__}")
    return model


def _resolve_for_object(sizes: tuple[int, ...], batch: int | None, declared: list[Any], index: int) -> Resolved:
    """A shape for a model object: with a batch if it has as many sizes as the model declares, or four and more."""
    rank = len(declared[index].shape) if index < len(declared) else 4
    if len(sizes) < rank:
        sizes = (batch or 1, *sizes)
    elif batch not in (None, sizes[0]):
        raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but batch says {batch}")
    first = keras.config.image_data_format() == "channels_first"
    layouts = {3: "NLC", 4: "NCHW" if first else "NHWC", 5: "NCDHW" if first else "NDHWC"}
    return Resolved(sizes, layouts.get(len(sizes)))
