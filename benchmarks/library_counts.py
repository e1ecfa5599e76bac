"""What torch itself says of a library's model, beside what we say: the tasks of ``libraries.py``' children."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from resnet_inspect.answers import adapter
from resnet_inspect.call import Call, Spec
from resnet_inspect.errors import InspectError
from resnet_inspect.readers.request import Request
from resnet_inspect.readers.torch.compat import compiling
from resnet_inspect.readers.torch.inputs import made


def timm(request: Request) -> str:
    """One model of timm, as ``compared`` tells it."""
    import timm as library
    from timm.data import resolve_data_config

    def build() -> tuple[Any, Call]:
        model = library.create_model(request.model)
        return model, Call((Spec((1, *resolve_data_config({}, model=model)["input_size"])),))

    return compared("timm", request, build)


def transformers(request: Request) -> str:
    """One architecture of transformers in its default configuration, as ``compared`` tells it."""
    from resnet_inspect.readers.libraries import transformers as from_transformers

    def build() -> tuple[Any, Call]:
        model = from_transformers.built(request)
        return model, from_transformers.declared(model, request)

    return compared("transformers", request, build)


def compared(library: str, request: Request, build: Callable[[], tuple[Any, Call]]) -> str:
    """Our parameters and MACs against ``numel`` and torch's own counter, or the error that we give."""
    found: dict[str, Any] = {"model": request.model}
    try:
        summary = adapter(library).summarize(request).summary
    except InspectError as error:
        return json.dumps({**found, "error": str(error), "layer": getattr(error, "layer", None)})
    found |= {"method": summary.trace.method, "layers": len(summary.layers), "uncounted": summary.totals.uncounted[:5]}
    found |= {"params": summary.totals.params, "macs": summary.totals.macs}
    device = torch.device("meta" if summary.trace.method == "meta" else "cpu")
    try:
        with device:
            model, inputs = build()
            model.eval().requires_grad_(False)
            found["own_params"] = sum(parameter.numel() for parameter in model.parameters())
            with compiling() if summary.trace.reason and device.type == "meta" else nullcontext():
                found["own_flops"] = _flops(model, inputs, device)
    except Exception as error:
        found["own_error"] = f"{type(error).__name__}: {error}"[:300]
    return json.dumps(found)


def _flops(model: Any, inputs: Call, device: torch.device) -> int:
    """Torch's own count of one forward on zeros."""
    given = made(inputs, device, "float32")
    experts = getattr(torch.ops.transformers, "grouped_mm_fallback", None)
    lacking = {experts: _experts_flops} if experts is not None else {}
    with FlopCounterMode(display=False, custom_mapping=lacking) as counter:
        model(*given.args, **given.kwargs)
    return int(counter.get_total_flops())


def _experts_flops(rows: Sequence[int], experts: Sequence[int], *_: Any, **__: Any) -> int:
    """Every row meets one expert's matrix: the formula that torch's counter lacks. It hands over shapes."""
    return int(2 * rows[0] * rows[1] * experts[2])
