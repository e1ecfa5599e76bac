"""``resnet-inspect compare``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from ...answers.source import load_each
from ...errors import BadRequestError, InspectError
from ...readers import Limits
from ...render.report.compare import QUANTITIES, axes, check_axes, compared, panel, quantity, report
from .. import Command
from ..building import building_options, source
from ..delivery import say, with_progress
from ..naming import complete_model, split_model
from ..options import limits_options, split_words
from ..reporting import check_plot, deliver_plot, deliver_report, is_page, plot_options, report_options
from .models import LISTS


@click.command("compare", cls=Command)
@click.argument("models", nargs=-1, required=True, shell_complete=complete_model)
@click.option("--columns", metavar="NAMES", help=f"Separated by commas: {','.join(QUANTITIES)}.")
@click.option("--sort", metavar="COLUMN", help="Rows by this column, the largest first.")
@plot_options
@click.option("--x", default="macs", show_default=True, metavar="COLUMN", help="Column for the x-axis of a plot.")
@click.option(
    "--y",
    metavar="COLUMN",
    help="Column for the y-axis. Default: acc1 if it is published for half of the networks, else params.",
)
@building_options(backend="Backend of models that don't name theirs. Default: local.")
@limits_options
@report_options
def command(
    models: tuple[str, ...],
    columns: str | None,
    sort: str | None,
    plot: str | None,
    dark: bool,
    x: str,
    y: str | None,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    **building: Any,
) -> int:
    """Show MODELS side by side, one row each.

    A model may be a pattern ('torch:resnet*'), a saved summary (model.json) or - for standard input. Models of
    different frameworks are built in parallel, in separate processes. The accuracy is the one torchvision publishes.

    \b
    resnet-inspect compare resnet18 resnet50 resnet101
    resnet-inspect compare torch:resnet50 keras:ResNet50 --sort macs
    """
    wanted = split_words(columns)
    for key in (*wanted, *filter(None, (sort, x, y))):
        quantity(key)
    draws = bool(plot) or is_page(output_format, output)
    if draws:
        check_axes(x, y)
    check_plot(plot, dark, output_format, output)
    names = [name for text in models for name in _expanded(text, building["backend"])]
    sources = [source(name, {**building, "backend": None if ":" in name else building["backend"]}) for name in names]
    rows, errors = [], []
    for name, answer in zip(names, with_progress(load_each(sources, limits), len(names), "Building"), strict=True):
        if isinstance(answer, InspectError):
            errors.append((name, answer))
        else:
            rows.append(compared(answer.summary, answer.metrics))
    if rows:
        title = f"{len(rows)} networks" if len(rows) > 1 else rows[0]["model"]
        found, notes = panel(rows, x, y) if draws else (None, ())
        panels = [found] if found else []
        deliver_report(
            report(rows, wanted, sort),
            output_format,
            output,
            ascii_only,
            title,
            panels,
            notes,
            axes=axes(rows, x, y) if is_page(output_format, output) else None,
        )
        for note in notes:
            say("note", note)
        if plot and found:
            deliver_plot(plot, dark, f"{found.y_title} against {found.x_title}", panels)
    for name, error in errors:
        say("error", f"{name}: {error}")
    return errors[0][1].exit_code if errors else 0


def _expanded(text: str, backend: str | None) -> list[str]:
    """The models that a pattern names; anything else as it is."""
    if not any(special in text for special in "*?[") or Path(text).exists():
        return [text]
    named, pattern = split_model(text, None if ":" in text else backend)
    found = [name for name in LISTS[named]() if fnmatchcase(name.lower(), pattern.lower())] if named in LISTS else []
    if not found:
        raise BadRequestError(f"no model matches {text!r}; see: resnet-inspect models")
    return [f"{named}:{name}" for name in found]
