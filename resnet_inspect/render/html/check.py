"""The page of a check: what failed first, and each model's graph with the layers that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from ... import ir_json
from ...checks import Checked, Finding, Outcome
from ...diffs import Diff
from ...visible import cleaned
from ..check.words import SAID, failed, finding_words, verdict
from ..diff.marks import marks
from ..diff.words import grouped, headlines, lines
from .network import network
from .page import page

#: The order of outcomes on the page.
_WORST_FIRST = ("error", "fail", "strict", "warn", "pass")
#: So many lines of a drift are listed; a page of ``diff`` has all.
_MOST = 100


def render(checked: Sequence[Checked]) -> str:
    """The page; it holds the JSON document of every model that could be looked at."""
    shown = [cleaned(item) for item in checked]
    worst = sorted(range(len(shown)), key=lambda at: min(map(_place, shown[at].outcomes), default=len(_WORST_FIRST)))
    title = shown[0].name if len(shown) == 1 else f"{len(shown)} models"
    documents = {
        f"network-{at}": ir_json.dumps(item.summary) for at, item in enumerate(checked) if item.summary is not None
    }
    if len(documents) == 1:
        documents = {"network": documents.popitem()[1]}
    data = {"models": [_model(shown[at]) for at in worst]}
    return page("check", f"Checked: {title}", f"<p>{escape(verdict(shown))}</p>", data, documents)


def _differs(diff: Diff | None) -> list[list[str | None]]:
    """What a drift is in, as a terminal lists it: each line with the layer that it is about, if that is still there."""
    if diff is None:
        return []
    heads: list[list[str | None]] = [[head, None] for head in headlines(diff)[1:]]
    found = grouped(diff, [layer.status for layer in diff.layers])
    listed = [
        [" ".join((line.sign, line.layer, line.type, " · ".join(line.words))), new.id if new else None]
        for line, places in found
        for new in [diff.layers[places[0]].new]
    ]
    more: list[list[str | None]] = [[f"and {len(listed) - _MOST:,} more", None]] if len(listed) > _MOST else []
    return [*heads, *listed[:_MOST], *more]


def _place(outcome: Outcome) -> int:
    return _WORST_FIRST.index(outcome.level)


def _marked(found: Finding) -> Iterator[tuple[str, str]]:
    """The ids of what a finding marks in the graph, and what to say there: layers, and of a drift what was edited."""
    if found.layer is not None:
        yield found.layer, found.message
    for place in found.places:
        yield place, found.message
    if found.diff is not None:
        words = lines(found.diff, everything=True)
        for layer, mark, line in zip(found.diff.layers, marks(found.diff.layers), words, strict=True):
            if layer.new is not None and mark not in ("same", "follows"):
                yield layer.new.id, " · ".join((mark, *line.words))


def _model(item: Checked) -> dict[str, Any]:
    outcomes = sorted(item.outcomes, key=_place)
    states: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for outcome in outcomes:  # the worst first
        for found in outcome.findings if outcome.level != "pass" else ():
            for layer, message in _marked(found):
                states.setdefault(layer, "failed" if failed(outcome) else "warned")
                said.setdefault(layer, []).append(message)
    words = {layer: " · ".join(messages) for layer, messages in said.items()}
    return {
        "name": item.name,
        "outcomes": [
            {
                "rule": outcome.rule,
                "level": outcome.level,
                "word": SAID[outcome.level],
                "findings": [
                    {
                        "words": finding_words(found),
                        "places": [found.layer] if found.layer is not None else found.places[:_MOST],
                        "differs": _differs(found.diff),
                    }
                    for found in outcome.findings
                ],
            }
            for outcome in outcomes
        ],
        "network": None if item.summary is None else network(item.summary, states, words),
    }
