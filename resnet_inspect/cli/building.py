"""The options that build a model as click has them, and the model that they ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..answers.source import Source
from ..errors import BadRequestError
from ..readers import Request
from ..readers.backend import CALLED
from ..readers.inputs import Shapes
from ..readers.options import ARGUMENTS, BACKEND, OPTIONS, SHARED, SIZE, TEXTS, check_backend, given
from ..shape import MOST_SIZE
from .naming import is_ours, split_model
from .options import BackendName, no_cache_option, parse_arguments

if TYPE_CHECKING:
    from ..answers.examine import Target

F = TypeVar("F", bound=Callable[..., Any])


def building_option(name: str, flag: str | None = None, **settings: Any) -> Callable[[F], F]:
    """click's option for one of ``readers.options``, under another ``flag`` or with other ``settings`` if given."""
    option = OPTIONS[name]
    kind = option.kind
    click_type: Any = None
    if kind.choices:
        click_type = (BackendName if kind is BACKEND else click.Choice)(kind.choices)
    elif kind is SIZE:
        click_type = click.IntRange(1, MOST_SIZE)
    multiple = kind in (TEXTS, ARGUMENTS)
    own = {"type": click_type, "multiple": multiple, "metavar": option.metavar, "help": option.help}
    return click.option(flag or f"--{name}", **{**own, **settings})


def building_options(*sides: str, without: Collection[str] = (), **helps: str) -> Callable[[F], F]:
    """The options, with other words for some of them; and each with a side in front (``--old-input``) for it alone."""

    def decorate(function: F) -> F:
        function = no_cache_option(function)
        for option in reversed(SHARED):
            if option.name in without:
                continue
            for side in reversed(sides):
                words = f"As --{option.name}, for {side.upper()} alone."
                function = building_option(option.name, f"--{side}-{option.name}", help=words)(function)
            function = building_option(option.name, help=helps.get(option.name, option.help))(function)
        return function

    return decorate


def source(text: str, options: Mapping[str, Any]) -> Source:
    """A saved summary, or a model to build with the values that click has of the options.

    Raises:
        BadRequestError: an option that builds was given for a saved summary, or options contradict one another.
    """
    saved = Source(text)
    if not saved.is_saved:
        if (named := _of_settings(text)) is not None:
            if given := [option.name for option in SHARED if options.get(option.parameter)]:
                raise BadRequestError(f"the file of settings says how {text} is built: leave --{given[0]} out")
            return named
        return built(text, **{**options, "arg": dict(parse_arguments(options["arg"]))})
    check_saved(text, {option.name: options.get(option.parameter) for option in SHARED})
    return saved


def may_name(text: str) -> bool:
    """Whether a MODEL may be what the file of settings calls one, and not a network of ours."""
    return bool(re.fullmatch(r"[\w-]+", text)) and not is_ours(text)


def _of_settings(name: str) -> Source | None:
    """The model that the nearest file of settings calls so, with the first of its inputs; None if it names no such."""
    if (target := _target(name)) is None:
        return None
    inputs = target.inputs[0][1] if target.inputs else target.source.request.inputs
    return replace(target.source, request=replace(target.source.request, inputs=inputs), name=name)


def _target(name: str) -> Target | None:
    if not may_name(name):
        return None
    from . import config

    path = config.find(Path.cwd())
    return next((target for target in config.load(path) if target.name == name), None) if path else None


def place_of(text: str) -> tuple[Path, int | None] | None:
    """The file of a model's code, or the line of its name in the file of settings; None of any other model."""
    from ..host.paths import split_reference

    code = Path(split_reference(text)[0])
    if code.suffix == ".py" and code.is_file():
        return code, None
    target = _target(text)
    return target.place if target else None


def check_saved(text: str, options: Mapping[str, Any]) -> None:
    """Raises BadRequestError if one of ``options``, by the names that a person gives them, has a value.

    ``text`` is a saved summary, and they build a model.
    """
    for name, value in options.items():
        if value:
            raise BadRequestError(f"--{name} builds a model, but {text} is a saved summary")


def built(text: str, *, backend: str | None = None, **options: Any) -> Source:
    """A model to build with options of ``readers.options``; ``text`` may name its backend: ``torch:resnet50``.

    Raises:
        BadRequestError: the name and the options contradict one another.
    """
    given({"backend": backend})
    backend, model = split_model(text, CALLED.get(backend, backend) if backend else None)
    # A configuration of transformers is a file, and takes what its backend does.
    of_transformers = backend == "file" and text.partition(":")[0] == "transformers"
    check_backend("transformers" if of_transformers else backend, options)
    request = Request.from_options(model, **options)
    if backend in ("local", "keras") and not isinstance(request.inputs, Shapes):
        raise BadRequestError(f"{text} reads one image, without a name or a type of its own: --input 3x224x224")
    return Source(text, backend, request)
