"""From settings, on the command line or in a file, to what ``check`` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..backends import Request
from ..backends.examine import Target
from ..backends.source import Source
from ..checks.settings import kinds, rules
from ..diffs import KINDS
from ..errors import BadRequestError
from ..ir import frozen_value
from ..shape import parse_shape
from .options import split_model


def target(name: str, settings: Mapping[str, Any], folder: Path) -> Target:
    """One model with its rules. Paths in ``settings``, which has the keys of ``config.KEYS``, are of ``folder``.

    Raises:
        BadRequestError: a setting makes no sense, or goes together with no other.
    """
    model = settings["model"]
    saved = Source(str(folder / model) if model != "-" else model, "", Request())
    inputs = tuple((text, tuple(parse_shape(part) for part in text.split("+"))) for text in settings.get("inputs", ()))
    building = [key for key in ("inputs", "batch", "dtype", "layout", "args", "flavor") if settings.get(key)]
    if saved.is_saved:
        if building or settings.get("find-min"):
            raise BadRequestError(
                f"{model} is a saved summary, but {(*building, 'find-min')[0]} is for models that are built"
            )
        source = saved
    else:
        source = _built(model, settings)
    return Target(
        name=name,
        source=source,
        rules=rules(settings),
        inputs=inputs,
        find_min=bool(settings.get("find-min")),
        baseline=folder / settings["baseline"] if settings.get("baseline") else None,
        fail_on=kinds(settings.get("fail-on", ())) or frozenset(KINDS),
    )


def _built(model: str, settings: Mapping[str, Any]) -> Source:
    backend, name = split_model(model, settings.get("backend"))
    flavor = settings.get("flavor")
    if flavor and backend != "local":
        raise BadRequestError(f"flavor goes with the local backend, not with {backend}")
    arguments = tuple((key, frozen_value(value)) for key, value in settings.get("args", {}).items())
    request = Request(
        model=name,
        batch=settings.get("batch"),
        dtype=settings.get("dtype") or "float32",
        layout=settings.get("layout"),
        arguments=arguments,
        flavor=flavor,
    )
    return Source(model, backend, request)
