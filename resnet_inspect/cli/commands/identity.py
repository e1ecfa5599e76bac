"""``resnet-inspect identity``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...activity import doing
from ...blocks.residual import KINDS, BlockSpec
from ...errors import BadRequestError, InputError, first_line
from ...readers import BACKENDS, Request, load_framework
from ...readers.inputs import Shapes
from ...readers.protocols import Experiments
from ...render.report.identity import report
from ...shape import parse_shape
from .. import Command
from ..naming import split_model
from ..reporting import deliver_report, report_options

#: Backend -> its experiments.
_EXPERIMENTS = {backend.name: backend.experiments for backend in BACKENDS.values() if backend.experiments}
#: The tutorial's block; the deeper network of its argument.
_SHAPE, _INSERT = "24x24x3", 20


@click.command("identity", cls=Command)
@click.argument("model", default="block")
@click.option("--backend", type=click.Choice([*_EXPERIMENTS]), help="Default: torch.")
@click.option("--insert", type=click.IntRange(1, 1000), metavar="N", help=f"Blocks to insert. Default: {_INSERT}.")
@click.option("--input", "input_", metavar="SHAPE", help="Shape of the network's images. Default: its own.")
@click.option("--shape", help=f"Shape of the block's input. Default: {_SHAPE}.")
@click.option("--kind", type=click.Choice(KINDS), help="Form of the block. Default: basic.")
@click.option(
    "--filters", type=click.IntRange(min=1), help="Output channels of the block. Default: as many as come in."
)
@click.option("--kernel", type=click.IntRange(min=1), help="Height and width of the block's windows. Default: 3.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of weights and inputs.")
@report_options
def command(
    model: str,
    backend: str | None,
    insert: int | None,
    input_: str | None,
    shape: str | None,
    kind: str | None,
    filters: int | None,
    kernel: int | None,
    seed: int,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
) -> None:
    """Show why residual networks work, with real tensors: zeroed branches make the identity.

    MODEL is block (the default), or a ResNet of a framework: blocks are then inserted after the ends of its stages,
    with a branch at zero and as usually initialised, each also without the shortcut.

    \b
    resnet-inspect identity block --shape 24x24x3 --kind bottleneck
    resnet-inspect identity resnet50 --insert 20
    resnet-inspect identity keras:ResNet50 --insert 20
    """
    named, name = split_model(model, backend or ("torch" if ":" not in model else None))
    if named not in _EXPERIMENTS:
        raise BadRequestError(f"the {named} backend has no tensors to run; take {' or '.join(_EXPERIMENTS)}")
    of_block = {"--shape": shape, "--kind": kind, "--filters": filters, "--kernel": kernel}
    of_network = {"--insert": insert, "--input": input_}
    for option, value in (of_network if name == "block" else of_block).items():
        if value is not None:
            raise BadRequestError(f"{option} goes with {'a network' if name == 'block' else 'block'}, not with {model}")
    module: Experiments = load_framework(named, _EXPERIMENTS[named])
    if name == "block":
        spec = BlockSpec(kind=kind or "basic", filters=filters, kernel=kernel or 3)
        request = Request("residual_block", inputs=Shapes((parse_shape(shape or _SHAPE),)))
        found = _measured(lambda: module.block(spec, request, seed))
    else:
        request = Request(name, inputs=Shapes((parse_shape(input_),) if input_ else ()))
        found = _measured(lambda: module.network(request, insert or _INSERT, seed))
    deliver_report(report(found), output_format, output, ascii_only, f"Identity: {model}")


def _measured(run: Callable[[], Any]) -> Any:
    """What real tensors give; they may be larger than any memory, which frameworks say in their own ways.

    Raises:
        InputError: a framework refused.
    """
    try:
        with doing("running on real tensors"):
            return run()
    except (RuntimeError, ValueError, OverflowError) as error:
        raise InputError(f"the network can't be run with these sizes: {first_line(error)}") from error
