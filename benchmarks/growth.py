"""How time and memory grow with the number of layers: ``python benchmarks/growth.py 30000 > growth.json``.

Every point is measured in a child forked for it, so that its memory is its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from measure import FailedError, cost, in_child

from resnet_inspect import ir_json, process
from resnet_inspect.diffs import compare
from resnet_inspect.ir import Layer, Model, Parameter, Summary, Tensor
from resnet_inspect.render import View, render
from resnet_inspect.render import report as reports
from resnet_inspect.render.residual import report as residual

Work = Callable[[], object]

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
KINDS = (("conv", "conv2d"), ("bn", "batch_norm"), ("act", "relu"), ("add", "add"))
#: A larger size isn't tried where one took so many seconds.
PATIENCE = 12.0


def chain(layers: int, prefix: str = "blocks", width: int = 64) -> Summary:
    """Residual blocks of a convolution, a batch norm, an activation and an addition, one behind the other."""
    tensors = (Tensor((1, width, 8, 8), "float32", "NCHW"),)
    made = [Layer("input", "input", "Input", "input", output_tensors=tensors)]
    for index in range(layers):
        name, op = KINDS[index % 4]
        path = f"{prefix}.{index // 4}.{name}"
        sources = (made[-1].id, made[-4].id) if op == "add" else (made[-1].id,)
        weights: tuple[Parameter, ...] = ()
        attributes: tuple[tuple[str, object], ...] = (("eps", 1e-5),) if op == "batch_norm" else ()
        if op == "conv2d":
            weights = (Parameter(f"{path}.weight", (width, width, 3, 3), "float32", "trainable"),)
            attributes = (("in_channels", width), ("out_channels", width), ("kernel_size", (3, 3)), ("stride", (1, 1)))
        made.append(Layer(path, path, name, op, sources, tensors * len(sources), tensors, weights, (), 0, attributes))  # type: ignore[arg-type]
    return Summary(Model("chain", "torch", "chain"), tensors, tensors, tuple(made))


def changed(summary: Summary) -> Summary:
    """Every hundredth layer with another setting."""
    layers = [
        replace(layer, attributes=(*layer.attributes, ("groups", 2))) if index % 100 == 1 else layer
        for index, layer in enumerate(summary.layers)
    ]
    return replace(summary, layers=tuple(layers))


def stack(layers: int) -> Work:
    """Tracing linear layers and activations with an addition around each two, built on meta."""
    import torch
    from torch import nn

    from resnet_inspect import summarize

    class Stack(nn.Module):
        def __init__(self, blocks: int) -> None:
            super().__init__()
            self.linear = nn.ModuleList(nn.Linear(64, 64) for _ in range(blocks))
            self.relu = nn.ModuleList(nn.ReLU() for _ in range(blocks))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for linear, relu in zip(self.linear, self.relu, strict=True):
                x = x + relu(linear(x))
            return x

    with torch.device("meta"):
        model = Stack(layers // 3)
    return lambda: summarize(model, (64,))


def reading(layers: int) -> Work:
    text = ir_json.dumps(chain(layers))
    return lambda: ir_json.loads(text)


def writing(layers: int) -> Work:
    return partial(ir_json.dumps, chain(layers))


def diffing(other: Callable[[Summary], Summary], layers: int) -> Work:
    old = chain(layers)
    return partial(compare, old, other(old), any_input=True)


def drawing(output_format: str, view: View, layers: int) -> Work:
    return partial(render, chain(layers), output_format, view)


def paths(layers: int) -> Work:
    summary = chain(layers)
    return lambda: reports.render(residual(summary), "table")


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured: ``prepare`` makes its input for a number of layers. ``kind`` is its panel in the picture."""

    kind: str
    name: str
    prepare: Callable[[int], Work]
    warms: bool = False


JOBS = (
    Job("JSON and tracing", "writing JSON", writing),
    Job("JSON and tracing", "reading JSON", reading),
    Job("diff", "diff, nothing changed", partial(diffing, lambda old: chain(len(old.layers) - 1))),
    Job("diff", "diff, 1 % changed", partial(diffing, changed)),
    Job("diff", "diff, all renamed", partial(diffing, lambda old: chain(len(old.layers) - 1, "stages"))),
    Job("diff", "diff, all wider", partial(diffing, lambda old: chain(len(old.layers) - 1, width=80))),
    Job("diff", "diff, half removed", partial(diffing, lambda old: chain(len(old.layers) // 2))),
    Job("rendering", "table", partial(drawing, "table", View())),
    Job("rendering", "table with rails", partial(drawing, "table", View(rails=True))),
    Job("rendering", "tree", partial(drawing, "tree", View())),
    Job("rendering", "SVG", partial(drawing, "svg", View())),
    Job("graph", "residual paths", paths),
    Job("graph", "live and saved memory", partial(drawing, "csv", View(columns=("path", "live_bytes", "saved_bytes")))),
    Job("graph", "receptive fields", partial(drawing, "csv", View(columns=("path", "rf")))),
    # The last one: from here on, torch is in this process.
    Job("JSON and tracing", "tracing (torch)", stack, warms=True),
)


def main(most: int) -> None:
    """One JSON list: of each job its kind, its name and its points (layers, seconds, bytes)."""
    process.own()  # as in the command, the collector is off until a framework is there
    found = []
    for job in JOBS:
        if job.warms:
            job.prepare(30)()
        points = []
        error = ""
        for layers in (size for size in SIZES if size <= most):
            start = time.perf_counter()
            try:
                seconds, peak = in_child(partial(cost, partial(job.prepare, layers), again=1.0))
            except FailedError as failure:
                error = str(failure)
                break
            points.append((layers, seconds, peak))
            print(f"{job.name}, {layers:,} layers: {seconds:.3f} s, {peak / 2**20:.0f} MiB", file=sys.stderr)
            if max(seconds, (time.perf_counter() - start) / 3) > PATIENCE:
                break
        found.append({"kind": job.kind, "name": job.name, "points": points, "error": error})
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
