"""Annotations of GitHub's workflow commands: one for each rule that isn't kept."""

from __future__ import annotations

from collections.abc import Sequence

from ...checks import Checked
from ..diff import DiffView
from ..diff.github import annotation
from ..diff.table import render as render_diff
from . import CheckView
from .words import failed, finding_words, verdict


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """``::error`` for what fails the run, ``::warning`` for a warning, and the verdict as a ``::notice``."""
    lines = []
    for item in checked:
        for outcome in item.outcomes:
            if outcome.level == "pass":
                continue
            text = [finding_words(finding) for finding in outcome.findings if finding.level != "note"]
            text += [render_diff(f.diff, DiffView()).rstrip() for f in outcome.findings if f.diff is not None]
            level = "error" if failed(outcome) else "warning"
            lines.append(annotation(level, f"{item.name} {outcome.rule}", "\n".join(text), item.place))
    lines.append(annotation("notice", "resnet-inspect check", verdict(checked)))
    return "\n".join(lines) + "\n"
