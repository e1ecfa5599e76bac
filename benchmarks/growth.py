"""How time and memory grow with the number of layers, for each reader and each format of output.

    python benchmarks/growth.py 64000 > growth.json
    python benchmarks/growth.py 16000 "reading .onnx" > growth.json

The second argument is a pattern of the jobs' names. Every point is measured in a child forked for it, so that its
memory is its own. Jobs of one framework are forked from a process that has imported it, for torch and TensorFlow can't
share one. Time grows faster than the work as soon as a network is larger than the processor's caches: where its
exponent is above the limit, instructions are counted too.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby
from pathlib import Path

import sized
from measure import FailedError, cost, exponent, in_child, instructions
from report import GROWTH_LIMIT
from sized import chain

from resnet_inspect import checks, ir_json, process, readers
from resnet_inspect.analysis import checkpoint_match
from resnet_inspect.checks.settings import rules
from resnet_inspect.diffs import compare
from resnet_inspect.ir import Summary
from resnet_inspect.readers.inputs import OWN_INPUT, Shapes
from resnet_inspect.readers.keras.configuration.reader import known_summary
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from resnet_inspect.render import check as check_formats
from resnet_inspect.render import diff as diff_formats
from resnet_inspect.render import report as reports
from resnet_inspect.render.report.compare import compared
from resnet_inspect.render.report.compare import report as comparison
from resnet_inspect.render.report.residual import report as residual

Work = Callable[[], object]

SIZES = (250, 1_000, 4_000, 16_000, 64_000)
#: A larger size isn't tried where one took so many seconds.
PATIENCE = 20.0
#: Instructions are counted at these sizes: callgrind takes fifty times as long.
COUNTED = (500, 2_000)
#: The formats that ``summary`` writes, with their options where those change the work.
DRAWN = {
    "table": ("table", View()),
    "table with rails": ("table", View(rails=True)),
    "table on a terminal": ("table", View(width=100, height=40)),
    "tree": ("tree", View()),
    "CSV": ("csv", View()),
    "Markdown": ("markdown", View()),
    "Mermaid": ("mermaid", View()),
    "DOT": ("dot", View()),
    "SVG": ("svg", View()),
    "table as SVG": ("table-svg", View()),
}


def changed(summary: Summary) -> Summary:
    """Every hundredth layer with another setting."""
    layers = [
        replace(layer, attributes=(*layer.attributes, ("groups", 2))) if index % 100 == 1 else layer
        for index, layer in enumerate(summary.layers)
    ]
    return replace(summary, layers=tuple(layers))


def stack(layers: int) -> Work:
    """Tracing a model that is built on meta."""
    import torch

    from resnet_inspect import summarize

    with torch.device("meta"):
        model = sized.torch_stack(layers)
    return lambda: summarize(model, (sized.WIDTH,))


def reading(layers: int) -> Work:
    """Reading a text that another process writes: what writing it took and gave back would be taken again."""
    text = in_child(lambda: ir_json.dumps(chain(layers)))
    return lambda: ir_json.loads(text)


def writing(layers: int) -> Work:
    return partial(ir_json.dumps, chain(layers))


def file(write: Callable[[int, Path], None], name: str, layers: int, inputs: Shapes = OWN_INPUT) -> Work:
    """Reading a file, which another process writes, so that this one's memory is the reader's."""
    path = Path(tempfile.mkdtemp(dir=".")) / name
    in_child(lambda: write(layers, path))
    reader = readers.load_framework("file", "resnet_inspect.readers.file")
    return lambda: reader.summarize(Request(str(path), inputs=inputs))


def keras_file(layers: int) -> Work:
    """Reading a standard model's file without Keras."""
    path = Path(tempfile.mkdtemp(dir=".")) / "net.keras"
    in_child(lambda: sized.keras(layers, path))
    return lambda: known_summary(Request(str(path)))


def diffing(other: Callable[[Summary], Summary], layers: int) -> Work:
    old = chain(layers)
    return partial(compare, old, other(old), any_input=True)


def showing_diff(layers: int) -> Work:
    old = chain(layers)
    diff = compare(old, changed(old), any_input=True)
    return partial(diff_formats.render, diff, "table", diff_formats.DiffView())


def checking(layers: int) -> Work:
    """All rules, a budget for a part and a baseline of another width among them, and their table."""
    summary = chain(layers)
    limits = {"max-params": "1G", "max-macs": {"blocks.1": "1G"}, "max-layers": "1M", "strict": True}
    kept = (*rules(limits), checks.Baseline(chain(layers, width=80)))
    return lambda: check_formats.render(
        [checks.Checked("chain", checks.judge(kept, summary))], "table", check_formats.CheckView()
    )


def fitting(layers: int) -> Work:
    """A checkpoint beside a model, every hundredth name of which it lacks."""
    entries = [checkpoint_match.Entry(f"blocks.{index}.weight", (8,), "float32") for index in range(layers)]
    return partial(checkpoint_match.compare, entries, [entry for index, entry in enumerate(entries) if index % 100])


def drawing(output_format: str, view: View, layers: int) -> Work:
    return partial(render, chain(layers), output_format, view)


def columns(keys: str) -> Callable[[int], Work]:
    return partial(drawing, "csv", View(columns=tuple(keys.split())))


def paths(layers: int) -> Work:
    summary = chain(layers)
    return lambda: reports.render(residual(summary), "table")


