"""GitHub-flavoured Markdown, for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from ...checks import Checked
from ..diff import DiffView
from ..diff.markdown import render as render_diff
from ..markdown import escape, table_row
from . import CheckView
from .words import SAID, said, verdict


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """The verdict, a table of all rules, and what differs from baselines."""
    lines = [f"### {verdict(checked)}", "", table_row(["Model", "Rule", "", "Found"]), table_row([":---"] * 4)]
    for item in checked:
        for outcome in item.outcomes:
            word = SAID[outcome.level]
            cells = [item.name, outcome.rule, f"**{word}**" if word != "ok" else word]
            lines.append(table_row([*map(escape, cells[:2]), cells[2], "<br>".join(map(escape, said(outcome)))]))
    for item in checked:
        for outcome in item.outcomes:
            for finding in outcome.findings:
                if finding.diff is not None:
                    lines += ["", render_diff(finding.diff, DiffView()).rstrip()]
    return "\n".join(lines) + "\n"
