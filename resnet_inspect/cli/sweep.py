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
from ..render.sweep import Step, panels, report
from .building import building_options, source
from .options import limits_options, with_progress
from .reporting import check_plot, deliver_plot, deliver_report, plot_option, report_options
from .summary import complete_model

_RANGE = re.compile(r"(?:([0-9]{1,18})x)?([0-9]{1,18})\.\.([0-9]{1,18})(?::([0-9]{1,18}))?")
_STEP = 32
#: Sizes of a sweep: each is a network that is built.
_MOST = 1000


@click.command("sweep")
@click.argument("model", default="resnet50", shell_complete=complete_model)
@click.option(
    "--input",
    "sizes",
    default="64..512:32",
    show_default=True,
    metavar="FROM..TO:STEP",
    help="Squares of these sides; 1x64..512:32 for images of one channel.",
)
@plot_option
@building_options(without=("input", "input-json", "input-from"))
@limits_options
@report_options
def command(
    model: str,
    sizes: str,
    plot: str | None,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    debug: bool,
    **building: Any,
) -> None:
    """Show what MODEL (default: resnet50) costs at many input sizes, and which sizes don't fit."""
    check_plot(plot, output_format, output)
    channels, sides = _sides(sizes)
    chosen = source(model, {**building, "input": (), "input_json": None, "input_from": None})
    if chosen.is_saved:
        raise BadRequestError(f"{model} is a saved summary, which has one input: name a model")
    steps = []
    with opened(chosen, limits) as ask:
        for side in with_progress(sides, len(sides), "Sizes"):
            shape = (channels, side, side) if channels else (side,)
            try:
                found: Summary | InputError = ask(replace(chosen.request, inputs=(shape,))).summary
            except InputError as error:
                found = error
            steps.append(Step("x".join(map(str, shape)), side, found))
    shown = report(f"{chosen.backend}:{chosen.request.model}", steps)
    deliver_report(shown, output_format, output, ascii_only)
    if plot:
        deliver_plot(plot, f"{chosen.backend}:{chosen.request.model}", panels(steps))


def _sides(text: str) -> tuple[int | None, range]:
    """Channels, if they were given, and the sides of the squares.

    Raises:
        BadRequestError: the text is no range of sizes, or one of too many.
    """
    found = _RANGE.fullmatch(text)
    channels, first, last, step = (int(part) if part else None for part in found.groups()) if found else (None,) * 4
    if not first or not last or step == 0 or last < first or channels == 0:
        raise BadRequestError(f"--input {text!r:.60} is no range of sizes like 128..1024:32")
    sides = range(first, last + 1, step or _STEP)
    if len(sides) > _MOST:
        larger = -(-(last - first) // (_MOST - 1))
        raise BadRequestError(
            f"--input {text} has {len(sides):,} sizes, and {_MOST:,} are possible; "
            f"take a larger step: {text.partition(':')[0]}:{larger}"
        )
    return channels, sides
