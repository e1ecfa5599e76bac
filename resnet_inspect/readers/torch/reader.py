"""The torch backend: torchvision's models by name, and lowered blocks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torchvision import models

from ...analysis.checkpoint_match import Entry
from ...blocks.residual import BlockSpec, residual_block
from ...call import Call
from ...errors import BadRequestError, InputError, ModelError, closest, meant
from ...ir import Model
from ...shape import Expected, Resolved, resolve
from ..chatter import held_back
from ..local.reader import resolve_block
from ..request import Answer, Metric, Request
from ..weights import check_weights, is_file, weights_label
from .build import on_meta, with_zeros
from .inputs import asked
from .lower import lower
from .run import entries_of, trace
from .state import kept_random_state, quiet

#: Detection models resize their images themselves; torchvision publishes their cost for these squares.
_DETECTION_SIZES = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": 320,
    "keypointrcnn_resnet50_fpn": 1333,
    "ssd300_vgg16": 300,
    "ssdlite320_mobilenet_v3_large": 320,
}
_DETECTION_SIZE = 800
_FLOW_SIZE = 512
_VIDEO_FRAMES = 16


def summarize(request: Request) -> Answer:
    """Summarises a model of torchvision.

    Raises:
        ModelError: no such model, or its constructor refuses the arguments.
        InputError: the input doesn't fit, with the first layer that refuses it.
    """
    with held_back(progress=request.weights is not None):
        name, build = constructor(request)
        model = _built(request, name, lambda: on_meta(build))
        check_weights(request, f"torch:{name}", lambda: entries_of(model))
        inputs, images = _inputs(name, model)
        resolved = asked(request) or _resolve(request, name, inputs)
        builder = models.get_model_builder(name)
        published = _published(name, request.weights)
        weights = published.name if published else weights_label(request.weights)
        described = Model(name, "torch", f"{builder.__module__}.{builder.__name__}", request.arguments, weights)
        summary = trace(
            model,
            described,
            resolved,
            request.dtype,
            as_list=images,
            rebuild=lambda: with_zeros(build),
            training=request.is_training,
        )
    notes = () if isinstance(resolved, Call) else tuple(item.note for item in resolved if item.note)
    return Answer(summary, notes, _metrics(name, published))


def native(request: Request) -> str:
    """What torch's own tools print: ``print(model)`` and ``torchsummary.summary``, run on real tensors.

    Raises:
        ModelError: no such model, or torchsummary can't cope with it.
    """
    from .native import describe_with_torchsummary

    name, build = constructor(request)
    with kept_random_state(), quiet():
        model = _built(request, name, build)
        inputs, images = _inputs(name, model)
        if images:
            raise ModelError(f"torch:{name} takes a list of images, which torchsummary can't give it")
        return describe_with_torchsummary(model, _resolve(request, name, inputs))


def native_block(spec: BlockSpec, request: Request) -> str:
    """What torch's own tools print of a lowered block."""
    from .native import describe_with_torchsummary

    spec, resolved = resolve_block(spec, request)
    with kept_random_state(), quiet():
        return describe_with_torchsummary(lower(residual_block(spec)), [resolved])


def state(request: Request) -> tuple[Entry, ...]:
    """The entries of a model's state dictionary."""
    name, build = constructor(replace(request, weights=None))
    return entries_of(_built(request, name, lambda: on_meta(build)))


def summarize_block(spec: BlockSpec, request: Request) -> Answer:
    """Lowers a residual block to a real module and traces it."""
    spec, resolved = resolve_block(spec, request)
    graph = residual_block(spec)
    model = on_meta(lambda: lower(graph).to(getattr(torch, request.dtype)))
    described = Model(graph.name, "torch", graph.builder, graph.arguments)
    summary = trace(model, described, [resolved], request.dtype)
    return Answer(summary, (*([resolved.note] if resolved.note else []), *graph.notes))


def constructor(request: Request) -> tuple[str, Callable[[], nn.Module]]:
    """A model's name, and what builds it."""
    name = _known(request.model)
    arguments = dict(request.arguments)
    builder = models.get_model_builder(name)
    keywords: dict[str, Any] = {"weights": _published(name, request.weights)}
    if "weights_backbone" in inspect.signature(builder).parameters:
        # None here means: don't download the backbone's weights either.
        keywords["weights_backbone"] = None
    for key in arguments:
        if key in keywords:
            raise BadRequestError(f"torch:{name}: say --weights instead of --arg {key}")

    def build() -> nn.Module:
        model: nn.Module = builder(**keywords, **arguments)
        return model.to(getattr(torch, request.dtype)) if request.dtype != "float32" else model

    return name, build


