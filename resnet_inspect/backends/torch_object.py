"""torch modules that users bring: objects, and what their code builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from ..analysis.fit import Entry
from ..errors import BadRequestError, ModelError
from ..ir import Model, Summary
from ..shape import Expected, Resolved, format_shape, resolve
from .from_torch import entries_of, trace
from .request import Request
from .torch_build import kept_random_state, on_meta, quiet, with_zeros
from .weights import check_fit, weights_label


def summarize_object(
    model: nn.Module, inputs: Sequence[Any], batch: int | None = None, dtype: str | None = None
) -> Summary:
    """Summarises a module as it is: its weights are swapped for meta during the run, then put back.

    Raises:
        ModelError: ``model`` is no module.
        InputError: the input doesn't fit.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"expected a torch.nn.Module, got {type(model).__name__}")
    _check_sizes_known(model)
    first = next(model.parameters(), None)
    floating = first.dtype if first is not None and first.is_floating_point() else torch.float32
    given: list[Resolved | torch.Tensor] = []
    for item in inputs:
        if not isinstance(item, torch.Tensor):
            given.append(_resolve_for_object(model, tuple(item), batch))
        elif batch is not None or dtype is not None:
            raise BadRequestError("a tensor has its own batch and dtype: leave batch and dtype out")
        else:
            given.append(item)
    described = Model(type(model).__name__, "torch", f"{type(model).__module__}.{type(model).__qualname__}")
    return trace(model, described, given, dtype or str(floating).removeprefix("torch."))


def summarize_built(build: Callable[[], Any], request: Request) -> tuple[Summary, tuple[str, ...]]:
    """Summarises what ``build`` gives, built on meta if it can be.

    Raises:
        ModelError: it gives no module.
        BadRequestError: no input was given and the module has no ``example_input_array``.
        InputError: the input doesn't fit.
    """
    model, notes = _module_of(build)
    if request.dtype != "float32":
        model = model.to(getattr(torch, request.dtype))
    name = type(model).__name__
    check_fit(request, name, lambda: entries_of(model))
    given: list[Any] = list(request.inputs)
    example = getattr(model, "example_input_array", None)  # a LightningModule's
    if not given and isinstance(example, torch.Tensor):
        given = [tuple(example.shape)]
    if not given:
        raise BadRequestError(f"{request.model} doesn't say what it reads: add --input 3x224x224")
    resolved = [_resolve_for_object(model, tuple(sizes), request.batch, request.layout) for sizes in given]
    described = Model(name, "torch", "", weights=weights_label(request.weights))
    first = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    dtype = str(first).removeprefix("torch.")
    summary = trace(model, described, resolved, dtype, rebuild=lambda: with_zeros(build))
    return summary, (*notes, *(item.note for item in resolved if item.note))


def state_of(build: Callable[[], Any]) -> tuple[Entry, ...]:
    """The entries of the state dictionary of what ``build`` gives."""
    return entries_of(_module_of(build)[0])


def _module_of(build: Callable[[], Any]) -> tuple[nn.Module, tuple[str, ...]]:
    """What ``build`` gives, on meta unless its constructor needs values; and a note if it does."""
    notes: tuple[str, ...] = ()
    try:
        model = on_meta(build)
    except Exception as error:
        with kept_random_state(), quiet():
            model = build()  # fails as the user's code does, or works because it isn't on meta
        notes = (f"built with all its weights: on meta, {error}",)
    if not isinstance(model, nn.Module):
        raise ModelError(f"expected a torch.nn.Module, got {type(model).__name__}")
    _check_sizes_known(model)
    return model, notes


def _check_sizes_known(model: nn.Module) -> None:
    lazy = [name for name, parameter in model.named_parameters() if nn.parameter.is_lazy(parameter)]
    if lazy:
        raise ModelError(f"{type(model).__name__}: {lazy[0]} is lazy, its size isn't known yet: run the model once")


def _resolve_for_object(
    model: nn.Module, sizes: tuple[int, ...], batch: int | None, wanted: str | None = None
) -> Resolved:
    """The shape for a module about which nothing is known but its layers.

    The first convolution or pooling tells how many dimensions an item has; without one, four and more sizes have a
    batch and fewer don't.
    """
    kinds: dict[str, tuple[type[nn.Module], ...]] = {
        "NCL": (nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d),
        "NCHW": (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d),
        "NCDHW": (nn.Conv3d, nn.MaxPool3d, nn.AvgPool3d),
    }
    layouts = [layout for module in model.modules() for layout, kind in kinds.items() if isinstance(module, kind)]
    layout = layouts[0] if layouts else None
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    if first is not None and layout == "NCHW" and (wanted is not None or len(sizes) < 3):
        # 512, or 512x512x3 in Keras' order: as people type it for a model of the library.
        return resolve(sizes, Expected("NCHW", (1, first.in_channels, 224, 224)), wanted, batch)
    if len(sizes) < (len(layout) if layout else 4):
        sizes = (batch or 1, *sizes)
    elif batch not in (None, sizes[0]):
        raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but batch says {batch}")
    return Resolved(sizes, layout if layout and len(sizes) == len(layout) else None)
