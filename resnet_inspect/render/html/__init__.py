"""A report: one file that a browser opens without a network, with every number and every connection of a network."""

from __future__ import annotations

from ... import ir_json
from ...analysis.facts import Facts
from ...ir import Summary
from ...visible import cleaned
from .. import View
from ..totals import totals
from .markup import facts
from .network import network
from .page import page


def render(summary: Summary, view: View) -> str:
    """The page of one network, which holds its JSON document: commands that read saved summaries read it."""
    shown = cleaned(summary)
    found = Facts(shown)
    data = {"network": network(shown, facts=found), "depth": view.depth}
    _, *below = totals(shown, View(), found)  # the first says what the heading says
    head = facts(below)
    return page("summary", shown.model.title, head, data, {"network": ir_json.dumps(summary)})
