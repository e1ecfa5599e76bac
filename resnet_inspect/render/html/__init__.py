"""A report: one file that a browser opens without a network, with every number and every connection of a network."""

from __future__ import annotations

from html import escape

from ... import ir_json
from ...ir import Summary
from ...visible import cleaned
from .. import View
from ..totals import totals
from .network import network
from .page import page


def render(summary: Summary, view: View) -> str:
    """The page of one network, which holds its JSON document: commands that read saved summaries read it."""
    shown = cleaned(summary)
    data = {"network": network(shown), "depth": view.depth}
    return page(
        "summary", shown.model.title, facts(totals(shown, View())[1:]), data, {"network": ir_json.dumps(summary)}
    )


def facts(pairs: list[tuple[str, str]]) -> str:
    """Labels and texts, as a list of definitions."""
    items = "".join(f"<div><dt>{escape(label.strip())}</dt><dd>{escape(text)}</dd></div>" for label, text in pairs)
    return f'<dl class="facts">{items}</dl>'