def comparing(layers: int) -> Work:
    summary = chain(layers)
    return lambda: reports.render(comparison([compared(summary, ())]), "table")


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured: ``prepare`` makes its input for a number of layers. ``kind`` is its panel in the picture.

    ``framework`` is imported before. ``most`` is the largest number of layers that is tried; ``bound`` says why.
    """

    kind: str
    name: str
    prepare: Callable[[int], Work]
    framework: str = ""
    most: int = SIZES[-1]
    bound: str = ""


#: The input of a file that doesn't say its own.
ROW = Shapes(((sized.WIDTH,),))
#: A larger file takes its own framework minutes to write.
SLOW = "its framework takes minutes to write a larger one"

JOBS = (
    Job("JSON and tracing", "writing JSON", writing),
    Job("JSON and tracing", "reading JSON", reading),
    Job("diff", "diff, nothing changed", partial(diffing, lambda old: chain(len(old.layers) - 1))),
    Job("diff", "diff, 1 % changed", partial(diffing, changed)),
    Job("diff", "diff, all renamed", partial(diffing, lambda old: chain(len(old.layers) - 1, "stages"))),
    Job("diff", "diff, all wider", partial(diffing, lambda old: chain(len(old.layers) - 1, width=80))),
    Job("diff", "diff, half removed", partial(diffing, lambda old: chain(len(old.layers) // 2))),
    Job("diff", "table of a diff", showing_diff),
    *(Job("rendering", name, partial(drawing, *drawn)) for name, drawn in DRAWN.items()),
    Job("graph", "residual paths", paths),
    Job("graph", "live and saved memory", columns("path live_bytes saved_bytes")),
    Job("graph", "receptive fields", columns("path rf rf_aligned")),
    Job("graph", "check", checking),
    Job("graph", "compare", comparing),
    Job("graph", "weights", fitting),
    Job("files", "reading .safetensors", partial(file, sized.safetensors, "net.safetensors")),
    Job("files", "reading .weights.h5", partial(file, sized.weights_h5, "net.weights.h5"), "h5py"),
    Job("files", "reading .keras", keras_file, "", 4_000, SLOW),
    Job("files", "reading .onnx", partial(file, sized.onnx, "net.onnx"), "onnx"),
    Job("files", "reading .pth", partial(file, sized.pth, "net.pth"), "torch"),
    Job("files", "reading TorchScript", partial(file, sized.torchscript, "net.pt", inputs=ROW), "torch", 16_000, SLOW),
    Job("files", "reading .pt2", partial(file, sized.pt2, "net.pt2"), "torch", 16_000, SLOW),
    Job("JSON and tracing", "tracing (torch)", stack, "torch"),
    Job("files", "reading .keras by Keras", partial(file, sized.keras, "net.keras"), "keras", 4_000, SLOW),
    Job("files", "reading SavedModel", partial(file, sized.savedmodel, "net"), "tensorflow", 16_000, SLOW),
)


def measured(job: Job, most: int) -> dict[str, object]:
    """Of one job its points (layers, seconds, bytes), and why there are no more."""
    points = []
    error = ""
    for layers in (size for size in SIZES if size <= min(most, job.most)):
        start = time.perf_counter()
        try:
            seconds, peak = in_child(partial(cost, partial(job.prepare, layers), again=1.0))
        except FailedError as failure:
            error = f"{layers:,} layers: {failure}"
            break
        points.append((layers, seconds, peak))
        print(f"{job.name}, {layers:,} layers: {seconds:.3f} s, {peak / 2**20:.0f} MiB", file=sys.stderr)
        if max(seconds, (time.perf_counter() - start) / 3) > PATIENCE:
            break
    power = exponent([(layers, seconds) for layers, seconds, _ in points])
    by_instructions = None if power is None or round(power, 2) <= GROWTH_LIMIT else exponent_of_instructions(job)
    said = ["n/a" if number is None else f"{number:.2f}" for number in (power, by_instructions)]
    print(f"{job.name}: exponent {said[0]}, by instructions {said[1]} {error}", file=sys.stderr)
    result = {"kind": job.kind, "name": job.name, "bound": job.bound, "points": points, "error": error}
    return {**result, "by_instructions": by_instructions}


def exponent_of_instructions(job: Job) -> float | None:
    """The exponent of a job's work, without what preparing it takes. None where nobody can count instructions.

    A framework's own import would take callgrind minutes: its jobs have none.
    """
    if job.framework:
        return None
    costs = []
    for layers in COUNTED:
        command = [sys.executable, str(Path(__file__).resolve()), "--work", job.name, str(layers)]
        # The same order of sets in each process.
        alone, whole = (
            instructions([*command, times], {**os.environ, "PYTHONHASHSEED": "0"}, Path()) for times in ("0", "1")
        )
        if alone is None or whole is None or whole <= alone:
            return None
        costs.append(whole - alone)
    return math.log(costs[1] / costs[0], COUNTED[1] / COUNTED[0])


def work_on(name: str, layers: int, times: int) -> None:
    """Prepares a job and does its work so many times, behind one that warms up."""
    process.own()
    (job,) = (job for job in JOBS if job.name == name)
    job.prepare(30)()
    work = job.prepare(layers)
    for _ in range(times):
        work()


def group(framework: str, jobs: list[Job], most: int) -> list[dict[str, object]]:
    """The jobs of one framework, in a process that has imported it."""
    if framework:
        importlib.import_module(framework)
        for job in jobs:
            with contextlib.suppress(Exception):  # it is told where the job itself fails, below
                job.prepare(30)()
    return [measured(job, most) for job in jobs]


def main(most: int, wanted: str = "*") -> None:
    """One JSON list: of each job its kind, its name and its points (layers, seconds, bytes)."""
    process.own()  # as in the command, the collector is off until a framework is there
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        chosen = [job for job in JOBS if fnmatchcase(job.name, wanted)]
        for framework, jobs in groupby(chosen, key=lambda job: job.framework):
            found += in_child(partial(group, framework, list(jobs), most))
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        work_on(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(int(sys.argv[1]), *sys.argv[2:3])
