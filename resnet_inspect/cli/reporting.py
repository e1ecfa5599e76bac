"""Options of the commands that give a report, and how they deliver it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import BadRequestError
from ..files import write_whole
from ..render.plot import Panel, drawing, picture, picture_kind
from ..render.report import ENDINGS, FORMATS, Report, render
from .options import draw_options, emit, format_of

F = TypeVar("F", bound=Callable[..., Any])


def report_options(function: F) -> F:
    """``--format``, ``--output``, ``--ascii`` and ``--debug``."""
    for option in (
        click.option("--debug", is_flag=True, help="Show a traceback with an error."),
        click.option("--ascii", "ascii_only", is_flag=True, help="Draw tables without box characters."),
        click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."),
        click.option(
            "--format", "output_format", type=click.Choice(FORMATS), help="Default: table, or by -o's ending."
        ),
    ):
        function = option(function)
    return function


def deliver_report(report: Report, output_format: str | None, output: Path | None, ascii_only: bool) -> None:
    """Renders to stdout or a file.

    Raises:
        BadRequestError: the file's ending names no format.
    """
    chosen = output_format or format_of(output, ENDINGS)
    emit(render(report, chosen, **draw_options(output, ascii_only)), output, chosen)


def check_plot(plot: str | None, output_format: str | None, output: Path | None) -> None:
    """Whether a plot can go where it should, before anything is built.

    Raises:
        BadRequestError: its file is no picture, or a terminal's plot would spoil a document for programs.
    """
    if plot == "-":
        if (output_format or format_of(output, ENDINGS)) != "table" or output is not None:
            raise BadRequestError("--plot - draws below the table in the terminal; name a file: --plot plot.svg")
    elif plot is not None:
        picture_kind(Path(plot).suffix)


def deliver_plot(plot: str | None, title: str, panels: Sequence[Panel]) -> None:
    """Draws to the terminal, or to a file."""
    if plot == "-":
        width = draw_options(None, False)["width"] or 80
        emit("\n" + drawing(panels, width), None)
    elif plot is not None:
        write_whole(Path(plot), picture(title, panels, picture_kind(Path(plot).suffix)))


plot_option = click.option(
    "--plot", metavar="FILE", help="Also draw: a file that ends with .svg or .png, or - for the terminal."
)
