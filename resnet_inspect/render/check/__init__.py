"""What ``check`` found: one file per output format, each ``render(checked, view) -> text``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...checks import Checked, Outcome
from ...visible import cleaned

FORMATS = ("table", "json", "junit", "github", "markdown", "html")
#: File name endings that name a format.
ENDINGS = {
    ".json": "json",
    ".xml": "junit",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
    ".html": "html",
    ".htm": "html",
}


@dataclass(frozen=True, slots=True)
class CheckView:
    """Where it is shown: ``width`` is a terminal's; None where nothing is wrapped. ``threshold`` is ``DiffView``'s."""

    threshold: float = 0
    width: int | None = None
    color: bool = False
    ascii: bool = False


def render(checked: Sequence[Checked], output_format: str, view: CheckView) -> str:
    """The document, with a newline at its end."""
    if output_format == "html":
        from ..html.check import render as page

        return page([replace(_in_lines(item), summary=item.summary) for item in checked])
    shown = checked if output_format == "json" else cleaned([_in_lines(item) for item in checked])
    text: str = importlib.import_module(f"{__name__}.{output_format}").render(shown, view)
    return text


def _in_lines(item: Checked) -> Checked:
    """The same with each message in one line: frameworks' own words have several."""
    outcomes = (
        Outcome(each.rule, tuple(replace(found, message=" ".join(found.message.split())) for found in each.findings))
        for each in item.outcomes
    )
    return replace(item, outcomes=tuple(outcomes), summary=None)
