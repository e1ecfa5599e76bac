"""``resnet-inspect fit``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...analysis.batches import batch_of, is_list
from ...analysis.fit import fit
from ...analysis.training.plan import Plan
from ...answers.source import Source, opened
from ...errors import BadRequestError, InputError, InspectError, closest, meant
from ...ir import HELD, Summary
from ...readers import Answer, Limits, Request
from ...readers.inputs import CallJson, Shapes
from ...render.report.fit import panels, report
from .. import Command
from ..building import building_options, source
from ..delivery import show_notes
from ..naming import complete_model
from ..options import device_option, limits_options
from ..reporting import check_plot, deliver_plot, deliver_report, is_page, plot_options, report_options
from ..training import in_training, plan_of, training_options

if TYPE_CHECKING:
    from ...call import Spec
    from ...devices import Device

#: Images in a batch where nobody says how many.
_BATCH, _TRAINED = 1, 32


def _memory(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    from ...quantity import parse_memory

    return None if text is None else parse_memory(text)


@click.command("fit", cls=Command)
@click.argument("model", default="resnet50", shell_complete=complete_model)
@device_option("A GPU, phone or board, with its memory and the least time of each layer.")
@click.option("--memory", metavar="SIZE", is_eager=True, callback=_memory, help="What it has to fit into: 8GiB.")
@training_options
@click.option("--strict", is_flag=True, help="Exit 5 if a layer keeps an unknown amount.")
@plot_options
@building_options(without=("mode",))
@limits_options
@report_options
def command(
    model: str,
    device: Device | None,
    memory: int | None,
    strict: bool,
    plot: str | None,
    dark: bool,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    **building: Any,
) -> int:
    """Report whether MODEL (default: resnet50) fits into memory, and the largest batch that does.

    Exit code 1: it doesn't fit. The peak is that of tensors, as torch holds them; what else a process needs is its
    overhead, on a line of its own. Without --device and --memory, it has to fit into this machine's GPU. Without
    --batch, the batch is 1 in inference and 32 in training.

    \b
    resnet-inspect fit resnet50 --memory 8GiB
    resnet-inspect fit torch:resnet50 --device rtx-4090 --train --amp bf16 --batch 128
    resnet-inspect fit model.onnx --device raspberry-pi-5
    """
    check_plot(plot, dark, output_format, output)
    device, memory = _place(device, memory)
    plan, building = plan_of(building)
    chosen = source(model, building)
    with opened(chosen, limits) as ask:
        if plan is None or chosen.is_saved:
            answer, larger = _at_two_batches(ask, chosen, _BATCH)
        else:
            answer, larger = _at_two_batches(partial(in_training, ask), chosen, _TRAINED)
    summary = answer.summary
    if plan is not None and chosen.is_saved and not summary.trace.training:
        said = f"training is estimated from the graph in eval mode, in which {summary.model.title} was saved"
        answer = replace(answer, notes=(*answer.notes, said))
    show_notes(answer)
    if plan is not None:
        _check(plan, summary)
    found = fit(summary, larger, batch_of(summary), plan, memory)
    drawn = panels(found) if plot or is_page(output_format, output) else ()
    shown = report(summary, found, plan, device)
    deliver_report(shown, output_format, output, ascii_only, f"{summary.model.title}: memory", drawn)
    if plot:
        deliver_plot(plot, dark, f"{summary.model.title}: memory", drawn)
    if found.fits is None and strict:
        return 5
    return 0 if found.fits is not False else 1


def _place(device: Device | None, memory: int | None) -> tuple[Device | None, int]:
    """The device, if it is known, and the bytes that there are.

    Raises:
        BadRequestError: nobody said, and this machine has no GPU.
    """
    if device is not None:
        return device, device.memory if memory is None else memory
    if memory is not None:
        return None, memory
    from ...devices import Device
    from ...host.gpu import gpu

    here = gpu()
    if here is None:
        raise BadRequestError("this machine has no GPU to fit into: add --memory 8GiB, or --device rtx-4090")
    return Device(here.name, f"{here.name}, the GPU of this machine", here.memory), here.memory


def _at_two_batches(
    ask: Callable[[Request], Answer], chosen: Source, usual: int
) -> tuple[Answer, Summary | str | None]:
    """The answer at the batch that was asked for, and what ``fit`` has to know about twice of it.

    Where nobody asked for a batch it is the ``usual`` one, unless the model or its input has its own.
    """
    if chosen.is_saved:
        return ask(chosen.request), "a saved summary is of one batch: name the model instead"
    request = chosen.request
    if request.batch is None:
        try:
            answer = ask(replace(request, batch=usual))
        except (BadRequestError, InputError):
            answer = ask(request)  # its batch is fixed, or stands in --input
    else:
        answer = ask(request)
    if not answer.summary.has_graph:
        return answer, "nothing ran"
    if is_list(answer.summary):
        return answer, "it reads a list of images, each of its own size"
    if answer.summary.model.backend == "local":
        return answer, None
    try:
        return answer, ask(_at_twice(request, answer.summary)).summary
    except InspectError as error:
        return answer, f"it doesn't run at another batch ({error})"


def _at_twice(request: Request, summary: Summary) -> Request:
    """The request at twice the batch of its summary: in shapes that have one, else as ``batch``.

    Raises:
        BadRequestError: the inputs are a function's, or don't all begin with one batch.
    """
    given, batch = request.inputs, batch_of(summary)
    if isinstance(given, Shapes):
        if not given.sizes or given.sizes != tuple(tensor.shape for tensor in summary.inputs):
            return replace(request, batch=2 * batch)
        sizes = tuple((2 * first, *rest) for first, *rest in given.sizes)
        return replace(request, batch=None, inputs=Shapes(sizes))
    if not isinstance(given, CallJson):
        raise BadRequestError("its inputs are those of --input-from")

    from ...call import Call, mapped

    def twice(spec: Spec) -> Spec:
        if spec.shape[:1] != (batch,):
            raise BadRequestError(f"input {spec} doesn't begin with a batch of {batch:,}")
        return replace(spec, shape=(2 * batch, *spec.shape[1:]))

    call = Call.from_json(given.text)
    named = tuple((name, mapped(value, twice)) for name, value in call.kwargs)
    return replace(request, inputs=CallJson(Call(tuple(mapped(call.args, twice)), named).to_json()))


def _check(plan: Plan, summary: Summary) -> None:
    """Raises BadRequestError for a pattern that matches nothing, and for autocast of what has no real numbers."""
    modules = {path for path, _ in summary.modules if path}
    paths = modules | {layer.path for layer in summary.layers if layer.path}
    names = {p.name for layer in summary.layers for p in layer.parameters}
    for option, patterns, known in (
        ("--checkpoint", plan.checkpoint, modules),
        ("--frozen", plan.frozen, paths | names),
        ("--lora-layers", plan.lora_layers, {layer.path for layer in summary.layers if layer.op == "dense"}),
    ):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in known):
                nearest = closest(pattern.strip("*"), known, most=1)
                what = "linear layer" if option == "--lora-layers" else "module"
                hint = meant(nearest, "resnet-inspect summary shows their paths")
                raise BadRequestError(f"{option} {pattern!r:.60} matches no {what}; {hint}")
    weights = [p for layer in summary.layers for p in layer.parameters if p.role not in HELD]
    if weights and plan.lora is None and not any(map(plan.trains, weights)):
        if plan.frozen:
            said = " ".join(f"--frozen {pattern!r}" for pattern in plan.frozen)
            raise BadRequestError(f"{said:.60} leaves nothing to train")
        types = " and ".join(sorted({p.dtype for p in weights}))
        said = f"all of its weights ({types}) are frozen; leave --train and its options out"
        raise BadRequestError(f"{summary.model.title} has nothing to train: {said}")
    held = {p.dtype for p in weights if p.role in ("trainable", "unknown")}
    types = " and ".join(sorted(held))
    if held and not any(dtype.startswith(("float", "bfloat", "complex")) for dtype in held):
        raise BadRequestError(f"{summary.model.title} holds {types}, which can't be trained")
    if plan.amp and held and not held & {"float32", "float64"}:
        raise BadRequestError(f"--amp casts float32, and {summary.model.title} holds {types}: leave --amp out")
