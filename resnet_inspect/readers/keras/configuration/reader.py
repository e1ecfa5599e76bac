"""Summaries of ``.keras`` and ``.h5`` files by their configuration alone."""

from __future__ import annotations

import platform
from pathlib import Path

from ....blocks.graph import INPUT
from ....ir import Model, Summary, Tensor, Trace
from ....shape import Resolved
from ....version import __version__
from ...inputs import OWN_INPUT, Shapes
from ...request import Answer, Request
from ..own_settings import DEFAULTS, keras_settings
from ..sizes import resolve
from ..stored import configuration
from .graph import Input, Network
from .network import network
from .run import Run
from .settings import known


def summarize(request: Request) -> Answer | None:
    """Summarises the model in the file ``request.model``; None if that takes Keras, as what is wrong with one does."""
    try:
        return known_summary(request)
    except Exception:  # whatever a stranger's file makes of it, Keras reads it next
        return None


def known_summary(request: Request) -> Answer:
    """Summarises the model in the file ``request.model``.

    Raises:
        Unknown: the file or the request has something that isn't known here. Other errors say the same.
    """
    taken = {"input", "batch", "layout", "mode"}
    known(request.options().keys() <= taken and isinstance(request.inputs, Shapes), "an option")
    settings = {**(keras_settings() or {}), "epsilon": DEFAULTS["epsilon"]}
    known(settings == DEFAULTS, "Keras' own settings")
    path = Path(request.model)
    found = network(*configuration(path))
    resolved = _resolved(found, request)
    names = [item.name for item in found.inputs] if len(found.inputs) > 1 else [INPUT]
    tensors = [
        Tensor(item.shape, declared.dtype, item.layout) for item, declared in zip(resolved, found.inputs, strict=True)
    ]
    run = Run(found)
    outputs = run.call(list(zip(names, tensors, strict=True)))
    layers = tuple(run.rows.layers)
    summary = Summary(
        model=Model(path.name, "keras", "keras.saving.load_model"),
        inputs=tuple(layer.output_tensors[0] for layer in layers[: len(tensors)]),
        outputs=tuple(outputs),
        layers=layers,
        modules=tuple(run.modules.items()),
        trace=Trace("rules", training=request.is_training),
        environment=(("resnet_inspect", __version__), ("python", platform.python_version())),
    )
    return Answer(summary, tuple(item.note for item in resolved if item.note))


def _resolved(found: Network, request: Request) -> list[Resolved]:
    """The inputs that are asked for, or those that the network declares."""
    known(request.inputs == OWN_INPUT or len(request.shapes) == len(found.inputs), "so many inputs")
    given = request.shapes or tuple(_declared(item) for item in found.inputs)
    return [
        resolve(sizes, request.batch, item.shape, request.layout)
        for sizes, item in zip(given, found.inputs, strict=True)
    ]


def _declared(item: Input) -> tuple[int, ...]:
    sizes = [size for size in item.shape[1:] if size is not None]
    known(len(sizes) == len(item.shape) - 1, "an input of open sizes")
    return tuple(sizes)
