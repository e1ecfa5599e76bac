"""``resnet-inspect summary``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...activity import doing
from ...answers import adapter
from ...answers.source import read, summarize
from ...errors import BadRequestError
from ...readers import BACKENDS, Limits
from ...render import View
from .. import Command
from ..building import building_option, building_options, source
from ..delivery import deliver, deliver_native
from ..naming import complete_model
from ..options import limits_options, output_options


@click.command("summary", cls=Command)
@click.argument("model", default="resnet50", shell_complete=complete_model)
@building_options()
@building_option("weights", default="none", show_default=True)
@limits_options
@output_options("native")
def command(
    model: str,
    weights: str,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    view: View,
    **building: Any,
) -> None:
    """Show MODEL (default: resnet50) layer by layer, with every skip connection.

    MODEL may name its library: torch:resnet50, keras:ResNet50, local:resnet50, timm:resnet50, transformers:bert or
    transformers:config.json, keras_hub:NAME. Or it is yours: net.py:Net, package.module:build_net (a class, a
    function or an instance), or a file: .keras, .h5, .onnx, .pt2, TorchScript, a SavedModel folder, a saved summary or
    report. For .safetensors and .pth it lists the tensors. Code in a file is never run by Python or by a framework: an
    interpreter of our own follows that of TorchScript.

    \b
    resnet-inspect summary
    resnet-inspect summary torch:resnet50 --input 3x512x512
    resnet-inspect summary net.py:Net --input 3x64x64 --sort macs --top 10
    resnet-inspect summary keras:ResNet50 --format json -o resnet50.json
    """
    chosen = source(model, building)
    native = output_format == "native"
    if chosen.is_saved:
        if native or weights != "none":
            raise BadRequestError(f"{model} is a saved summary: no framework is asked")
        deliver(read(model), output_format, output, view)
        return
    request = replace(chosen.request, weights=None if weights == "none" else weights)
    chosen = replace(chosen, request=request)
    if native:
        if chosen.backend not in BACKENDS or not BACKENDS[chosen.backend].has_native:
            raise BadRequestError(f"--format native is for models of torchvision, Keras and keras-hub, not for {model}")
        if request.is_training:
            raise BadRequestError("--mode train does not apply to --format native, which is the framework's own")
        with doing(f"asking {chosen.backend} for its words of {request.model}"):
            words = adapter(chosen.backend, limits).native(request)
        deliver_native(words, output, view)
    else:
        if view.optimizer and building["mode"] is None:
            from ..training import in_training

            answer = in_training(lambda asked: summarize(replace(chosen, request=asked), limits), request)
        else:
            answer = summarize(chosen, limits)
        deliver(answer, output_format, output, view)
