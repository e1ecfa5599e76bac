"""Annotations of GitHub's workflow commands: one for the whole, one for each line that changed."""

from __future__ import annotations

from ...diffs import Diff
from . import DiffView
from .words import headlines, lines

#: GitHub shows ten annotations of a step; the rest is in the job summary.
_MOST = 9


def render(diff: Diff, view: DiffView) -> str:
    """``::error`` where a gate is hit, ``::notice`` otherwise."""
    level = "error" if diff.kinds & view.gates else "notice"
    heads = headlines(diff)
    text = [annotation(level, heads[0], "; ".join(heads[1:]))]
    found = lines(diff, everything=False)
    text += [annotation(level, line.layer, " · ".join((line.type, *line.words))) for line in found[:_MOST]]
    return "\n".join(text) + "\n"


def annotation(level: str, title: str, message: str) -> str:
    """One workflow command, escaped as GitHub's own toolkit does."""
    for special, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        title, message = title.replace(special, code), message.replace(special, code)
    title = title.replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{message}"
