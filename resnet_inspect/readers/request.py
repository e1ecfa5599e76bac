"""What a backend is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import BadRequestError
from ..ir import Attributes, Summary, frozen_value
from ..shape import format_shape
from .inputs import OWN_INPUT, CallJson, RequestInputs, Shapes, UserFunction, read_inputs


@dataclass(frozen=True, slots=True)
class Request:
    """One model to summarise."""

    model: str = "resnet50"
    inputs: RequestInputs = OWN_INPUT
    batch: int | None = None
    dtype: str = "float32"
    mode: str = "eval"
    layout: str | None = None
    arguments: Attributes = ()
    flavor: str | None = None
    #: How many tokens the cache has that one more token reads; None for a forward pass without a cache.
    decode: int | None = None
    #: ``default``, the name of a framework's own set, or the path of a checkpoint.
    weights: str | None = None

    @classmethod
    def from_options(cls, model: str, **options: Any) -> Request:
        """The request that the options of ``options.OPTIONS`` make, by their parameters' names; None isn't given.

        Raises:
            BadRequestError: there is no such option, a value isn't of its kind, or two contradict each other.
            TypeError: one of them is the backend, which is asked and is not part of what it is asked.
        """
        from .options import given

        if "backend" in options:
            raise TypeError("a request has no backend: choose the reader instead")
        values = given(options)
        texts = values.get("input", ())
        return cls(
            model=model,
            inputs=read_inputs(
                [texts] if isinstance(texts, str) else texts, values.get("input_json"), values.get("input_from")
            ),
            batch=values.get("batch"),
            dtype=values.get("dtype", "float32"),
            mode=values.get("mode", "eval"),
            layout=values.get("layout"),
            arguments=tuple((key, frozen_value(value)) for key, value in values.get("arg", {}).items()),
            flavor=values.get("flavor"),
            decode=values.get("decode"),
            weights=values.get("weights"),
        )

    @property
    def is_training(self) -> bool:
        """Whether the model runs as in training."""
        return self.mode == "train"

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes that were given; none where the inputs are a call or a function's."""
        return self.inputs.sizes if isinstance(self.inputs, Shapes) else ()

    def options(self) -> dict[str, Any]:
        """The options that were given, by their parameters' names: ``from_options`` makes the same request of them."""
        inputs = self.inputs
        values = {
            "input": list(map(format_shape, self.shapes)),
            "input_json": inputs.text if isinstance(inputs, CallJson) else None,
            "input_from": inputs.reference if isinstance(inputs, UserFunction) else None,
            "arg": dict(self.arguments),
            "batch": self.batch,
            "layout": self.layout,
            "dtype": None if self.dtype == "float32" else self.dtype,
            "mode": None if self.mode == "eval" else self.mode,
            "weights": self.weights,
            "flavor": self.flavor,
            "decode": self.decode,
        }
        return {name: value for name, value in values.items() if value}


class Limits(NamedTuple):
    """What a model may take: ``seconds`` until it answers, and bytes of ``memory`` beyond its framework's own.

    None sets no limit, but for files, which have one of their own (``sandbox``); their seconds begin when their
    framework is imported.
    """

    seconds: float | None = None
    memory: int | None = None


UNLIMITED = Limits()


def check_settled(request: Request, file: str, takes: Container[str] = ()) -> None:
    """Raises BadRequestError for an option that a program in a file has settled and the reader doesn't take."""
    from .options import OPTIONS

    wanted = request.options()
    for option in OPTIONS.values():
        if option.is_settled and option.parameter in wanted and option.name not in takes:
            raise BadRequestError(f"--{option.name} does not apply to {file}: its graph and weights are fixed")


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
