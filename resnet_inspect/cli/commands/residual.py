"""``resnet-inspect residual``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...answers.source import load
from ...readers import Limits
from ...render.report.residual import report
from .. import Command
from ..building import building_options, source
from ..delivery import show_notes
from ..naming import complete_model
from ..options import limits_options
from ..reporting import deliver_report, report_options


@click.command("residual", cls=Command)
@click.argument("model", default="resnet50", shell_complete=complete_model)
@building_options()
@limits_options
@report_options
def command(
    model: str,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    **building: Any,
) -> None:
    """Show the residual blocks of MODEL (default: resnet50) and the paths through it.

    MODEL is a model (torch:resnet50), a saved summary (model.json) or - for standard input. A block is an addition
    whose two paths part at one layer: the branch, and a shortcut that is the identity or little else.

    Skips is how many weighted layers (convolutions, fully connected, attention) a step along the shortcut leaves out.
    Paths join at additions and concatenations (Veit et al. 2016); at products, the longest path counts alone.

    \b
    resnet-inspect residual
    resnet-inspect residual torch:vit_b_16 --format markdown
    """
    (answer,) = load([source(model, building)], limits)
    show_notes(answer)
    name = answer.summary.model.title
    deliver_report(
        report(answer.summary), output_format, output, ascii_only, f"Residual blocks of {name}", summary=answer.summary
    )
