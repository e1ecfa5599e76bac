"""What training and inference hold at their peak, in words and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...analysis.training.ledger import PARTS
from ...analysis.training.plan import Plan
from ...analysis.training.timeline import Step, Timeline

#: Parts as people call them.
WORDS = {
    "weights": "weights",
    "statistics": "statistics and buffers",
    "input": "input",
    "gradients": "gradients of weights",
    "optimizer_states": "optimizer states",
    "saved": "saved for backward",
    "outputs": "outputs",
    "output_gradients": "gradients of outputs",
    "temporaries": "temporaries of one operation",
}
_PHASES = {
    "forward": "the forward pass",
    "backward": "the backward pass",
    "recompute": "the second forward pass",
    "optimizer": "the optimizer's step",
}


def at_work(step: Step) -> str:
    """Which layer is at work, and forward or backward: ``the backward pass of layer1.0.conv1``."""
    return " of ".join(filter(None, (_PHASES[step.phase], step.layer)))


def unknown(found: Timeline) -> str:
    """That layers keep what nobody knows, with the first of them."""
    first, *others = found.unknown
    if not others:
        return f"what {first} keeps isn't known"
    return f"what {first} and {len(others):,} more {'layers keep' if len(others) > 1 else 'layer keep'} isn't known"


def document(found: Timeline, plan: Plan | None) -> dict[str, Any]:
    """How it is trained, and the memory over time; all sizes are bytes."""
    return {
        "training": None if plan is None else asdict(plan),
        "peak_bytes": found.peak.live if found.peak else 0,
        "peak_is_lower_bound": bool(found.unknown),
        "unknown_layers": len(found.unknown),
        "peak_at": None if found.peak is None else {"phase": found.peak.phase, "layer": found.peak.layer or None},
        "parts": found.parts,
        "timeline": {
            "parts": list(PARTS),
            "steps": [[step.phase, step.layer, *step.parts] for step in found.steps],
        },
    }
