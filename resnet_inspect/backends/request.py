"""What a backend is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import Attributes, Summary


@dataclass(frozen=True, slots=True)
class Request:
    """One model to summarise. ``inputs`` are parsed shapes, empty for the model's own default."""

    model: str = "resnet50"
    inputs: tuple[tuple[int, ...], ...] = ()
    batch: int | None = None
    dtype: str = "float32"
    layout: str | None = None
    arguments: Attributes = ()
    flavor: str | None = None
    #: ``default``, the name of a framework's own set, or the path of a checkpoint.
    weights: str | None = None
    #: Inputs with names, element types or structure, or None: the JSON text of a ``call.Call``.
    call: str | None = None
    #: ``module:function`` of the user's that returns real inputs.
    inputs_from: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What a library publishes of one of its sets of weights: ``acc@1`` on ``ImageNet-1K``, in percent."""

    weights: str
    dataset: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The summary, notes for the user on how the request was read, and what is published of the model."""

    summary: Summary
    notes: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
