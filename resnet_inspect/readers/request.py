"""What a backend is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import BadRequestError
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
class Limits:
    """What a model may take: ``seconds`` until it answers, and bytes of ``memory`` beyond its framework's own.

    None is no limit, but for files, which have one of their own (``sandbox``); their seconds begin when their framework
    is imported.
    """

    seconds: float | None = None
    memory: int | None = None


UNLIMITED = Limits()

#: What a finished program has settled: it is built, and has its weights and element types.
_SETTLED = ("--arg", "--flavor", "--weights", "--input-from", "--dtype")


def options_of(request: Request) -> list[str]:
    """The options of the command line that a request was made with, the model and the backend aside."""
    given = {
        "--input": request.inputs or request.call,
        "--input-from": request.inputs_from,
        "--arg": request.arguments,
        "--batch": request.batch,
        "--layout": request.layout,
        "--dtype": request.dtype != "float32",
        "--weights": request.weights,
        "--flavor": request.flavor,
    }
    return [option for option, value in given.items() if value]


def check_settled(request: Request, file: str, may: Container[str] = ()) -> None:
    """Raises BadRequestError for an option, other than ``may``, that a program in a file has settled."""
    for option in options_of(request):
        if option in _SETTLED and option not in may:
            raise BadRequestError(f"{file} is a finished program, built and with its weights: leave {option} out")


class Metric(NamedTuple):
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
