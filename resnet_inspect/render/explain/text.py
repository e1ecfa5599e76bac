"""An explanation for a terminal or a pipe: formulas, sentences and tables under the titles of their sections."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ...explain.explanation import Explanation, Section, Table
from ...visible import cleaned
from ..grid import grid, hidden_columns, labelled
from ..report import ReportColumn
from . import cells, legend, merged, shown


def document(explanation: Explanation, width: int | None, color: bool, ascii_only: bool) -> str:
    """Lines are wrapped at ``width``; a formula that is too long goes on below, at its equals signs."""
    explanation = cleaned(explanation)
    lines = [_bold(explanation.title, color)]
    for section in explanation.sections:
        if len(explanation.sections) > 1:
            lines += ["", _bold(section.title, color)]
        lines += _section(section, width, color, ascii_only)
    if found := legend(explanation):
        lines += ["", _bold("Symbols", color)]
        lines += labelled([(f"  {name}", meaning) for name, meaning in found], width).splitlines()
    return "\n".join(lines) + "\n"


def _bold(text: str, color: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if color else text


def _section(section: Section, width: int | None, color: bool, ascii_only: bool) -> Iterator[str]:
    derivations = merged(section.derivations)
    room = max((len(derivation.title) for derivation in derivations), default=0)
    for derivation in derivations:
        parts = [part for part in shown(derivation) if part]
        begin = f"  {derivation.title:<{room}}  "
        if derivation.formula is None:
            parts = [f"{parts[0]} (no formula)"]
        line = begin + " = ".join(parts)
        if width is None or len(line) <= width:
            yield line
        else:
            yield begin + parts[0]
            for part in parts[1:]:
                yield from _wrapped(f"= {part}", width, " " * len(begin))
    if section.table is not None:
        yield from _table(section.table, width, color, ascii_only)
    for sentence in section.sentences:
        yield from _wrapped(sentence.replace("…", "...") if ascii_only else sentence, width, "  ")


def _wrapped(text: str, width: int | None, begin: str) -> list[str]:
    if width is None:
        return [begin + text]
    return textwrap.wrap(
        text, max(width, 20 + len(begin)), initial_indent=begin, subsequent_indent=begin + "  ", break_on_hyphens=False
    )


def _table(table: Table, width: int | None, color: bool, ascii_only: bool) -> list[str]:
    columns = tuple(ReportColumn(key, title, number=number) for key, title, number in table.columns)
    text, hidden = grid(columns, cells(table), width=width, color=color, ascii_only=ascii_only)
    return (text + labelled(hidden_columns(hidden), width)).splitlines()
