"""From settings, on the command line or in a file, to what ``check`` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..answers.examine import Target
from ..answers.source import Source
from ..checks.settings import rules
from ..diffs import gates
from ..errors import BadRequestError
from ..host.paths import has_folder, split_reference
from ..ir import frozen_value
from .building import built
from .inputs import read_inputs

#: What says nothing of a saved summary.
_BUILDING = ("inputs", "batch", "dtype", "layout", "args", "flavor", "find-min", "input-json", "input-from")


def target(name: str, settings: Mapping[str, Any], folder: Path) -> Target:
    """One model with its rules. Paths in ``settings``, which has the keys of ``config.KEYS``, are of ``folder``.

    Raises:
        BadRequestError: a setting makes no sense, or goes together with no other.
    """
    model = settings["model"]
    source = Source(str(folder / model) if model != "-" else model)
    inputs = tuple((text, read_inputs(text.split("+"))) for text in settings.get("inputs", ()))
    if not source.is_saved:
        own = folder / model
        if own.is_file() or Path(split_reference(str(own))[0]).is_file() or (has_folder(model) and own.is_dir()):
            model = str(own) + "/" * own.is_dir()  # a path has lost the slash of ./folder
        source = built(
            model,
            inputs=read_inputs((), settings.get("input-json"), settings.get("input-from")),
            backend=settings.get("backend"),
            batch=settings.get("batch"),
            dtype=settings.get("dtype"),
            layout=settings.get("layout"),
            arguments=tuple((key, frozen_value(value)) for key, value in settings.get("args", {}).items()),
            flavor=settings.get("flavor"),
        )
    elif wrong := [key for key in _BUILDING if settings.get(key)]:
        raise BadRequestError(f"{model} is a saved summary, but {wrong[0]} is for models that are built")
    return Target(
        name=name,
        source=source,
        rules=rules(settings),
        inputs=inputs,
        find_min=bool(settings.get("find-min")),
        baseline=folder / settings["baseline"] if settings.get("baseline") else None,
        fail_on=gates(settings.get("fail-on", ())),
    )
