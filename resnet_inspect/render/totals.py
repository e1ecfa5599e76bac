"""The totals block, as pairs of a label and a text."""

from __future__ import annotations

from collections.abc import Sequence

from .. import units
from ..analysis.facts import Facts
from ..analysis.metrics import TOTALS, total
from ..ir import Summary, sum_known
from ..shape import format_shape
from . import View

_METHODS = {
    "rules": "computed by rules, no framework",
    "meta": "traced on meta, no data",
    "real": "traced on real tensors",
    "symbolic": "traced on symbolic tensors, no data",
    "graph": "read from the file's graph, nothing ran",
    "header": "the file's tensors by name; layers and cost aren't in it",
}


def totals(summary: Summary, view: View, facts: Facts | None = None) -> list[tuple[str, str]]:
    """What stands below every table. ``facts`` are the summary's, where somebody else asks for them too."""
    facts = facts or Facts(summary, view.device)
    trace = _METHODS.get(summary.trace.method, summary.trace.method)
    if summary.trace.training:
        trace += ", train mode"
    if not summary.has_graph:
        return _stored(facts, summary.trace.reason or trace)
    lines = [
        ("Model", summary.model.title),
        (
            "Input",
            ", ".join(f"{format_shape(i.shape)} {i.dtype} {i.layout or ''}".rstrip() for i in summary.inputs),
        ),
        *([("Decoding", f"one token after {units.exact(summary.decoding.tokens)}")] if summary.decoding else ()),
        *_amounts(facts, TOTALS),
        *(_training(summary, view.optimizer) if view.optimizer else ()),
        *([least_time(facts)] if view.device else ()),
        ("Layers", units.exact(facts.totals.layers)),
        ("Trace", trace + (f" ({summary.trace.reason})" if summary.trace.reason else "")),
    ]
    if summary.unused:
        more = " (in eval mode; --mode train may use them)" if summary.may_train_unused else ""
        lines.append(("Unused parameters", units.few(summary.unused) + more))
    return lines


def _stored(facts: Facts, trace: str) -> list[tuple[str, str]]:
    """Of tensors without a model: what there is, and nothing of what a run would cost."""
    held = [p for layer in facts.summary.layers for p in layer.parameters]
    return [
        (
            "Model" if facts.summary.trace.reason else "Checkpoint",
            facts.summary.model.title,
        ),
        # Keras' files number what they hold: nobody can tell which of it are statistics.
        *_amounts(
            facts, ("params",) if facts.summary.model.backend == "keras" else ("params", "statistics", "buffers")
        ),
        ("MACs", units.exact(None)),
        ("Stored", units.binary(sum_known(p.bytes for p in held))),
        ("Tensors", units.exact(len(held))),
        ("Trace", trace),
    ]


def _amounts(facts: Facts, keys: Sequence[str]) -> list[tuple[str, str]]:
    """The lines of totals that this network has."""
    return [each.line(facts) for each in map(total, keys) if each.is_shown(facts)]


def least_time(facts: Facts) -> tuple[str, str]:
    """The line of the least time on the device of ``facts``."""
    device = facts.device.title if facts.device else ""
    found = [facts.floors[layer.id] for layer in facts.summary.layers]
    waiting = {bound: [floor for floor in found if floor.bound == bound] for bound in ("memory", "compute")}
    known = sum(floor.picoseconds or 0 for floor in found)
    parts = [
        f"{units.milliseconds(sum(floor.picoseconds or 0 for floor in floors))} ms in"
        f" {len(floors):,} {'layer' if len(floors) == 1 else 'layers'} limited by {bound}"
        for bound, floors in waiting.items()
        if floors
    ]
    if not parts:
        return "Least time", f"{units.NOT_AVAILABLE}: the speed of {device} is unknown"
    words = f"at least {units.milliseconds(known)} ms a forward pass on {device}: {', '.join(parts)}"
    if missing := sum(floor.picoseconds is None for floor in found):
        words += f"; {missing:,} {'layer is' if missing == 1 else 'layers are'} not in it"
    return "Least time", f"{words}. This is a bound, not a prediction: no kernel reaches a device's peak"


def _training(summary: Summary, optimizer: str) -> list[tuple[str, str]]:
    from ..analysis.batches import batch_of  # few tables ask
    from ..analysis.training.plan import Plan
    from ..analysis.training.timeline import timeline
    from .report.training import WORDS, at_work, unknown

    found = timeline(summary, Plan(optimizer))
    if found.peak is None:
        return []
    least = "at least " if found.unknown else ""
    parts = " + ".join(f"{WORDS[part]} {units.binary(size)}" for part, size in found.parts.items() if size)
    words = f"{least}{units.binary(found.peak.live)} at batch {batch_of(summary)}, in {at_work(found.peak)}: {parts}"
    if found.unknown:
        words += f"; {unknown(found)}"
    return [(f"Training, {optimizer}", words)]
