"""Annotations of GitHub's workflow commands: one for the whole, one for each line that changed."""

from __future__ import annotations

from pathlib import Path

from ...diffs import Diff
from . import DiffView
from .words import headlines, lines

#: GitHub shows ten annotations of a step; the rest is in the job summary.
_MOST = 9


def render(diff: Diff, view: DiffView) -> str:
    """``::error`` where a gate is hit, ``::notice`` otherwise."""
    level = "error" if diff.kinds & view.gates else "notice"
    heads = headlines(diff, view.title)
    text = [annotation(level, heads[0], "; ".join(heads[1:]), view.place)]
    found = lines(diff, everything=False)
    text += [annotation(level, line.layer, " · ".join((line.type, *line.words)), view.place) for line in found[:_MOST]]
    return "\n".join(text) + "\n"


def annotation(level: str, title: str, message: str, place: tuple[Path, int | None] | None = None) -> str:
    """One workflow command, escaped as GitHub's own toolkit does; beside a file's line, if there is a ``place``."""
    properties = {"title": title}
    if place is not None:
        file, line = place
        # GitHub knows paths from the checkout on, which is where a job's commands run.
        here = Path.cwd()
        shown = file.resolve().relative_to(here) if file.resolve().is_relative_to(here) else file
        properties = {"file": shown.as_posix(), **({"line": str(line)} if line else {}), **properties}
    texts = ",".join(f"{key}={_escaped(value, (':', '%3A'), (',', '%2C'))}" for key, value in properties.items())
    return f"::{level} {texts}::{_escaped(message)}"


def _escaped(text: str, *more: tuple[str, str]) -> str:
    for special, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), *more):
        text = text.replace(special, code)
    return text
