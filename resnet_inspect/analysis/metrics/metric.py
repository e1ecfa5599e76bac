"""What a metric is: how a quantity of layers is computed, folded, titled and worded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from ... import units
from ...ir import Layer
from ..facts import Facts

#: The type of an amount. None is unknown.
V = TypeVar("V", bound="int | str | None")


@dataclass(frozen=True, slots=True)
class Metric(Generic[V]):
    """A quantity of layers, and its column in a table.

    ``key`` is the column's name for ``--columns`` and the name of the metric's file. ``of_layer`` computes the amount
    of one layer. ``fold`` makes one amount of several, for the row of a folded module. ``word`` is how people read an
    amount; ``known`` gives the part of an unknown amount that is known, which people see then: ``4.09 G + n/a``.
    """

    key: str
    title: str
    of_layer: Callable[[Layer, Facts], V]
    fold: Callable[[Iterable[V]], V]
    word: Callable[[Any], str] = units.plain
    known: Callable[[Layer], int] | None = None
    #: Numbers are aligned to the right, never shortened, and sorted from the largest.
    number: bool = True
    #: What stands in a file for an exact amount, where its column has another unit.
    written: Callable[[Any], Any] | None = None

    def of(self, layers: Sequence[Layer], facts: Facts) -> V:
        """The exact amount of a row's layers."""
        return self.fold(self.of_layer(layer, facts) for layer in layers)

    def text(self, layers: Sequence[Layer], facts: Facts) -> str:
        """The amount of a row's layers as people read it."""
        amounts = [self.of_layer(layer, facts) for layer in layers]
        if self.known is None or None not in amounts:
            return self.word(self.fold(amounts))
        parts = (
            amount if isinstance(amount, int) else self.known(layer)
            for layer, amount in zip(layers, amounts, strict=True)
        )
        known = sum(parts)
        return f"{self.word(known)} + {units.NOT_AVAILABLE}" if known else units.NOT_AVAILABLE


def largest(amounts: Iterable[int | None]) -> int | None:
    """Folds amounts of which only one counts at a time; None as soon as one is unknown."""
    most = 0
    for amount in amounts:
        if amount is None:
            return None
        most = max(most, amount)
    return most


def last(amounts: Iterable[V]) -> V:
    """Folds amounts that are a module's own at its last layer."""
    *_, amount = amounts
    return amount


class Total(NamedTuple):
    """A quantity of the whole network: a line below its table.

    ``unit`` is what a sentence has behind an amount: 12 ``parameters``, 12 bytes ``of activations``. ``name`` is its
    name in ``ir.Totals``, where it is one of those: then comparisons list it too. ``detail`` is what the line says
    behind the amount.
    """

    label: str
    unit: str
    of: Callable[[Facts], int | None]
    word: Callable[[int | None], str] = units.exact
    name: str | None = None
    detail: Callable[[Facts], str] | None = None
    #: Whether a network has the line; every one has it where nothing is said.
    is_shown: Callable[[Facts], bool] = lambda _: True
    #: Whether it is part of the parameters, and stands below them.
    is_part: Callable[[Facts], bool] = lambda _: False

    def line(self, facts: Facts) -> tuple[str, str]:
        """The label and the text of its line."""
        return f"  {self.label.lower()}" if self.is_part(facts) else self.label, self.text(facts)

    def text(self, facts: Facts) -> str:
        """The amount as people read it, and its detail."""
        return self.word(self.of(facts)) + (self.detail(facts) if self.detail else "")
