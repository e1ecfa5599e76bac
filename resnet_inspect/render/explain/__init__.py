"""Explanations as documents: ``text.py`` for a terminal, ``markdown.py`` with GitHub's formulas, ``json.py``."""

from __future__ import annotations

from typing import Any

from ... import units
from ...explain.explanation import Derivation, Explanation, Table
from ...explain.symbols import meaning

FORMATS = ("table", "markdown", "json")
#: File name endings that name a format.
ENDINGS = {".txt": "table", ".md": "markdown", ".markdown": "markdown", ".json": "json"}


def render(
    explanation: Explanation,
    output_format: str,
    width: int | None = None,
    color: bool = False,
    ascii_only: bool = False,
) -> str:
    """The document, with a newline at its end."""
    if output_format == "json":
        from .json import document

        return document(explanation)
    if output_format == "markdown":
        from .markdown import document as markdown

        return markdown(explanation)
    from .text import document as text

    return text(explanation, width, color, ascii_only)


def cells(table: Table) -> list[list[str]]:
    """The rows as people read them: exact numbers, n/a for what isn't known."""
    return [[_cell(row[key], number) for key, _, number in table.columns] for row in table.rows]


def _cell(value: Any, number: bool) -> str:
    if value is None:
        return units.NOT_AVAILABLE if number else ""
    return units.plain(value)


def legend(explanation: Explanation) -> list[tuple[str, str]]:
    """Symbols of the formulas that are shown and what they are, each once, in the order in which formulas name them."""
    shown_ones = [each for section in explanation.sections for each in merged(section.derivations)]
    names = dict.fromkeys(name for derivation in shown_ones for name, _ in derivation.symbols)
    return [(name, meaning(name)) for name in names]


def merged(derivations: tuple[Derivation, ...]) -> list[Derivation]:
    """Dimensions with the same numbers as one line: ``output height and width``."""
    found: list[Derivation] = []
    for each in derivations:
        last = found[-1] if found else None
        if last is not None and each.quantity.startswith("output_") and shown(each)[1:] == shown(last)[1:]:
            found[-1] = last._replace(title=f"{last.title} and {each.title.removeprefix('output ')}")
        else:
            found.append(each)
    return found


def shown(derivation: Derivation) -> tuple[str, str, str]:
    """The formula, the formula with its numbers, the result; the first two are empty where there is none."""
    result = units.exact(derivation.result)
    formula = derivation.formula
    if formula is None:
        return "", "", result
    return formula.text, formula.substituted(dict(derivation.symbols)), result
