"""Ours and the other libraries in one process, alternating: ``python benchmarks/in_process.py 5 > in_process.json``.

On meta, every model. On real tensors, which most of the others need, ResNet50, and one of the others for each process
(``in_process.py 5 fvcore``): some change torch for all that follow. Everybody's count of parameters is compared with
``numel``.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cases import LLAMA
from measure import FailedError, cost, in_child

#: What a tool gives: the number of parameters, or None where it doesn't say.
Tool = Callable[[Any, tuple[int, ...]], int | None]

#: Seconds that the rounds of one model may take; three there are in any case.
PATIENCE = 15.0


def ours(model: Any, shape: tuple[int, ...]) -> int | None:
    from resnet_inspect import summarize

    given = {"input_ids": f"1x{shape[0]}:int64"} if len(shape) == 1 and hasattr(model, "lm_head") else shape
    return summarize(model, given).totals.params


def torchinfo(model: Any, shape: tuple[int, ...]) -> int | None:
    import torchinfo

    device = next(model.parameters()).device.type
    return int(torchinfo.summary(model, verbose=0, device=device, input_data=_inputs(model, shape)).total_params)


def flop_counter(model: Any, shape: tuple[int, ...]) -> int | None:
    """torch's own, which counts operators and knows no layers."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(_inputs(model, shape))
    assert counter.get_total_flops()
    return None


def fvcore(model: Any, shape: tuple[int, ...]) -> int | None:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    assert FlopCountAnalysis(model, _inputs(model, shape)).unsupported_ops_warnings(False).total()
    return int(parameter_count(model)[""])


def ptflops(model: Any, shape: tuple[int, ...]) -> int | None:
    from ptflops import get_model_complexity_info

    return int(get_model_complexity_info(model, shape, as_strings=False, print_per_layer_stat=False)[1])


def torchlens(model: Any, shape: tuple[int, ...]) -> int | None:
    import torchlens

    return int(torchlens.trace(model, _inputs(model, shape)).num_params)


def torchscan(model: Any, shape: tuple[int, ...]) -> int | None:
    import torchscan

    torchscan.summary(model, shape)
    return None


META: dict[str, Tool] = {"ours": ours, "torchinfo": torchinfo, "torch's FlopCounterMode": flop_counter}
REAL: dict[str, Tool] = {
    "torchinfo": torchinfo,
    "fvcore": fvcore,
    "ptflops": ptflops,
    "torchlens": torchlens,
    "torchscan": torchscan,
}


def _inputs(model: Any, shape: tuple[int, ...]) -> Any:
    import torch

    kind = torch.int64 if hasattr(model, "lm_head") else torch.float32
    return torch.zeros(1, *shape, dtype=kind, device=next(model.parameters()).device)


def torchvision(name: str) -> Any:
    from torchvision import models

    return getattr(models, name)()


def stack(layers: int) -> Any:
    from torch import nn

    return nn.Sequential(*(nn.ReLU() if index % 2 else nn.Linear(64, 64) for index in range(layers)))


def llama() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**LLAMA, use_cache=False)).to(torch.bfloat16)


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "ResNet50, 512": (partial(torchvision, "resnet50"), (3, 512, 512)),
    "ResNet101, 512": (partial(torchvision, "resnet101"), (3, 512, 512)),
    "ResNet152, 512": (partial(torchvision, "resnet152"), (3, 512, 512)),
    "vit_h_14": (partial(torchvision, "vit_h_14"), (3, 224, 224)),
    "1,000 layers": (partial(stack, 1_000), (64,)),
    "10,000 layers": (partial(stack, 10_000), (64,)),
    "Llama 70B": (llama, (128,)),
}


def compared(tools: Mapping[str, Tool], model: Any, shape: tuple[int, ...], rounds: int) -> dict[str, dict[str, Any]]:
    """Medians of the tools on one model, the first round apart, which warms up and finds out who fails."""
    times: dict[str, list[float]] = {name: [] for name in tools}
    errors: dict[str, str] = {}
    size = sum(parameter.numel() for parameter in model.parameters())
    began = time.perf_counter()
    for number in range(rounds + 1):
        if number > 3 and time.perf_counter() - began > PATIENCE:
            break
        for name in [name for name in tools if name not in errors]:
            gc.collect()
            start = time.perf_counter()
            try:
                params = quietly(partial(tools[name], model, shape))
            except Exception as error:
                errors[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                continue
            if number:
                times[name].append(time.perf_counter() - start)
            elif params not in (None, size):
                errors[name] = f"counts {params:,} of {size:,} parameters"
    return {
        name: {"error": errors[name]} if name in errors else {"seconds": statistics.median(times[name])}
        for name in tools
    }


def quietly(work: Callable[[], Any]) -> Any:
    """Without what a library prints and warns of."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return work()


def peak(tool: Tool, model: Any, shape: tuple[int, ...]) -> int | None:
    """What a run takes beside the model, on meta; None if it fails."""
    try:
        return int(in_child(lambda: cost(lambda: partial(quietly, partial(tool, model, shape))))[1])
    except FailedError:
        return None


def main(rounds: int) -> None:
    """One JSON list: of each model its tools, each with seconds and bytes, or an error."""
    found = []
    for tool in META.values():
        quietly(partial(tool, on_meta(lambda: stack(4)), (64,)))
    for name, (build, shape) in MODELS.items():
        model = on_meta(build)
        peaks = {tool: peak(function, model, shape) for tool, function in META.items()}
        results = compared(META, model, shape, rounds)
        tools = {tool: {**results[tool], "peak": peaks[tool]} for tool in META}
        found.append({"name": name, "on": "meta", "tools": tools})
        print(f"{name}, on meta: {results}", file=sys.stderr)
    print(json.dumps(found))


def on_real_tensors(rounds: int, name: str) -> None:
    """The same of ours and one of the others, on a ResNet50 with weights."""
    build, shape = MODELS["ResNet50, 512"]
    results = compared({"ours": ours, name: REAL[name]}, build().eval(), shape, rounds)
    print(f"ResNet50, 512, on real tensors: {results}", file=sys.stderr)
    print(json.dumps([{"name": "ResNet50, 512", "on": "real tensors", "tools": results}]))


def on_meta(build: Callable[[], Any]) -> Any:
    """A model without weights."""
    import torch

    with torch.device("meta"):
        return build().eval()


if __name__ == "__main__":
    if sys.argv[2:]:
        on_real_tensors(int(sys.argv[1]), sys.argv[2])
    else:
        main(int(sys.argv[1]))
