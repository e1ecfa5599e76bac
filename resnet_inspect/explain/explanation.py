"""What an explanation consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..ops.formula import Formula


class Derivation(NamedTuple):
    """A number and where it comes from. ``quantity`` names it as JSON does; without a formula, nobody derived it."""

    quantity: str
    title: str
    result: int
    formula: Formula | None = None
    symbols: tuple[tuple[str, int], ...] = ()


class Table(NamedTuple):
    """Rows of exact values by column, and how people read each: (key, title, whether it is a number)."""

    columns: tuple[tuple[str, str, bool], ...]
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a title: formulas, sentences, a table; each may be missing."""

    title: str
    derivations: tuple[Derivation, ...] = ()
    sentences: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class Explanation:
    """``kind`` is layer, module, network, pair, family or terms; ``facts`` are what JSON has beside the sections."""

    kind: str
    title: str
    sections: tuple[Section, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """All of them, in their order."""
        return tuple(found for section in self.sections for found in section.derivations)
