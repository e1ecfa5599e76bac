"""The totals block, as pairs of a label and a text."""

from __future__ import annotations

from .. import units
from ..ir import Summary
from ..shape import format_shape

_METHODS = {
    "rules": "computed by rules, no framework",
    "meta": "traced on meta, no data",
    "real": "traced on real tensors",
    "symbolic": "traced on symbolic tensors, no data",
}


def totals(summary: Summary) -> list[tuple[str, str]]:
    """What stands below every table."""
    t = summary.totals
    macs = f"{units.exact(t.macs)} ({units.si(t.macs)})"
    flops = f"{units.exact(2 * t.macs)} ({units.si(2 * t.macs)})"
    if t.uncounted:
        macs += f", not counted: {_names(t.uncounted)}"
    trace = _METHODS.get(summary.trace.method, summary.trace.method)
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
        ("MACs", macs),
        ("FLOPs", flops),
        ("Parameter memory", units.binary(t.param_bytes)),
        ("Activation memory", units.binary(t.activation_bytes)),
        ("Layers", units.exact(t.layers)),
        ("Trace", trace + (f" ({summary.trace.reason})" if summary.trace.reason else "")),
    ]
    if t.unused_params:
        lines.append(("Unused parameters", _names(t.unused_params)))
    return lines


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
