"""Lines for a terminal or a pipe: wrapped to the width of the first, never in the second."""

from __future__ import annotations

import textwrap

from ...diffs import Diff
from ...units import NOT_AVAILABLE
from ..width import padded, width
from . import DiffView
from .words import headlines, lines, totals

_COLORS = {"+": "32", "-": "31", "~": "33", ">": "36"}


def render(diff: Diff, view: DiffView) -> str:
    """Headlines, totals, and a line for each difference."""
    heads = headlines(diff, view.title)
    text = [_bold(heads[0], view), *heads[1:]]
    if rows := totals(diff, view.everything):
        cells = [("", "Old", "New", "Difference", ""), *((*r[:4], "" if r[4] == NOT_AVAILABLE else r[4]) for r in rows)]
        widths = [max(width(row[column]) for row in cells) for column in range(5)]
        text.append("")
        for label, *numbers in cells:
            right = "  ".join(f"{number:>{width}}" for number, width in zip(numbers, widths[1:], strict=True))
            text.append(f"{label:<{widths[0]}}  {right}".rstrip())
    if found := lines(diff, view.everything):
        layers = max(width(line.layer) for line in found)
        types = max(width(line.type) for line in found)
        if view.width is not None:
            layers = min(layers, view.width // 2)
            types = min(types, 20)
        text.append("")
        for line in found:
            left = f"{line.sign} {padded(line.layer, layers)}  {padded(line.type, types)}".rstrip()
            room = padded(left, layers + types + 4)
            text.append(_colored(_wrapped(f"{room}  ", " · ".join(line.words), view), line.sign, view))
    result = "\n".join(text) + "\n"
    return result.replace("→", "->").replace("…", "...").replace("·", ";") if view.ascii else result


def _wrapped(left: str, words: str, view: DiffView) -> str:
    if view.width is None or width(left + words) <= view.width:
        return (left + words).rstrip()
    wrapped = textwrap.wrap(words, max(view.width - 6, 20), break_long_words=False, break_on_hyphens=False)
    return "\n".join([left.rstrip(), *(" " * 6 + part for part in wrapped)])


def _bold(text: str, view: DiffView) -> str:
    return f"\x1b[1m{text}\x1b[0m" if view.color else text


def _colored(text: str, sign: str, view: DiffView) -> str:
    return f"\x1b[{_COLORS[sign]}m{text}\x1b[0m" if view.color and sign in _COLORS else text
