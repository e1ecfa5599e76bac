"""``resnet-inspect sweep``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..answers.source import opened
from ..errors import BadRequestError, InputError
from ..ir import Summary
from ..readers import Limits
from ..readers.inputs import Shapes
from ..render.report.sweep import Step, panels, report
from . import Command
from .building import building_options, source
from .delivery import with_progress
from .options import limits_options
from .reporting import check_plot, deliver_plot, deliver_report, is_page, plot_options, report_options
from .summary import complete_model

_RANGE = re.compile(r"(?:([0-9]{1,18})x)?([0-9]{1,18})\.\.([0-9]{1,18})(?::([0-9]{1,18}))?")
_STEP = 32
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
    help="Squares of these sides; 1x64..512:32 for images of one channel.",
)
@plot_options
@building_options(without=("input", "input-json", "input-from"))
@limits_options
@report_options
def command(
    model: str,
    sizes: str,
    plot: str | None,
    dark: bool,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    **building: Any,
) -> None:
    """Show what MODEL (default: resnet50) costs at many input sizes, and which sizes don't fit.

    \b
    resnet-inspect sweep resnet50 --input 128..512:32
    """
    check_plot(plot, dark, output_format, output)
    channels, sides = _sides(sizes)
    chosen = source(model, building)
    if chosen.is_saved:
        raise BadRequestError(f"{model} is a saved summary, which has one input: name a model")
    steps = []
    with opened(chosen, limits) as ask:
        for side in with_progress(sides, len(sides), "Sizes"):
            shape = (channels, side, side) if channels else (side,)
            try:
                found: Summary | InputError = ask(replace(chosen.request, inputs=Shapes((shape,)))).summary
            except InputError as error:
                found = error
            steps.append(Step("x".join(map(str, shape)), side, found))
    shown = report(f"{chosen.backend}:{chosen.request.model}", steps)
    title = f"{chosen.backend}:{chosen.request.model} at {len(steps)} sizes"
    drawn = panels(steps) if plot or is_page(output_format, output) else ()
    deliver_report(shown, output_format, output, ascii_only, title, drawn)
    if plot:
        deliver_plot(plot, dark, f"{chosen.backend}:{chosen.request.model}", drawn)


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
