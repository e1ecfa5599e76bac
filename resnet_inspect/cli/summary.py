"""``resnet-inspect summary``."""

from __future__ import annotations

from typing import Any

import click

from ..backends import DTYPES, NAMES, Request, adapter
from ..errors import BadRequestError
from ..shape import parse_shape
from .options import deliver, deliver_native, output_options, parse_arguments, split_model, timeout_option


def complete_model(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names that a shell completes MODEL with."""
    from ..backends import zoo
    from ..blocks import networks

    known = [*networks.names("torch"), *(f"local:{name}" for name in networks.names("torch"))]
    known += [f"torch:{name}" for name in zoo.names("torchvision")]
    known += [f"keras:{name}" for name in zoo.names("keras")]
    return [name for name in known if name.startswith(incomplete)]


@click.command("summary")
@click.argument("model", default="resnet50", shell_complete=complete_model)
@click.option("--backend", type=click.Choice(NAMES), help="Default: local, which needs no framework.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help="3x512x512, 512x512x3, 512 (square), 1x3x512x512. Repeatable for several inputs.",
)
@click.option("--batch", type=click.IntRange(min=1), help="Batch size, if the shape has none. Default: 1.")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True, help="Inputs and weights.")
@click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), help="Of --input. Default: where 1, 3 or 4 stands.")
@click.option("--arg", "arguments", multiple=True, metavar="KEY=VALUE", help="For the constructor: num_classes=10.")
@click.option("--flavor", type=click.Choice(["torch", "keras"]), help="Whose network the local backend builds.")
@click.option(
    "--weights",
    default="none",
    show_default=True,
    metavar="NAME|PATH",
    help="default: the framework's own pretrained set; a NAME of it; or a file that must fit.",
)
@timeout_option
@output_options("native")
def command(
    model: str,
    backend: str | None,
    inputs: tuple[str, ...],
    batch: int | None,
    dtype: str,
    layout: str | None,
    arguments: tuple[str, ...],
    flavor: str | None,
    weights: str,
    timeout: float | None,
    debug: bool,
    **output: Any,
) -> None:
    """Show MODEL (default: resnet50) layer by layer, with every skip connection.

    MODEL may name its backend: torch:resnet50, keras:ResNet50, local:resnet50.
    """
    backend, model = split_model(model, backend)
    if flavor and backend != "local":
        raise BadRequestError(f"--flavor goes with the local backend, not with {backend}")
    request = Request(
        model=model,
        inputs=tuple(parse_shape(text) for text in inputs),
        batch=batch,
        dtype=dtype,
        layout=layout,
        arguments=parse_arguments(arguments),
        flavor=flavor,
        weights=None if weights == "none" else weights,
    )
    chosen = adapter(backend, timeout)
    if output["output_format"] == "native":
        deliver_native(chosen.native(request), **output)
    else:
        deliver(chosen.summarize(request), **output)
