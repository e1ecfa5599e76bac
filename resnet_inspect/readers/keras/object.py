"""Keras models that users bring: objects, and what their code builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from ...analysis.checkpoint_match import Entry
from ...call import Call
from ...errors import BadRequestError, ModelError
from ...ir import AN_OBJECT, Model, Summary
from ...shape import Resolved
from ..request import Request
from ..weights import check_weights, weights_label
from .checkpoint import entries
from .deep import deeply
from .inputs import asked, declared_inputs, of_call, of_declared, reads_images, resolve
from .reader import defaults, fresh_names, trace, trace_call, unallocated


def summarize_object(
    model: Any,
    inputs: Sequence[tuple[int, ...]] | Call | None,
    batch: int | None = None,
    dtype: str | None = None,
    training: bool = False,
) -> Summary:
    """Summarises a Keras model object. One that isn't built yet is built by this, as by its first call.

    Without ``inputs``, it gets those that it declares.

    Raises:
        ModelError: ``model`` is not a Keras model or layer.
        BadRequestError: an input is a tensor of torch, or its name is none of the model's.
        InputError: the input doesn't fit.
    """
    if not isinstance(model, keras.layers.Layer):
        raise ModelError(f"expected a Keras model or layer, got {type(model).__name__}")
    described = Model(type(model).__name__, "keras", f"{AN_OBJECT}{type(model).__module__}.{type(model).__qualname__}")
    if inputs is None:
        inputs = of_declared(model, described.name)
    if not isinstance(inputs, Call):
        if any(hasattr(item, "detach") for item in inputs):
            raise BadRequestError("give a Keras model shapes, not tensors")
        return trace(model, described, _resolved(model, inputs, batch), dtype, training)
    return trace_call(model, described, of_call(model, inputs, batch, dtype), training)


def summarize_built(build: Callable[[], Any], request: Request) -> tuple[Summary, tuple[str, ...]]:
    """Summarises what ``build`` gives, built without allocating a weight.

    Raises:
        ModelError: it gives no Keras model or layer.
        BadRequestError: no input was given and the model declares none.
        InputError: the input doesn't fit.
    """
    with defaults(request.dtype), unallocated():
        model = deeply(lambda: _built(build))
        check_weights(request, type(model).__name__, lambda: _entries(model))
        described = Model(type(model).__name__, "keras", "", weights=weights_label(request.weights))
        return summarize_model(model, described, request, request.dtype)


def summarize_model(
    model: Any, described: Model, request: Request, dtype: str | None
) -> tuple[Summary, tuple[str, ...]]:
    """Summarises a model called as a request says, or with the inputs that it declares.

    ``dtype`` is what floating inputs are made of, None for what the model declares.

    Raises:
        BadRequestError: no input was given and the model declares none.
        InputError: the input doesn't fit.
    """
    call = asked(request)
    if call is not None:
        return trace_call(model, described, of_call(model, call, request.batch, dtype), request.is_training), ()
    given = request.shapes or of_declared(model, request.model)
    resolved = _resolved(model, given, request.batch, request.layout)
    summary = trace(model, described, resolved, dtype, request.is_training)
    return summary, tuple(item.note for item in resolved if item.note)


def state_of(build: Callable[[], Any]) -> tuple[Entry, ...]:
    """The entries of the ``.weights.h5`` of what ``build`` gives.

    Raises:
        BadRequestError: it isn't built yet, so that nobody knows its weights.
    """
    with defaults("float32"), unallocated():
        return _entries(_built(build))


def _entries(model: Any) -> tuple[Entry, ...]:
    if not model.built:
        said = f"{type(model).__name__} isn't built yet, so its weights are not known"
        raise BadRequestError(f"{said}: let your code call its build(shape)")
    return entries(model)


def _built(build: Callable[[], Any]) -> Any:
    with fresh_names():
        model = build()
    if not isinstance(model, keras.layers.Layer):
        raise ModelError(f"expected a Keras model or layer, got {type(model).__name__}")
    return model


def _resolved(
    model: Any, inputs: Sequence[Sequence[int]], batch: int | None, layout: str | None = None
) -> list[Resolved]:
    declared = declared_inputs(model)
    images = len(inputs) == 1 and not declared and reads_images(model)
    given = [tuple(sizes) for sizes in inputs]
    return [
        resolve(item, batch, declared[index] if index < len(declared) else None, layout, images)
        for index, item in enumerate(given)
    ]
