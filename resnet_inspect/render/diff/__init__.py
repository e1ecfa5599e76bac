"""Comparisons: one file per output format, each ``render(diff, view) -> text``, sharing the words for what changed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from ...diffs import Diff
from ...visible import cleaned

FORMATS = ("table", "json", "markdown", "github", "html")
#: File name endings that name a format.
ENDINGS = {
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
    ".html": "html",
    ".htm": "html",
}


@dataclass(frozen=True, slots=True)
class DiffView:
    """How to show a comparison: ``everything`` is every row, unchanged ones too; ``width`` is a terminal's.

    Differences in one of the ``gates`` (``diffs.KINDS``) are errors, where a format knows such. ``title`` says what is
    compared, if the models' names don't: one model in two revisions. ``place`` is the file, and its line, of the model.
    """

    everything: bool = False
    gates: frozenset[str] = frozenset()
    title: str = ""
    place: tuple[Path, int | None] | None = None
    #: In Markdown, changes that make less than this share of the parameters and of the MACs are folded.
    threshold: float = 0
    width: int | None = None
    color: bool = False
    ascii: bool = False


def render(diff: Diff, output_format: str, view: DiffView) -> str:
    """The document, with a newline at its end."""
    if output_format == "html":
        from ..html.diff import render as page

        return page(diff, view)
    shown = diff if output_format == "json" else cleaned(diff)
    text: str = importlib.import_module(f"{__name__}.{output_format}").render(shown, view)
    return text
