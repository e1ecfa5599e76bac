"""The backend of timm's models: ``timm:resnet50``, or with the tag of its weights ``timm:resnet50.a1_in1k``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import timm
from timm.data import resolve_data_config
from torch import nn

from ...analysis.checkpoint_match import Entry
from ...errors import ModelError, closest, meant
from ...ir import Model
from ...shape import Expected
from ..chatter import held_back
from ..request import Answer, Request
from ..torch.object import state_of, summarize_built
from ..weights import is_file


def summarize(request: Request) -> Answer:
    """Summarises a model of timm at the input size of its own data configuration, or at the one asked for.

    Raises:
        ModelError: no such model, its constructor refuses the arguments, or its weights can't be downloaded.
        InputError: the input doesn't fit, with the layer that refuses it.
    """
    with held_back(progress=request.weights is not None):
        name, build = _constructor(request)
        summary, notes = summarize_built(build, request, lambda model: _image(model, dict(request.arguments)))
    weights = name if request.weights and not is_file(request.weights) else summary.model.weights
    described = Model(name, "torch", "timm.create_model", request.arguments, weights)
    return Answer(replace(summary, model=described), notes)


def state(request: Request) -> Sequence[Entry]:
    """The entries of a model's state dictionary."""
    with held_back():
        return state_of(_constructor(replace(request, weights=None))[1])


def known_names() -> tuple[str, ...]:
    """All models of timm's registry."""
    return tuple(timm.list_models())


def _constructor(request: Request) -> tuple[str, Callable[[], nn.Module]]:
    name = request.model
    if not timm.is_model(name):
        known = timm.list_models()
        hint = meant(closest(name.partition(".")[0], known), f"it has {len(known)}, resnet50 among them")
        raise ModelError(f"timm has no model {name!r}; {hint}")
    pretrained = request.weights is not None and not is_file(request.weights)
    if pretrained and request.weights != "default":
        name = f"{name.partition('.')[0]}.{request.weights}"

    def build() -> nn.Module:
        try:
            model: nn.Module = timm.create_model(name, pretrained=pretrained, **dict(request.arguments))
        # Old versions of the hub's library make theirs ValueErrors as well.
        except (OSError, RuntimeError) as error:
            if not pretrained:
                raise
            said = str(error).splitlines()[0].rstrip(".")
            raise ModelError(
                f"the weights of timm:{name} can't be downloaded: {said}. Without a network: --weights PATH of a file"
            ) from error
        except (TypeError, ValueError, AssertionError) as error:
            what = dict(request.arguments) or "these weights"
            raise ModelError(f"timm:{name} can't be built with {what}: {error}") from error
        return model

    return name, build


def _image(model: Any, arguments: dict[str, Any]) -> Expected:
    """An image of the size that the model's data configuration has, changed as its constructor was told."""
    channels, height, width = resolve_data_config({}, model=model)["input_size"]
    size = arguments.get("img_size", (height, width))
    height, width = size if isinstance(size, tuple) else (size, size)
    return Expected("NCHW", (1, arguments.get("in_chans", channels), height, width))
