"""``resnet-inspect block``."""

from __future__ import annotations

from pathlib import Path

import click

from ...activity import doing
from ...answers import adapter
from ...blocks.residual import KINDS, SHORTCUTS, BlockSpec
from ...readers import WITH_BLOCKS, Limits, Request
from ...readers.inputs import Shapes
from ...readers.options import check_backend
from ...render import View
from ...shape import MOST_SIZE, parse_shape
from .. import Command
from ..building import building_option
from ..delivery import deliver, deliver_native
from ..options import BackendName, limits_options, output_options


@click.command("block", cls=Command)
@click.option("--shape", default="24x24x3", show_default=True, help="Shape of the input: 24x24x3 or 3x24x24.")
@click.option("--kind", type=click.Choice(KINDS), default="basic", show_default=True, help="Form of the block.")
@click.option("--filters", type=click.IntRange(1, MOST_SIZE), help="Output channels. Default: as many as come in.")
@click.option("--kernel", type=click.IntRange(1, MOST_SIZE), default=3, show_default=True, help="Height and width.")
@click.option("--stride", type=click.IntRange(1, MOST_SIZE), default=1, show_default=True)
@click.option(
    "--groups",
    type=click.IntRange(1, MOST_SIZE),
    default=1,
    show_default=True,
    help="Groups of the square convolutions.",
)
@click.option("--no-bias", is_flag=True, help="Convolutions without a bias.")
@click.option(
    "--shortcut",
    type=click.Choice(SHORTCUTS),
    default="auto",
    show_default=True,
    help="auto: a projection (1x1 convolution) only where the shapes differ.",
)
@building_option("backend", type=BackendName(WITH_BLOCKS), help=None, default="local", show_default=True)
@building_option("flavor", help="Wording of the local backend. Default: keras.")
@building_option("batch")
@building_option("dtype", default="float32", show_default=True, help="Element type of input and weights.")
@building_option("layout", help="Layout of --shape. Default: the end with 1, 3 or 4 is the channels.")
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
    output_format: str | None,
    output: Path | None,
    view: View,
) -> None:
    """Show a residual block: by default the tutorial's, with 192 parameters.

    \b
    resnet-inspect block --shape 24x24x3
    resnet-inspect block --shape 24x24x3 --kind bottleneck --backend keras
    """
    own = "keras" if backend in ("local", "keras") else "torch"
    check_backend(backend, {"flavor": flavor})
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
    request = Request(
        model="residual_block", inputs=Shapes((parse_shape(shape),)), batch=batch, dtype=dtype, layout=layout
    )
    native = output_format == "native"
    with doing(f"building a block of {backend}"):
        chosen = adapter(backend, limits)
        built = chosen.native_block(spec, request) if native else chosen.summarize_block(spec, request)
    if isinstance(built, str):
        deliver_native(built, output, view)
    else:
        deliver(built, output_format, output, view)
