"""Whether a network fits into a memory: the answer, what the peak consists of, what would help.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import units
from ...analysis.facts import Facts
from ...analysis.fit import Fit
from ...analysis.training.plan import Plan
from ...ir import Summary
from ...shape import format_shape
from ..totals import least_time
from . import Report, ReportColumn
from .training import WORDS, at_work, unknown
from .training import document as memory_document

if TYPE_CHECKING:
    from ...devices import Device
    from .plot import Panel

SCHEMA_VERSION = 1

#: More inputs aren't shown.
_MOST_INPUTS = 4
_COLUMNS = (
    ReportColumn("part", "At the peak", number=False),
    ReportColumn("bytes", "Memory", units.binary),
    ReportColumn("share", "Share", units.share),
)


def report(summary: Summary, found: Fit, plan: Plan | None, device: Device | None) -> Report:
    """What there is to say of a network in a memory, that of a device or another."""
    rows = [
        {"part": WORDS[part], "bytes": size, "share": size / found.peak if found.peak else None}
        for part, size in found.timeline.parts.items()
        if size
    ]
    facts = [
        ("Model", summary.model.title),
        ("Memory", f"{units.binary(found.memory)}{f' of {device.title}' if device else ''}{_source(device)}"),
        ("Input", _input(summary)),
        ("Run", _run(plan, summary)),
        ("Peak", f"{_least(found)}{units.binary(found.peak)} in {_where(found)}"),
        *([("Overhead", _beside(found))] if found.beside[1] else ()),
        *([("Largest batch", f"n/a: {found.fixed}")] if found.fixed else ()),
        *_helps(found),
        # Under autocast, products are faster than those that the summary has.
        *([least_time(Facts(summary, device))] if device and not (plan and plan.amp) else ()),
    ]
    if found.timeline.unknown:
        nothing_ran = not summary.has_graph and summary.trace.reason
        facts.append(("Unknown", f"{nothing_ran or unknown(found.timeline)}: the peak is a lower bound"))
    return Report(_COLUMNS, tuple(rows), tuple(facts), document(summary, found, plan, device), answer=_answer(found))


def panels(found: Fit) -> tuple[Panel, ...]:
    """The timeline: live memory against the steps in their order."""
    from .plot import Panel, Point

    points = tuple(Point(number, step.live / 2**20) for number, step in enumerate(found.timeline.steps, 1))
    return (Panel("Step", "Live memory (MiB)", points, line=True),)


def document(summary: Summary, found: Fit, plan: Plan | None, device: Device | None) -> dict[str, Any]:
    """The JSON of it: exact bytes."""
    return {
        "schema_version": SCHEMA_VERSION,
        "model": summary.model.title,
        "device": device.name if device else None,
        "memory_bytes": found.memory,
        "batch": found.batch,
        "fits": found.fits,
        "beside_bytes": list(found.beside),
        "largest_batch": found.largest,
        "largest_batch_beside": found.largest_beside,
        "largest_batch_unknown": found.fixed or None,
        "helps": [{"options": each.options, "peak_bytes": each.peak} for each in found.helps],
        **memory_document(found.timeline, plan),
    }


def _answer(found: Fit) -> str:
    said = {True: "Fits", False: "Doesn't fit", None: "Not known whether it fits"}[found.fits]
    if found.fits and found.peak + found.beside[1] > found.memory:
        said = "May fit"
    peak = f"{_least(found)}{units.binary(found.peak)} of {units.binary(found.memory)} at batch {found.batch:,}"
    if found.largest is None:
        return f"{said}: {peak}."
    if not found.largest:
        return f"{said}: {peak}; not even a batch of 1 fits."
    return f"{said}: {peak}; the largest batch that fits is {_largest(found)}."


def _largest(found: Fit) -> str:
    """From the batch that fits with the most of what can't be known, to the one that fits without it."""
    if found.timeline.unknown or not found.largest_beside:
        return f"at most {found.largest:,}"
    if found.largest_beside == found.largest:
        return f"{found.largest:,}"
    return f"{found.largest_beside:,} to {found.largest:,}"


def _least(found: Fit) -> str:
    return "at least " if found.timeline.unknown else ""


def _source(device: Device | None) -> str:
    return f" ({device.source}, {device.date})" if device and device.source and device.date else ""


def _input(summary: Summary) -> str:
    """What it reads at this batch: a batch of short texts says little of long ones."""
    given = [f"{format_shape(tensor.shape)} {tensor.dtype}" for tensor in summary.inputs]
    return f"{', '.join(given[:_MOST_INPUTS])}{', ...' if len(given) > _MOST_INPUTS else ''}" if given else "n/a"


def _run(plan: Plan | None, summary: Summary) -> str:
    if plan is None:
        return "inference: outputs are freed after their last reader"
    words = [f"training with {plan.optimizer}"]
    if plan.implementation != "foreach":
        words.append(f"{plan.implementation} steps")
    if plan.amp:
        words.append(f"autocast to {plan.amp}")
    if plan.checkpoint:
        words.append(f"{' '.join(plan.checkpoint)} computed again")
    if plan.accumulate > 1:
        words.append(f"{plan.accumulate:,} batches a step")
    if plan.frozen:
        words.append(f"{' '.join(plan.frozen)} frozen")
    if plan.lora is not None:
        adapted = [layer.path for layer in summary.layers if plan.adapts(layer)]
        where = adapted[0] if len(set(adapted)) == 1 else f"{len(set(adapted)):,} linear layers"
        words.append(f"adapters of rank {plan.lora:,} on {where}")
    return f"{', '.join(words)}, as torch does it"


def _where(found: Fit) -> str:
    peak = found.timeline.peak
    return "no layer" if peak is None else at_work(peak)


def _beside(found: Fit) -> str:
    low, high = map(units.binary, found.beside)
    return (
        f"{low} to {high} that can't be known before a run: the framework (on a GPU, CUDA's context and the workspaces "
        "of its libraries), and what the allocator loses between blocks"
    )


def _helps(found: Fit) -> list[tuple[str, str]]:
    lines = [
        f"{each.options}: {units.binary(each.peak)} ({units.percent(found.peak, each.peak)})" for each in found.helps
    ]
    return [("  or" if place else "Would help", line) for place, line in enumerate(lines)]
