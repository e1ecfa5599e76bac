"""``resnet-inspect block``."""

from __future__ import annotations

from typing import Any

import click

from ..answers import adapter
from ..blocks.residual import KINDS, SHORTCUTS, BlockSpec
from ..errors import BadRequestError
from ..readers import DTYPES, NAMES, Limits, Request
from ..shape import MOST_SIZE, parse_shape
from .options import deliver, deliver_native, limits_options, output_options


@click.command("block")
@click.option("--shape", default="24x24x3", show_default=True, help="Of the input: 24x24x3 or 3x24x24.")
@click.option("--kind", type=click.Choice(KINDS), default="basic", show_default=True, help="Form of the block.")
@click.option("--filters", type=click.IntRange(1, MOST_SIZE), help="Output channels. Default: as many as come in.")
@click.option("--kernel", type=click.IntRange(1, MOST_SIZE), default=3, show_default=True, help="Height and width.")
@click.option("--stride", type=click.IntRange(1, MOST_SIZE), default=1, show_default=True)
@click.option(
    "--groups", type=click.IntRange(1, MOST_SIZE), default=1, show_default=True, help="Of the square convolutions."
)
@click.option("--no-bias", is_flag=True, help="Convolutions without a bias.")
@click.option(
    "--shortcut",
    type=click.Choice(SHORTCUTS),
    default="auto",
    show_default=True,
    help="auto: a projection (1x1 convolution) only where the shapes differ.",
)
@click.option("--backend", type=click.Choice(NAMES), default="local", show_default=True)
@click.option("--flavor", type=click.Choice(["torch", "keras"]), help="Wording of the local backend. Default: keras.")
@click.option("--batch", type=click.IntRange(1, MOST_SIZE), help="Batch size, if the shape has none. Default: 1.")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True)
@click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), help="Of --shape. Default: where 1, 3 or 4 stands.")
@limits_options
@output_options("native")
def command(
    shape: str,
    kind: str,
    filters: int | None,
    kernel: int,
    stride: int,
    groups: int,
    no_bias: bool,
    shortcut: str,
    backend: str,
    flavor: str | None,
    batch: int | None,
    dtype: str,
    layout: str | None,
    limits: Limits,
    debug: bool,
    **output: Any,
) -> None:
    """Show a residual block: by default the tutorial's, with 192 parameters."""
    own = "keras" if backend in ("local", "keras") else "torch"
    if flavor and backend != "local":
        raise BadRequestError(f"--flavor goes with the local backend, not with {backend}")
    spec = BlockSpec(
        kind=kind,
        filters=filters,
        kernel=kernel,
        stride=stride,
        groups=groups,
        bias=not no_bias,
        shortcut=shortcut,
        flavor=flavor or own,
    )
    request = Request(model="residual_block", inputs=(parse_shape(shape),), batch=batch, dtype=dtype, layout=layout)
    chosen = adapter(backend, limits)
    if output["output_format"] == "native":
        deliver_native(chosen.native_block(spec, request), **output)
    else:
        deliver(chosen.summarize_block(spec, request), **output)
