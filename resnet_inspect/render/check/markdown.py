"""GitHub-flavoured Markdown, for a comment on a pull request: the verdict, what isn't kept, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...checks import Checked, Outcome
from ..diff import DiffView
from ..diff.markdown import folded
from ..diff.markdown import render as render_diff
from ..markdown import escape, table_row
from . import CheckView
from .words import SAID, revisions, said, verdict


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """The verdict, a table of what isn't kept, what differs from baselines and bases; folded, what is kept."""
    found = [(item, outcome) for item in checked for outcome in item.outcomes]
    kept = [(item, outcome) for item, outcome in found if outcome.level == "pass"]
    lines = [f"### {verdict(checked)}"]
    if len(kept) < len(found):
        lines += ["", *_table([each for each in found if each not in kept])]
    for item, outcome in found:
        for finding in outcome.findings:
            if finding.diff is not None:
                shown = DiffView(title=_title(item, outcome), threshold=view.threshold)
                lines += ["", "#" + render_diff(finding.diff, shown).rstrip()]
    if kept:
        lines += folded(f"{len(kept):,} {'check' if len(kept) == 1 else 'checks'} passed", _table(kept))
    return "\n".join(lines) + "\n"


def _title(item: Checked, outcome: Outcome) -> str:
    return f"{item.name}: {revisions(outcome) or 'baseline → now'}"


def _table(found: Sequence[tuple[Checked, Outcome]]) -> Iterator[str]:
    yield table_row(["Model", "Rule", "", "Found"])
    yield table_row([":---"] * 4)
    for item, outcome in found:
        word = SAID[outcome.level]
        cells = [item.name, outcome.rule, f"**{word}**" if word != "ok" else word]
        yield table_row([*map(escape, cells[:2]), cells[2], "<br>".join(map(escape, said(outcome)))])
