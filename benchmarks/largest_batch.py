"""The largest batch that ``fit`` finds, against a search with torch's MemTracker: a part of ``training_memory.py``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import fake_step
from training_networks import NETWORKS, summary_of

from resnet_inspect.analysis.fit import fit
from resnet_inspect.analysis.training.plan import Plan

GIB = 2**30
#: Network -> optimizer, autocast, whether blocks are checkpointed, and a memory for some ten of what it reads.
WAYS: dict[str, tuple[str, str | None, bool, int]] = {
    "resnet18": ("sgd", None, False, GIB // 2),
    "resnet50": ("adam", "bf16", False, GIB),
    "densenet121": ("sgd", None, True, GIB),
    "mobilenet_v2": ("momentum", None, False, GIB),
    "efficientnet_b0": ("sgd", "bf16", False, GIB),
    "vgg16": ("sgd", None, False, 2 * GIB),
    "unet": ("adam", None, False, GIB),
    "convnext_tiny": ("adamw", None, False, 2 * GIB),
    "swin_t": ("sgd", None, True, GIB),
    "vit_b_16": ("adam", None, False, 3 * GIB),
    "bert": ("adamw", "bf16", False, 3 * GIB),
    "gpt2": ("adamw", None, False, 4 * GIB),
}
#: The batch that ours is worked out from, as in ``fit``.
_BATCH = 32


class Largest(NamedTuple):
    """The largest batches that fit: ours and torch's, with torch's peak at its own and at one more."""

    name: str
    ours: int
    torchs: int
    peak: int
    next_peak: int


def largest_batches(name: str, known: dict[str, int], measured: bool = False) -> list[Largest]:
    """The largest batch of a network in its way of training; nothing if ``measured`` and torch's isn't known yet.

    torch's is searched from ours on: the batch that fits, where one more doesn't. ``known`` has torch's peaks of an
    earlier run, and takes new ones.
    """
    optimizer, amp, again, memory = WAYS[name]
    network = NETWORKS[name]
    patterns = network.checkpoints if again else ()
    plan = Plan(optimizer, amp, patterns)
    ours = fit(summary_of(network, _BATCH), summary_of(network, 2 * _BATCH), _BATCH, plan, memory).largest or 0

    def peak(batch: int) -> int:
        key = json.dumps((name, amp, again, optimizer, batch))
        if key not in known:
            if measured:
                raise LookupError
            inputs = partial(network.inputs, batch)
            known[key] = fake_step.peak(network.build, inputs, optimizer, amp, patterns)
        return known[key]

    batch = max(ours, 1)
    try:
        while batch > 1 and peak(batch) > memory:
            batch -= 1
        while peak(batch + 1) <= memory:
            batch += 1
        return [Largest(name, ours, batch, peak(batch), peak(batch + 1))]
    except LookupError:
        return []


def table(found: Iterable[Largest]) -> str:
    """The table of the page."""
    lines = [
        "",
        "## The largest batch that fits",
        "",
        f"`fit` works it out from batches of {_BATCH} and {2 * _BATCH}. torch's is the one whose peak is within the",
        "memory while that of one more isn't.",
        "",
        "| network | training | memory | ours | torch's | its peak | peak of one more |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, ours, torchs, peak, next_peak in found:
        optimizer, amp, again, memory = WAYS[name]
        how = ", ".join((amp or "fp32", *(["checkpoints"] if again else []), optimizer))
        sizes = " | ".join(f"{size:,}" for size in (memory, ours, torchs, peak, next_peak))
        lines.append(f"| {name} | {how} | {sizes} |")
    return "\n".join(lines)
