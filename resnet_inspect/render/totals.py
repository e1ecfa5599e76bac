"""The totals block, as pairs of a label and a text."""

from __future__ import annotations

from .. import units
from ..analysis.memory import inference_peak, live_bytes, training
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


def totals(summary: Summary, view: View) -> list[tuple[str, str]]:
    """What stands below every table."""
    t = summary.totals
    peak = inference_peak(summary)
    at = next((f" of outputs, at {name}" for name, size in live_bytes(summary).items() if peak and size == peak), "")
    macs = f"{units.exact(t.macs)} ({units.si(t.macs)})"
    flops = f"{units.exact(2 * t.macs)} ({units.si(2 * t.macs)})"
    if t.uncounted:
        macs += f", not counted: {_names(t.uncounted)}"
    trace = _METHODS.get(summary.trace.method, summary.trace.method)
    if summary.trace.method == "header":
        return _stored(summary, trace)
    lines = [
        ("Model", f"{summary.model.backend}:{summary.model.name}"),
        (
            "Input",
            ", ".join(f"{format_shape(i.shape)} {i.dtype} {i.layout or ''}".rstrip() for i in summary.inputs),
        ),
        ("Parameters", f"{units.exact(t.params)} ({units.si(t.params)})"),
        ("  trainable", units.exact(t.trainable_params)),
        ("  frozen", units.exact(t.frozen_params)),
        ("Statistics", units.exact(t.statistics)),
        *_buffers(summary),
        ("MACs", macs),
        ("FLOPs", flops),
        ("Parameter memory", units.binary(t.param_bytes)),
        ("Activation memory", units.binary(t.activation_bytes)),
        ("Inference peak", units.binary(peak) + at),
        *(_training(summary, view.optimizer) if view.optimizer else ()),
        ("Layers", units.exact(t.layers)),
        ("Trace", trace + (f" ({summary.trace.reason})" if summary.trace.reason else "")),
    ]
    if t.unused_params:
        lines.append(("Unused parameters", _names(t.unused_params)))
    return lines


def _stored(summary: Summary, trace: str) -> list[tuple[str, str]]:
    """Of tensors without a model: what there is, and nothing of what a run would cost."""
    held = [p for layer in summary.layers for p in layer.parameters]
    t = summary.totals
    return [
        ("Checkpoint", f"{summary.model.backend}:{summary.model.name}"),
        ("Parameters", f"{units.exact(t.params)} ({units.si(t.params)})"),
        ("Statistics", units.exact(t.statistics)),
        *_buffers(summary),
        ("MACs", units.exact(None)),
        ("Stored", units.binary(sum_known(p.bytes for p in held))),
        ("Tensors", units.exact(len(held))),
        ("Trace", trace),
    ]


def _buffers(summary: Summary) -> list[tuple[str, str]]:
    """What modules keep beside parameters and statistics, where they do."""
    size = sum(layer.count("buffer") or 0 for layer in summary.layers)
    return [("Buffers", units.exact(size))] if size else []


def _training(summary: Summary, optimizer: str) -> list[tuple[str, str]]:
    estimate = training(summary, optimizer)
    parts = (
        ("parameters", estimate.params),
        ("statistics", estimate.statistics),
        ("gradients", estimate.gradients),
        ("optimizer", estimate.states),
        ("saved for backward", estimate.saved),
    )
    words = " + ".join(f"{name} {units.binary(size)}" for name, size in parts)
    batch = summary.inputs[0].shape[0] if summary.inputs and summary.inputs[0].shape else 1
    return [(f"Training, {optimizer}", f"{units.binary(estimate.total)} at batch {batch}: {words}")]


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
