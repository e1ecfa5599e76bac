"""Lines for a terminal or a pipe: a line for each rule, below it what else it found."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ...checks import Checked, Outcome
from ..width import padded, width
from . import CheckView
from .words import SAID, failed, revisions, said, verdict

_COLORS = {"ok": "32", "warn": "33", "FAIL": "31", "ERROR": "31"}


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """A section for each model, and the verdict."""
    lines = []
    for item in checked:
        lines.append(_styled(item.name, "1", view))
        room = max(width(outcome.rule) for outcome in item.outcomes)
        for outcome in item.outcomes:
            lines += _lines(outcome, room, view)
        lines.append("")
    lines.append(_styled(verdict(checked), "31" if any(failed(o) for c in checked for o in c.outcomes) else "32", view))
    text = "\n".join(lines) + "\n"
    return text.replace("→", "->").replace("…", "...").replace("·", ";") if view.ascii else text


def _lines(outcome: Outcome, room: int, view: CheckView) -> list[str]:
    word = SAID[outcome.level]
    left = f"  {_styled(f'{word:<5}', _COLORS[word], view)}  {padded(outcome.rule, room)}  "
    indent = " " * (room + 11)
    messages = [part for text in said(outcome) for part in _wrapped(text, len(indent), view)] or [""]
    lines = [(left + messages[0]).rstrip(), *(indent + message for message in messages[1:])]
    for finding in outcome.findings:
        if finding.diff is not None:
            from ..diff import DiffView  # of a baseline that drifted
            from ..diff.table import render as render_diff

            narrower = None if view.width is None else view.width - 4
            old, new = (side.model.title for side in (finding.diff.old, finding.diff.new))
            title = revisions(outcome) if old == new else ""
            text = render_diff(finding.diff, DiffView(title=title, width=narrower, color=view.color))
            lines += ["", *(f"    {line}".rstrip() for line in text.splitlines()), ""]
    return lines


def _wrapped(text: str, indent: int, view: CheckView) -> list[str]:
    if view.width is None:
        return [text]
    return textwrap.wrap(text, max(view.width - indent, 30), break_long_words=False, break_on_hyphens=False)


def _styled(text: str, code: str, view: CheckView) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if view.color else text
