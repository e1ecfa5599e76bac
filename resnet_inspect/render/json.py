"""The summary as a JSON document, for programs: every layer, nothing rounded or left out."""

from __future__ import annotations

from ..ir import Summary
from ..ir_json import dumps
from . import View


def render(summary: Summary, view: View) -> str:
    """The document of the schema in ``schemas/``; with an optimizer, also what a training step holds."""
    if view.optimizer is None:
        return dumps(summary)
    from ..analysis.training.plan import Plan
    from ..analysis.training.timeline import timeline
    from .report.training import document

    plan = Plan(view.optimizer)
    return dumps(summary, document(timeline(summary, plan), plan))
