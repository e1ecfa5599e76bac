"""Options of the commands that give a report, and how they deliver it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadRequestError
from ..files import write_whole
from ..ir import Summary
from ..render.report import ENDINGS, FORMATS, Report, render
from . import debug_option, open_option
from .delivery import draw_options, emit, format_of

if TYPE_CHECKING:
    from ..render.report.compare import Axes
    from ..render.report.plot import Panel

F = TypeVar("F", bound=Callable[..., Any])


def report_options(function: F) -> F:
    """``--format``, ``--output``, ``--ascii`` and ``--debug``."""
    for option in (
        debug_option,
        open_option,
        click.option("--ascii", "ascii_only", is_flag=True, help="Draw tables without box characters."),
        click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."),
        click.option(
            "--format", "output_format", type=click.Choice(FORMATS), help="Default: table, or by -o's ending."
        ),
    ):
        function = option(function)
    return function


def deliver_report(
    report: Report,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    title: str = "",
    panels: Sequence[Panel] = (),
    notes: Sequence[str] = (),
    summary: Summary | None = None,
    axes: Axes | None = None,
) -> None:
    """Renders to stdout or a file.

    ``title``, plots, notes on the plots, the choice of their axes and the network that it is about are for a page.

    Raises:
        BadRequestError: the file's ending names no format.
    """
    chosen = format_of(output_format, output, ENDINGS)
    if chosen == "html":
        from ..render.html.report import render as page

        emit(page(report, title, panels, notes, summary, axes), output, chosen)
        return
    emit(render(report, chosen, **draw_options(output, ascii_only)), output, chosen)


def is_page(output_format: str | None, output: Path | None) -> bool:
    """Whether the report becomes a page, which has plots of its own."""
    return format_of(output_format, output, ENDINGS) == "html"


def check_plot(plot: str | None, dark: bool, output_format: str | None, output: Path | None) -> None:
    """Whether a plot can be drawn and can go where it should, before anything is built.

    Raises:
        BadRequestError: its file is not a picture, or a terminal's plot would spoil a document for programs.
        ModelError: the library that draws it isn't installed.
    """
    if plot is None and not dark:
        return
    from ..render.report.plot import library, picture_kind

    kind = "" if plot is None or plot == "-" else picture_kind(Path(plot).suffix)
    if dark and kind != "png":
        raise BadRequestError("--dark is for --plot FILE.png; an .svg is light or dark as the page that shows it")
    if plot == "-":
        if format_of(output_format, output, ENDINGS) != "table" or output is not None:
            raise BadRequestError("--plot - draws below the table in the terminal; name a file: --plot plot.svg")
        library("plotille")
    elif plot is not None:
        library("matplotlib")


def deliver_plot(plot: str, dark: bool, title: str, panels: Sequence[Panel]) -> None:
    """Draws to the terminal, or to a file."""
    from ..render.report.plot import drawing, picture, picture_kind

    if plot == "-":
        width = draw_options(None, False)["width"] or 80
        emit("\n" + drawing(panels, width), None)
    else:
        write_whole(Path(plot), picture(title, panels, picture_kind(Path(plot).suffix), dark))


def plot_options(function: F) -> F:
    """``--plot`` and ``--dark``."""
    dark = click.option("--dark", is_flag=True, help="Draw a .png for dark pages; an .svg follows the page by itself.")
    plot = click.option(
        "--plot", metavar="FILE", help="Also draw: a file that ends with .svg or .png, or - for the terminal."
    )
    return plot(dark(function))
