"""The backend of users' own models: a class, a function or an instance in their code, of whichever framework."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...analysis.checkpoint_match import Entry
from ...errors import BadRequestError, ModelError
from ...host.paths import split_reference
from ...ir import Model
from ..backend import BACKENDS
from ..chatter import held_back
from ..frameworks import framework_of, load_framework
from ..protocols import Objects
from ..request import Answer, Request
from ..weights import is_file
from .user_code import attribute, theirs


def summarize(request: Request) -> Answer:
    """Summarises what ``request.model`` names; a class or a function is called with the request's arguments.

    Raises:
        ModelError: the code isn't found or fails, or gives no model.
        BadRequestError: the model says no input of its own and none was given.
        InputError: the input doesn't fit.
    """
    if request.weights and not is_file(request.weights):
        raise BadRequestError(
            f"{request.model} is code of yours, which has no weights of that name: give them as a file"
        )
    with held_back():
        backend, module, build = _found(request)
        summary, notes = module.summarize_built(build, request)
    described = Model(summary.model.name, backend, _reference(request), request.arguments, summary.model.weights)
    return Answer(replace(summary, model=described), notes)


def state(request: Request) -> tuple[Entry, ...]:
    """The entries of the model's state dictionary, or of its weights file in Keras."""
    with held_back():
        _, module, build = _found(request)
        return tuple(module.state_of(build))


def _found(request: Request) -> tuple[str, Objects, Callable[[], Any]]:
    """The framework's name, its adapter, and what builds the model."""
    found = attribute(request.model)
    arguments = dict(request.arguments)

    def build() -> Any:
        with theirs(request.model):
            if callable(found) and not framework_of(type(found)):
                return found(**arguments)
        if arguments:
            raise BadRequestError(f"{request.model} is built already: it takes no --arg")
        return found

    backend = framework_of(found if inspect.isclass(found) else type(found)) or _imported()
    if backend is None:
        # A function that imports its framework when it is called.
        backend = framework_of(type(build()))
    if backend is None:
        raise ModelError(f"{request.model} is not a model of torch or Keras: it is {_kind(found)}")
    module: Objects = load_framework(backend, BACKENDS[backend].objects)
    return backend, module, build


def _imported() -> str | None:
    """The framework that the user's code has imported, if it is one."""
    found = [backend for backend in ("keras", "torch") if backend in sys.modules]
    return found[0] if found else None


def _kind(found: Any) -> str:
    return f"the class {found.__name__}" if inspect.isclass(found) else f"of type {type(found).__name__}"


def _reference(request: Request) -> str:
    """What was named, without folders: they are a machine's own."""
    place, name = split_reference(request.model)
    return f"{Path(place).name}:{name}" if place.endswith(".py") else request.model
