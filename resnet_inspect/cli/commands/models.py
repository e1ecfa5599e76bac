"""``resnet-inspect models``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from ... import units
from ...blocks import networks
from ...errors import BadRequestError, InspectError
from ...readers import BACKENDS, NAMED, Limits, Request, load_framework, module_of, zoo
from ...readers.backend import CALLED
from ...visible import in_json, visible
from .. import PROGRAM, Command, debug_option
from ..delivery import say, with_progress
from ..options import BackendName, no_cache_option

if TYPE_CHECKING:
    from ...readers.protocols import Names

#: Backend -> where its names come from without importing its framework.
LISTS: dict[str, Callable[[], tuple[str, ...]]] = {
    "local": lambda: networks.names("torch"),
    **{backend.name: partial(zoo.names, backend.zoo) for backend in BACKENDS.values() if backend.zoo},
}


#: Characters of a pattern: a name has 250 at most.
_MOST_CHARACTERS = 500


@click.command("models", cls=Command)
@click.argument("pattern", default="*")
@click.option(
    "--backend",
    type=BackendName(NAMED),
    help="Default: local, torch and keras, as far as they are installed.",
)
@click.option("--counts", is_flag=True, help="Build each model and give its parameters and MACs.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for each model with --counts.")
@no_cache_option
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@debug_option
def command(pattern: str, backend: str | None, counts: bool, timeout: float | None, output_format: str) -> int:
    """List the models whose name has PATTERN in it, or matches it ('resnet*'; upper and lower case alike), by backend.

    Names are read from the sources of torchvision and Keras, so that no framework is imported; timm, transformers
    and keras_hub are imported if --backend asks for them. With --counts, every model is built without weights, in child
    processes that run side by side.

    \b
    resnet-inspect models
    resnet-inspect models --backend torch --counts
    """
    if len(pattern) > _MOST_CHARACTERS:
        raise BadRequestError(f"a pattern of {len(pattern):,} characters: names have less than {_MOST_CHARACTERS}")
    wanted = [backend] if backend else list(LISTS)
    listed = [(name, model) for name in wanted for model in _names(name)]
    found = [(name, model) for name, model in listed if _matches(model.lower(), pattern.lower())]
    if not found:
        more = _of_backend(pattern) or ("" if backend else _elsewhere(pattern))
        raise BadRequestError(f"no model of {' or '.join(wanted)} matches {pattern!r}{more}")
    rows: list[dict[str, Any]] = [{"backend": name, "model": model} for name, model in found]
    failed = _count(rows, timeout) if counts else []
    if output_format == "json":
        click.echo(in_json(json.dumps(rows, indent=2)))
    else:
        _print(rows, counts)
    for line in failed:
        say("error", line)
    return 3 if failed else 0


def _of_backend(pattern: str) -> str:
    """The command that lists a backend's models, where a pattern begins with its name, as models do: torch:resnet18."""
    name, _, rest = pattern.partition(":")
    called = CALLED.get(name.lower())
    words = f" {shlex.quote(rest)}" if rest else ""
    return f"; of one backend: {PROGRAM} models{words} --backend {called}" if called in NAMED else ""


def _elsewhere(pattern: str) -> str:
    """The commands that search the libraries which are installed but have to be imported for it."""
    others = [name for name in NAMED if name not in LISTS and find_spec(name)]
    commands = [f"{PROGRAM} models {shlex.quote(pattern)} --backend {name}" for name in others]
    return f"; not searched, as it takes seconds: {', '.join(commands)}" if commands else ""


def _matches(name: str, pattern: str) -> bool:
    """Whether a pattern says a name, or a text without any sign of one stands in it."""
    return fnmatchcase(name, pattern) or (not set("*?[") & set(pattern) and pattern in name)


def _names(backend: str) -> tuple[str, ...]:
    if backend in LISTS:
        return LISTS[backend]()
    library: Names = load_framework(backend, module_of(backend))
    return library.known_names()


def _count(rows: list[dict[str, Any]], timeout: float | None) -> list[str]:
    """Adds parameters and MACs to the rows; gives what went wrong."""
    from ...answers.crew import answers
    from ...answers.worker import Task

    failed = []
    tasks = [Task(module_of(row["backend"]), "summarize", Request(row["model"])) for row in rows]
    for row, answer in zip(rows, with_progress(answers(tasks, Limits(timeout)), len(rows), "Counting"), strict=True):
        if isinstance(answer, InspectError):
            row |= {"params": None, "macs": None}
            failed.append(f"{row['backend']}:{row['model']}: {answer}")
        else:
            totals = answer.summary.totals
            row |= {"params": totals.params, "macs": None if totals.uncounted else totals.macs}
    return failed


def _print(rows: list[dict[str, Any]], counts: bool) -> None:
    names = [visible(f"{row['backend']}:{row['model']}") for row in rows]
    width = max(map(len, names))
    for name, row in zip(names, rows, strict=True):
        if counts:
            click.echo(f"{name:<{width}}  {units.exact(row['params']):>15}  {units.si(row['macs']):>8} MACs")
        else:
            click.echo(name)
