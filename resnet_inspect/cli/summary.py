"""``resnet-inspect summary``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ..answers import adapter
from ..answers.source import read, summarize
from ..errors import BadRequestError
from ..readers import Limits
from .building import OPTIONS, building_options, parameter, source
from .options import deliver, deliver_native, limits_options, output_options

#: Backends with a framework's own words for their models; the local one says whose it hasn't got.
_OWN_WORDS = ("local", "torch", "keras", "keras_hub")


def complete_model(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names that a shell completes MODEL with."""
    from ..blocks import networks
    from ..readers import zoo

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
@limits_options
@output_options("native")
def command(
    model: str,
    weights: str,
    limits: Limits,
    debug: bool,
    **options: Any,
) -> None:
    """Show MODEL (default: resnet50) layer by layer, with every skip connection.

    MODEL may name its library: torch:resnet50, keras:ResNet50, local:resnet50, timm:resnet50, transformers:bert or
    transformers:config.json, keras_hub:NAME. Or it is yours: net.py:Net, package.module:build_net (a class, a
    function or an instance), or a file: .keras, .h5, .onnx, .pt2, TorchScript, a SavedModel folder, a saved summary.
    For .safetensors and .pth it lists the tensors. Code in a file is never run by Python or by a framework: an
    interpreter of our own follows that of TorchScript.
    """
    building = {parameter(name): options.pop(parameter(name)) for name in OPTIONS}
    chosen = source(model, building)
    native = options["output_format"] == "native"
    if chosen.is_saved:
        if native or weights != "none":
            raise BadRequestError(f"{model} is a saved summary: no framework is asked")
        deliver(read(model), **options)
        return
    request = replace(chosen.request, weights=None if weights == "none" else weights)
    if native:
        if chosen.backend not in _OWN_WORDS:
            raise BadRequestError(f"--format native is for models of torchvision and Keras, not for {model}")
        deliver_native(adapter(chosen.backend, limits).native(request), **options)
    else:
        deliver(summarize(replace(chosen, request=request), limits), **options)
