"""Options that build a model, and what they say to a backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import click

from ..answers.source import Source
from ..errors import BadRequestError
from ..ir import Attributes
from ..readers import DTYPES, LIBRARIES, NAMES, Request
from ..shape import MOST_SIZE
from .inputs import read_inputs
from .options import no_cache_option, parse_arguments, split_model

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, dict[str, Any]] = {
    "backend": {"type": click.Choice((*NAMES, *LIBRARIES)), "help": "Default: local, which needs no framework."},
    "input": {
        "multiple": True,
        "metavar": "SHAPE",
        "help": "3x512x512, 512x512x3, 512 (square), 1x3x512x512; ids=1x128:int64 by name and type. Repeatable.",
    },
    "input-json": {"metavar": "JSON", "help": 'Nested inputs: {"image": "1x3x64x64", "boxes": ["1x4", null]}.'},
    "input-from": {"metavar": "MODULE:FUNCTION", "help": "A function of yours that returns real inputs."},
    "batch": {"type": click.IntRange(1, MOST_SIZE), "help": "Batch size, if the shape has none. Default: 1."},
    "dtype": {"type": click.Choice(DTYPES), "help": "Inputs and weights. Default: float32."},
    "layout": {"type": click.Choice(["NCHW", "NHWC"]), "help": "Of --input. Default: where 1, 3 or 4 stands."},
    "arg": {"multiple": True, "metavar": "KEY=VALUE", "help": "For the constructor: num_classes=10."},
    "flavor": {"type": click.Choice(["torch", "keras"]), "help": "Whose network the local backend builds."},
}


def building_options(*sides: str, without: Collection[str] = (), **helps: str) -> Callable[[F], F]:
    """The options, with other words for some of them; and each with a side in front (``--old-input``) for it alone."""

    def decorate(function: F) -> F:
        function = no_cache_option(function)
        for name, settings in reversed(OPTIONS.items()):
            if name in without:
                continue
            for side in reversed(sides):
                words = f"As --{name}, for {side.upper()} alone."
                function = click.option(f"--{side}-{name}", **{**settings, "help": words})(function)
            function = click.option(f"--{name}", **{**settings, "help": helps.get(name, settings["help"])})(function)
        return function

    return decorate


def source(text: str, given: Mapping[str, Any]) -> Source:
    """A saved summary, or a model to build with the values of ``OPTIONS``.

    Raises:
        BadRequestError: an option that builds was given for a saved summary, or options contradict one another.
    """
    saved = Source(text)
    if not saved.is_saved:
        return built(
            text,
            backend=given["backend"],
            inputs=read_inputs(given["input"], given["input_json"], given["input_from"]),
            batch=given["batch"],
            dtype=given["dtype"],
            layout=given["layout"],
            arguments=parse_arguments(given["arg"]),
            flavor=given["flavor"],
        )
    if wrong := [name for name in OPTIONS if given[parameter(name)]]:
        raise BadRequestError(f"--{wrong[0]} builds a model, but {text} is a saved summary")
    return saved


def parameter(option: str) -> str:
    """The name that click gives an option's value."""
    return option.replace("-", "_")


def built(
    text: str,
    *,
    backend: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    batch: int | None = None,
    dtype: str | None = None,
    layout: str | None = None,
    arguments: Attributes = (),
    flavor: str | None = None,
) -> Source:
    """A model to build; ``text`` may name its backend: ``torch:resnet50``. ``inputs`` is what ``read_inputs`` gave.

    Raises:
        BadRequestError: the name and the options contradict one another.
    """
    backend, model = split_model(text, backend)
    if flavor and backend != "local":
        raise BadRequestError(f"--flavor goes with the local backend, not with {backend}")
    given = dict(inputs or {})
    if backend in ("local", "keras") and (given.get("call") or given.get("inputs_from")):
        raise BadRequestError(f"{text} reads one image, without a name or a type of its own: --input 3x224x224")
    request = Request(
        model=model,
        batch=batch,
        dtype=dtype or "float32",
        layout=layout,
        arguments=arguments,
        flavor=flavor,
        **given,
    )
    return Source(text, backend, request)
