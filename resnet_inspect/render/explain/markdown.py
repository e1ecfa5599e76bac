"""An explanation as GitHub's Markdown; formulas are its mathematics, where no letter is a sign of Markdown."""

from __future__ import annotations

import re

from ...explain.explanation import Derivation, Explanation, Section
from ...visible import cleaned
from ..markdown import escape, table_row
from . import cells, legend, merged, shown


def document(explanation: Explanation) -> str:
    """Sections with headings, formulas and sentences as lists."""
    explanation = cleaned(explanation)
    lines = [f"## {escape(explanation.title)}"]
    for section in explanation.sections:
        lines += ["", f"### {escape(section.title)}", ""] if len(explanation.sections) > 1 else [""]
        lines += _section(section)
    if found := legend(explanation):
        lines += ["", "### Symbols", "", *(f"- $`{_tex(name)}`$: {escape(meaning)}" for name, meaning in found)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    lines = [_line(derivation) for derivation in merged(section.derivations)]
    if section.table is not None:
        titles = [escape(title) for _, title, _ in section.table.columns]
        sides = ["---:" if number else ":---" for *_, number in section.table.columns]
        lines += [table_row(titles), table_row(sides)]
        lines += [table_row([escape(cell) for cell in row]) for row in cells(section.table)]
        lines += [""] if section.sentences else []
    return lines + [f"- {escape(sentence)}" for sentence in section.sentences]


def _line(derivation: Derivation) -> str:
    formula, substituted, result = shown(derivation)
    if not formula:
        return f"- {derivation.title}: {result} (no formula)"
    return f"- {derivation.title}: $`{_tex(formula)} = {_tex(substituted)} = {result.replace(',', '{,}')}`$"


_BRACKETS = {"floor(": (r"\lfloor ", r" \rfloor"), "ceil(": (r"\lceil ", r" \rceil")}


def _tex(formula: str) -> str:
    """A formula as TeX: ``floor((H + 2*p_h)/s_h)`` is ``\\lfloor (H + 2 \\cdot p_{h})/s_{h} \\rfloor``."""
    found: list[str] = []
    closing: list[str] = []
    for part in re.findall(r"floor\(|ceil\(|[A-Za-z]\w*|\d+|.", formula):
        if part in _BRACKETS:
            begin, end = _BRACKETS[part]
            closing.append(end)
            found.append(begin)
        elif part == "(":
            closing.append(")")
            found.append(part)
        elif part == ")":
            found.append(closing.pop())
        elif part == "*":
            found.append(r" \cdot ")
        else:
            found.append(_symbol(part) if part[0].isalpha() else part)
    return "".join(found)


def _symbol(name: str) -> str:
    letter, _, index = name.partition("_")
    if len(letter) == 1:
        index = rf"\text{{{index}}}" if len(index) > 1 else index
        return f"{letter}_{{{index}}}" if index else letter
    escaped = name.replace("_", r"\_")
    return rf"\text{{{escaped}}}"
