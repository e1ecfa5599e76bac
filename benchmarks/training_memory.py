"""Our peak of a training step against torch's: ``python benchmarks/training_memory.py [NAME...] > training_memory.md``.

The truth is torch's MemTracker on fake CUDA tensors (``fake_step.py``), the peak of the second step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import fake_step
import torch
from largest_batch import WAYS, Largest, largest_batches, table
from training_networks import NETWORKS, summary_of

from resnet_inspect.analysis.training.plan import Plan
from resnet_inspect.analysis.training.timeline import timeline

BATCH = 32
SETTINGS = [(amp, again, optim) for amp in (None, "bf16") for again in (False, True) for optim in ("sgd", "adam")]


#: Why cases differ by more than a thousandth.
REASONS = (
    "",
    "Causes of what differs by more than 0.1 %:",
    "",
    "- bert in bf16: a variable of transformers' Python code holds a dropout's result while the next norm runs.",
)


class Result(NamedTuple):
    """One case: bytes of ours and of torch's."""

    name: str
    amp: str | None
    checkpointed: bool
    optimizer: str
    ours: int
    torchs: int
    unknown: int
    where: str

    @property
    def ratio(self) -> float:
        """Ours over torch's."""
        return self.ours / self.torchs


def measure(
    names: list[str], settings: list[tuple[str | None, bool, str]], known: dict[str, int], measured: bool = False
) -> Iterator[Result]:
    """Every network in every setting; ``known`` has torch's numbers of an earlier run, and takes new ones.

    ``measured`` leaves out what isn't known yet.
    """
    for name in names:
        network = NETWORKS[name]
        summary = summary_of(network, BATCH)
        for amp, again, optimizer in settings:
            patterns = network.checkpoints if again else ()
            key = json.dumps((name, amp, again, optimizer))
            if key not in known and measured:
                continue
            if key not in known:
                inputs = partial(network.inputs, BATCH)
                known[key] = fake_step.peak(network.build, inputs, optimizer, amp, patterns)
            found = timeline(summary, Plan(optimizer=optimizer, amp=amp, checkpoint=patterns))
            at = found.peak
            assert at is not None
            where = f"{at.phase} {at.layer}"
            yield Result(name, amp, again, optimizer, at.live, known[key], len(found.unknown), where)


def main() -> None:
    """Write the table to stdout; progress goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[])
    parser.add_argument("--settings", default="", help="numbers of settings, as 0,4")
    parser.add_argument("--truth", type=Path, help="a file that keeps torch's numbers from run to run")
    parser.add_argument("--measured", action="store_true", help="only what that file has")
    options = parser.parse_args()
    settings = [SETTINGS[int(n)] for n in options.settings.split(",")] if options.settings else SETTINGS
    known = json.loads(options.truth.read_text()) if options.truth and options.truth.exists() else {}
    results = []
    for result in measure(options.names or list(NETWORKS), settings, known, options.measured):
        print(f"{result.name} {result.ratio:.4f} {result.where} {result[1:]}", file=sys.stderr, flush=True)
        results.append(result)
        if options.truth:
            options.truth.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    head = (
        f"Batch {BATCH}, PyTorch {torch.__version__}, `MemTracker` on fake CUDA tensors, the second step.",
        "The loss is the sum of the outputs. Bytes of tensors, without rounding to the allocator's blocks of 512.",
        "torch's autograd engine and its choice of a kernel for attention need a GPU, even for fake tensors;",
        "`fake_step.py` does both in their place. transformers takes each row of tokens for one sequence there, as it",
        "does on a GPU, where it can read the positions. Empty cells aren't measured.",
    )
    print(page(results, head), *REASONS, sep="\n")
    batches: list[Largest] = []
    for name in [name for name in WAYS if name in (options.names or NETWORKS)]:
        batches += largest_batches(name, known, options.measured)
        print(name, batches[-1:], file=sys.stderr, flush=True)
        if options.truth:
            options.truth.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    print(table(batches))


def page(results: list[Result], head: Iterable[str]) -> str:
    """The table, and what stands above it."""
    columns = [setting for setting in SETTINGS if any(result[1:4] == setting for result in results)]
    titles = [", ".join((amp or "fp32", *(["checkpoints"] if again else []), optim)) for amp, again, optim in columns]
    lines = ["| network | " + " | ".join(titles) + " |", "|---|" + "---:|" * len(titles)]
    for name in dict.fromkeys(result.name for result in results):
        found = {result[1:4]: result for result in results if result.name == name}
        lines.append(f"| {name} | " + " | ".join(f"{found[c].ratio:.4f}" if c in found else "" for c in columns) + " |")
    errors = [[abs(result.ratio - 1) for result in results if result[1:4] == column] for column in columns]
    for title, of in (("median error", statistics.median), ("largest error", max)):
        lines.append(f"| {title} | " + " | ".join(f"{100 * of(column):.3f} %" for column in errors) + " |")
    worst = max(results, key=lambda result: abs(result.ratio - 1))
    middle, most = (100 * of(error for column in errors for error in column) for of in (statistics.median, max))
    cases = f"{len(results)} of {len(NETWORKS) * len(SETTINGS)} cases"
    return "\n".join(
        (
            "# The peak of a training step: ours over torch's",
            "",
            *head,
            "",
            f"{cases}: median error {middle:.4f} %, largest {most:.2f} % ({worst.name}).",
            "",
            *lines,
        )
    )


if __name__ == "__main__":
    main()
