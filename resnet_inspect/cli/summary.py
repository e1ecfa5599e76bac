"""``resnet-inspect summary``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ..backends import adapter
from ..shape import parse_shape
from .building import building_options, built
from .options import deliver, deliver_native, output_options, parse_arguments, timeout_option


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
@building_options()
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
    weights: str,
    timeout: float | None,
    debug: bool,
    input: tuple[str, ...],  # noqa: A002 - the option's name
    arg: tuple[str, ...],
    backend: str | None,
    batch: int | None,
    dtype: str | None,
    layout: str | None,
    flavor: str | None,
    **output: Any,
) -> None:
    """Show MODEL (default: resnet50) layer by layer, with every skip connection.

    MODEL may name its backend: torch:resnet50, keras:ResNet50, local:resnet50.
    """
    source = built(
        model,
        backend=backend,
        inputs=map(parse_shape, input),
        batch=batch,
        dtype=dtype,
        layout=layout,
        arguments=parse_arguments(arg),
        flavor=flavor,
    )
    request = replace(source.request, weights=None if weights == "none" else weights)
    chosen = adapter(source.backend, timeout)
    if output["output_format"] == "native":
        deliver_native(chosen.native(request), **output)
    else:
        deliver(chosen.summarize(request), **output)
