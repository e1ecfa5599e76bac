"""torch modules that users bring: objects, and what their code builds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ...analysis.checkpoint_match import Entry
from ...call import Call
from ...errors import BadRequestError, InspectError, ModelError
from ...ir import AN_OBJECT, Model, Summary
from ...shape import Expected, Resolved, resolve
from ..request import Request
from ..weights import check_weights, weights_label
from .build import on_meta, with_zeros
from .failure import is_about_meta
from .inputs import Decode, asked
from .inputs.shapes import likely, resolve_for, said_of
from .run import entries_of, held, trace
from .state import kept_random_state, quiet
from .walk import tensors_of


def summarize_object(
    model: nn.Module,
    inputs: Sequence[Any] | Call | Decode | None,
    batch: int | None = None,
    dtype: str | None = None,
    training: bool = False,
) -> Summary:
    """Summarises a module as it is: its weights are swapped for meta during the run, then put back.

    Without ``inputs`` nothing runs: what the module holds is listed, and what it costs isn't known.

    Raises:
        ModelError: ``model`` is not a module.
        InputError: the input doesn't fit.
    """
    model = _module(model)
    described = Model(type(model).__name__, "torch", f"{AN_OBJECT}{type(model).__module__}.{type(model).__qualname__}")
    if inputs is None:
        return held(model, described)
    if isinstance(inputs, (Call, Decode)):
        if batch is not None:
            raise BadRequestError("named and nested inputs have their own batch: leave batch out")
        return trace(model, described, inputs, dtype or _floating(model), training=training)
    given: list[Resolved | torch.Tensor] = []
    for item in inputs:
        if not isinstance(item, torch.Tensor):
            given.append(resolve_for(model, tuple(item), batch, alone=len(inputs) == 1))
        elif batch is not None or dtype is not None:
            raise BadRequestError("a tensor has its own batch and dtype: leave batch and dtype out")
        else:
            given.append(item)
    return trace(model, described, given, dtype or _floating(model), training=training)


def summarize_built(
    build: Callable[[], Any], request: Request, declared: Callable[[Any], Call | Decode | Expected | None] | None = None
) -> tuple[Summary, tuple[str, ...]]:
    """Summarises what ``build`` gives, built on meta if it can be.

    ``declared`` tells what a model reads by default: a call, a step of decoding, or an image, which other sizes are
    read as then.

    Raises:
        ModelError: it gives no module.
        BadRequestError: a batch or a layout was given, and no input that has it.
        InputError: the input doesn't fit.
    """
    original, notes = _module_of(build)
    dtype = getattr(torch, request.dtype)

    def again() -> nn.Module:
        module = _module(build())
        return (copy.deepcopy(module) if module is original else module).to(dtype)

    model = original
    if dtype is not torch.float32:
        # An instance is its owner's: only what was made here is changed.
        model = original.to(dtype) if _is_ours(original) else copy.deepcopy(original).to(dtype)
    name = type(model).__name__
    check_weights(request, name, lambda: entries_of(model))
    inputs: Sequence[Resolved] | Call | Decode | None = asked(request)
    own = (declared or example)(model) if inputs is None else None
    if isinstance(own, Expected):
        shapes = request.shapes or (own.sizes[1:],)
        layout = request.layout if request.shapes else own.layout
        inputs = [resolve(sizes, own, layout, request.batch) for sizes in shapes]
    elif request.shapes:
        alone = len(request.shapes) == 1
        inputs = [resolve_for(model, sizes, request.batch, request.layout, alone) for sizes in request.shapes]
    else:
        inputs = inputs or own
    described = Model(name, "torch", "", weights=weights_label(request.weights))
    if inputs is None:
        shape = likely(model)
        if request.batch or request.layout:
            raise BadRequestError(f"the input of {request.model} is unknown: add --input {shape}")
        said = f"the input of {request.model} is unknown, so nothing ran: add --input {shape}, if that is its input"
        return held(model, described), (*notes, said)
    summary = trace(
        model,
        described,
        inputs,
        _floating(model),
        rebuild=lambda: with_zeros(again),
        training=request.is_training,
    )
    return summary, notes if isinstance(inputs, (Call, Decode)) else (*notes, *said_of(inputs, summary))


def example(model: nn.Module) -> Call | None:
    """The inputs that a LightningModule has as an example, in the forms that it may have."""
    found = getattr(model, "example_input_array", None)
    if found is None:
        return None
    if isinstance(found, Mapping):
        return Call((), tuple(found.items()))
    return Call(found if isinstance(found, tuple) else (found,))


def state_of(build: Callable[[], Any]) -> tuple[Entry, ...]:
    """The entries of the state dictionary of what ``build`` gives."""
    return entries_of(_module_of(build)[0])


def _module_of(build: Callable[[], Any]) -> tuple[nn.Module, tuple[str, ...]]:
    """What ``build`` gives, on meta unless its constructor needs values; and a note if it does."""
    try:
        return _module(on_meta(build)), ()
    except Exception as error:
        if isinstance(error, InspectError) and not is_about_meta(error):
            raise
        with kept_random_state(), quiet():
            model = build()  # fails as the user's code does, or works because it isn't on meta
        return _module(model), (f"built with all its weights: on meta, {error}",)


def _module(model: Any) -> nn.Module:
    """The module itself, not what ``torch.compile`` made of it."""
    if not isinstance(model, nn.Module):
        raise ModelError(f"expected a torch.nn.Module, got {type(model).__name__}")
    compiled: nn.Module = getattr(model, "_orig_mod", model)
    return compiled


def _is_ours(model: nn.Module) -> bool:
    """Whether it was made without weights, as nobody but us does."""
    return all(parameter.is_meta for _, parameter in tensors_of(model, "_parameters"))


def _floating(model: nn.Module) -> str:
    """The element type of the model's weights, for inputs that say none."""
    types = (parameter.dtype for _, parameter in tensors_of(model, "_parameters"))
    numbers = (kind for kind in types if kind.is_floating_point or kind.is_complex)
    return str(next(numbers, torch.float32)).removeprefix("torch.")