def _built(request: Request, name: str, build: Callable[[], nn.Module]) -> nn.Module:
    arguments = dict(request.arguments)
    try:
        return build()
    except (TypeError, ValueError, AssertionError) as error:
        raise ModelError(f"torch:{name} can't be built with {arguments or 'these weights'}: {error}") from error
    except OSError as error:
        if request.weights is None:
            raise
        reason = getattr(error, "reason", None) or error
        raise ModelError(
            f"the weights of torch:{name} can't be downloaded: {reason}. Without a network, give a file: --weights PATH"
        ) from error


def _published(name: str, weights: str | None) -> Any:
    """torchvision's own weights of a model, by their name."""
    if weights is None or is_file(weights):
        return None
    known = models.get_model_weights(name)
    if weights == "default" and len(known):
        return known.DEFAULT
    if weights not in known.__members__:
        names = ", ".join(["default", *(item.name for item in known)]) if len(known) else "none"
        raise ModelError(f"torch:{name} has no weights {weights!r}; it has {names}, or give a file that exists")
    return known[weights]


def _metrics(name: str, weights: Any) -> tuple[Metric, ...]:
    """What torchvision publishes of its weights for a model: of those asked for, else of the default ones."""
    known = models.get_model_weights(name)
    chosen = [weights] if weights else [known.DEFAULT] if len(known) else []
    return tuple(
        Metric(item.name, dataset, metric, value)
        for item in chosen
        for dataset, values in item.meta.get("_metrics", {}).items()
        for metric, value in values.items()
    )


def _known(name: str) -> str:
    known = models.list_models()
    lower_case = name.lower()
    if lower_case in known:
        return lower_case
    hint = meant(closest(lower_case, known), f"it has {len(known)}, resnet50 among them")
    raise ModelError(f"torchvision has no model {name!r}; {hint}")


def _inputs(name: str, model: nn.Module) -> tuple[list[Expected], bool]:
    """What a model reads by default, and whether it wants its images in a list."""
    family = type(model).__module__.split(".")[2] if type(model).__module__.count(".") > 2 else ""
    if family == "detection":
        size = _DETECTION_SIZES.get(name, _DETECTION_SIZE)
        return [Expected("CHW", (3, size, size))], True
    if family == "optical_flow":
        return [Expected("NCHW", (1, 3, _FLOW_SIZE, _FLOW_SIZE))] * 2, False
    published = list(models.get_model_weights(name))
    transform = getattr(models.get_model_weights(name).DEFAULT.transforms, "keywords", {}) if published else {}
    size = getattr(model, "image_size", None) or transform.get("crop_size") or transform.get("resize_size") or 224
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    if family == "video":
        return [Expected("NCDHW", (1, 3, _VIDEO_FRAMES, height, width))], False
    return [Expected("NCHW", (1, 3, height, width))], False


def resolved_inputs(request: Request, name: str, model: nn.Module) -> list[Resolved]:
    """What a model is given for a request.

    Raises:
        InputError: the shapes fit no reading, or there are too many.
    """
    return _resolve(request, name, _inputs(name, model)[0])


def _resolve(request: Request, name: str, expected: list[Expected]) -> list[Resolved]:
    if not request.shapes:
        if expected and expected[0].layout == "CHW":
            return [_image(item.sizes, item, request) for item in expected]
        return [
            resolve(
                item.sizes[1:] if item.layout.startswith("N") else item.sizes,
                item,
                item.layout,
                request.batch,
            )
            for item in expected
        ]
    given = list(request.shapes)
    if len(expected) == 2 and len(given) == 1:
        given *= 2  # two frames of one size
    if len(given) != len(expected) and not expected[0].layout.startswith("C"):
        raise InputError(f"torch:{name} has {len(expected)} input(s), got {len(request.shapes)}")
    if expected[0].layout == "CHW":
        return [_image(sizes, expected[0], request) for sizes in given]
    return [resolve(sizes, item, request.layout, request.batch) for sizes, item in zip(given, expected, strict=True)]


def _image(sizes: tuple[int, ...], expected: Expected, request: Request) -> Resolved:
    """An image for a model that takes a list of them; a batch of one is the image itself."""
    if request.batch not in (None, 1):
        raise BadRequestError("this model takes a list of images: repeat --input instead of --batch")
    if len(sizes) == 4 and sizes[0] == 1:
        sizes = sizes[1:]
    return resolve(sizes, expected, request.layout)
