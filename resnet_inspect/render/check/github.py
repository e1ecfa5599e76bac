"""Annotations of GitHub's workflow commands: one for each rule that isn't kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...checks import Checked, Outcome
from ..diff import DiffView
from ..diff.github import annotation
from ..diff.table import render as render_diff
from ..diff.words import headlines
from . import CheckView
from .words import failed, finding_words, verdict

#: The setting that a rule comes from, where it has another name.
_SETTINGS = {"input": "inputs", "counted": "strict"}


def _place(item: Checked, outcome: Outcome) -> tuple[Path, int | None] | None:
    """The file, and the line of the setting that isn't kept, or else that of the model."""
    if item.place is None:
        return None
    rule, _, part = outcome.rule.partition(" ")
    setting = _SETTINGS.get(rule, rule)
    if outcome.level == "warn":
        setting = setting.replace("max-", "warn-", 1)
    names = (f"{setting}.{part}", setting)
    return item.place[0], next((item.lines[name] for name in names if name in item.lines), item.place[1])


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """``::error`` for what fails the run, ``::warning`` for a warning, and the verdict as a ``::notice``."""
    lines = []
    for item in checked:
        for outcome in item.outcomes:
            if outcome.level == "pass":
                lines += [
                    annotation("notice", heads[0], "; ".join(heads[1:]), _place(item, outcome))
                    for finding in outcome.findings
                    if finding.diff is not None
                    for heads in [headlines(finding.diff, f"{item.name} {outcome.rule}")]
                ]
                continue
            text = [finding_words(finding) for finding in outcome.findings if finding.level != "note"]
            text += [render_diff(f.diff, DiffView()).rstrip() for f in outcome.findings if f.diff is not None]
            level = "error" if failed(outcome) else "warning"
            lines.append(annotation(level, f"{item.name} {outcome.rule}", "\n".join(text), _place(item, outcome)))
    lines.append(annotation("notice", "resnet-inspect check", verdict(checked)))
    return "\n".join(lines) + "\n"
