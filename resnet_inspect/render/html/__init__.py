"""A report: one file that a browser opens without a network, with every number and every connection of a network.

``network.py`` and ``tree.py`` make a network's data; ``diff.py``, ``check.py`` and ``report.py`` are the other pages.
``page.py`` joins ES modules (``entry/`` has one for each page, ``graph/`` and ``page/`` what they are made of), style
sheets (``style/``) and vendored libraries (``vendor/``) into one file. Of the modules, ``page/fold.js`` knows what is
seen while modules are open, ``graph/layout.js`` and ``graph/ranks.js`` where it stands, all without a browser;
``graph/graph.js``, ``page/table.js``, ``page/treemap.js`` and ``page/timeline.js`` draw, and ``page/store.js`` is what
they share. ``ir_html.py`` packs a summary into a page and reads it back.
"""

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
    documents = {"network": ir_json.dumps(summary)}
    return page("summary", shown.model.title, head, data, documents, [("Source", summary.model)])
