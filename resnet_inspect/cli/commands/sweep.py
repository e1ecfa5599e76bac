"""``resnet-inspect sweep``."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ...analysis.training.timeline import timeline
from ...answers.source import opened
from ...errors import BadRequestError, InputError
from ...ir import Summary
from ...readers import Limits, Request
from ...readers.inputs import Shapes, read_inputs
from ...render.report.sweep import Step, panels, report
from .. import Command
from ..building import building_options, source
from ..delivery import with_progress
from ..naming import complete_model
from ..options import limits_options
from ..reporting import check_plot, deliver_plot, deliver_report, is_page, plot_options, report_options
from ..training import in_training, plan_of, training_options

_RANGE = re.compile(r"(?:([0-9]{1,18})x)?([0-9]{1,18})\.\.([0-9]{1,18})(?::([0-9]{1,18}))?")
_STEP = 32
_BATCHES = "1..64:8"
_PLURAL = {"size": "Sizes", "batch": "Batches"}
#: Sizes of a sweep: each is a network that is built.
_MOST = 1000


@click.command("sweep", cls=Command)
@click.argument("model", default="resnet50", shell_complete=complete_model)
@click.option(
    "--input",
    "sizes",
    default="64..512:32",
    show_default=True,
    metavar="FROM..TO:STEP",
    help="Squares of these sides; 1x64..512:32 for images of one channel. With --over batch, one input.",
)
@click.option("--over", type=click.Choice(["size", "batch"]), default="size", show_default=True, help="What grows.")
@click.option(
    "--batch", metavar="N|FROM..TO:STEP", help="Batch size; over the batch, a range. Default: 1, and 1..64:8."
)
@training_options
@plot_options
@building_options(without=("input", "input-json", "input-from", "batch"))
@limits_options
@report_options
def command(
    model: str,
    sizes: str,
    over: str,
    batch: str | None,
    plot: str | None,
    dark: bool,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    **building: Any,
) -> None:
    """Show what MODEL (default: resnet50) costs at many input sizes or batches, and which of them don't fit.

    \b
    resnet-inspect sweep resnet50 --input 128..512:32
    resnet-inspect sweep resnet50 --over batch --batch 8..64:8 --optimizer adam
    """
    check_plot(plot, dark, output_format, output)
    plan, building = plan_of(building)
    chosen = source(model, {**building, "batch": None})
    if chosen.is_saved:
        raise BadRequestError(f"{model} is a saved summary, which has one input: name a model")
    requests = _batches(chosen.request, batch, sizes) if over == "batch" else _squares(chosen.request, batch, sizes)
    steps = []
    with opened(chosen, limits) as ask:
        run = ask if plan is None else partial(in_training, ask)
        for size, number, request in with_progress(requests, len(requests), _PLURAL[over]):
            try:
                found: Summary | InputError = run(request).summary
            except InputError as error:
                found = error
            trained = timeline(found, plan) if plan is not None and isinstance(found, Summary) else None
            known = trained.peak.live if trained and trained.peak and not trained.unknown else None
            steps.append(Step(size, number, found, known))
    name = f"{chosen.backend}:{chosen.request.model}"
    trains = plan is not None
    drawn = panels(steps, over, trains) if plot or is_page(output_format, output) else ()
    title = f"{name} at {len(steps)} {_PLURAL[over].lower()}"
    deliver_report(report(name, steps, over, trains), output_format, output, ascii_only, title, drawn)
    if plot:
        deliver_plot(plot, dark, name, drawn)


def _squares(request: Request, batch: str | None, sizes: str) -> list[tuple[str, int, Request]]:
    """A request for each size: what a person would type, the side, and what is asked."""
    if batch is not None and not batch.isdecimal():
        raise BadRequestError(f"--batch {batch!r:.60} is not a number; a range of batches goes with --over batch")
    channels, sides = _sides(sizes)
    shapes = [(channels, side, side) if channels else (side,) for side in sides]
    given = replace(request, batch=int(batch) if batch else None)
    return [
        ("x".join(map(str, shape)), side, replace(given, inputs=Shapes((shape,))))
        for side, shape in zip(sides, shapes, strict=True)
    ]


def _batches(request: Request, batch: str | None, sizes: str) -> list[tuple[str, int, Request]]:
    """A request for each batch."""
    found = _RANGE.fullmatch(batch or _BATCHES)
    if found is None or found[1]:
        raise BadRequestError(f"--batch {batch!r:.60} is not a range of batches like 1..64:8")
    first, last, step = (int(part) if part else None for part in found.groups()[1:])
    if not first or not last or step == 0 or last < first:
        raise BadRequestError(f"--batch {batch!r:.60} is not a range of batches like 1..64:8")
    numbers = range(first, last + 1, step or 1)
    if len(numbers) > _MOST:
        raise BadRequestError(f"--batch {batch} has {len(numbers):,} batches, and {_MOST:,} are possible")
    if click.get_current_context().get_parameter_source("sizes") is not ParameterSource.DEFAULT:
        request = replace(request, inputs=read_inputs([sizes]))
    return [(str(number), number, replace(request, batch=number)) for number in numbers]


def _sides(text: str) -> tuple[int | None, range]:
    """Channels, if they were given, and the sides of the squares.

    Raises:
        BadRequestError: the text is not a range of sizes, or of too many.
    """
    found = _RANGE.fullmatch(text)
    channels, first, last, step = (int(part) if part else None for part in found.groups()) if found else (None,) * 4
    if not first or not last or step == 0 or last < first or channels == 0:
        raise BadRequestError(f"--input {text!r:.60} is not a range of sizes like 128..1024:32")
    sides = range(first, last + 1, step or _STEP)
    if len(sides) > _MOST:
        larger = -(-(last - first) // (_MOST - 1))
        raise BadRequestError(
            f"--input {text} has {len(sides):,} sizes, and {_MOST:,} are possible; "
            f"take a larger step: {text.partition(':')[0]}:{larger}"
        )
    return channels, sides
