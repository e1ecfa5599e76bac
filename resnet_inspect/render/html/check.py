"""The page of a check: what failed first, and each model's graph with the layers that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ... import ir_json
from ...checks import Checked, Outcome
from ...diffs import Diff
from ...visible import cleaned
from ..check.words import SAID, failed, finding_words, verdict
from ..diff.words import headlines, lines
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
    data = {"models": [{"document": at, **_model(shown[at])} for at in worst]}
    return page("check", f"Checked: {title}", f"<p>{escape(verdict(shown))}</p>", data, documents)


def _differs(diff: Diff | None) -> list[str]:
    """What a drift is in, as a terminal lists it."""
    if diff is None:
        return []
    listed = [
        " ".join((line.sign, line.layer, line.type, " · ".join(line.words))) for line in lines(diff, everything=False)
    ]
    more = [f"and {len(listed) - _MOST:,} more"] if len(listed) > _MOST else []
    return [*headlines(diff)[1:], *listed[:_MOST], *more]


def _place(outcome: Outcome) -> int:
    return _WORST_FIRST.index(outcome.level)


def _model(item: Checked) -> dict[str, Any]:
    outcomes = sorted(item.outcomes, key=_place)
    states = {
        found.layer: "failed" if failed(outcome) else "warned"
        for outcome in reversed(outcomes)
        for found in outcome.findings
        if found.layer is not None and outcome.level != "pass"
    }
    said = {found.layer: found.message for outcome in outcomes for found in outcome.findings if found.layer is not None}
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
                        "layer": found.layer,
                        "differs": _differs(found.diff),
                    }
                    for found in outcome.findings
                ],
            }
            for outcome in outcomes
        ],
        "network": None if item.summary is None else network(item.summary, states, said),
    }
