"""What analyses find out about a whole network, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from ..ir import Summary, Totals

T = TypeVar("T")


class Facts:
    """One network and the results of its analyses. Each analysis runs at most once."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self._results: dict[Callable[[Summary], Any], Any] = {}

    def of(self, analysis: Callable[[Summary], T]) -> T:
        """The result of an analysis: ``facts.of(live_bytes)["layer1.0.conv1"]``."""
        if analysis not in self._results:
            self._results[analysis] = analysis(self.summary)
        found: T = self._results[analysis]
        return found

    @cached_property
    def totals(self) -> Totals:
        """The sums that the IR itself has."""
        return self.summary.totals
