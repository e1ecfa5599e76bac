"""What is to be checked, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..backends.source import Source
from ..ir import Summary
from .rule import LEVELS, Finding, Rule
from .sizes import Fit, Smallest


@dataclass(frozen=True)
class Target:
    """One model: where it comes from, the rules that it has to keep, and the inputs that have to fit."""

    name: str
    source: Source
    rules: tuple[Rule, ...] = ()
    #: Each a full set of the model's inputs: the text, and the parsed shapes.
    inputs: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...] = ()
    find_min: bool = False
    baseline: str | None = None
    fail_on: frozenset[str] | None = None
    timeout: float | None = None


@dataclass(frozen=True)
class Outcome:
    """One rule on one model: nothing found is a pass."""

    model: str
    rule: str
    findings: tuple[Finding, ...] = ()

    @property
    def level(self) -> str:
        """The worst that was found, or ``pass``."""
        return next((level for level in LEVELS if any(f.level == level for f in self.findings)), "pass")


@dataclass(frozen=True)
class Checked:
    """All that came of a target. ``exit_code`` is that of the error that kept it from being looked at."""

    name: str
    outcomes: tuple[Outcome, ...]
    fits: tuple[Fit, ...] = ()
    smallest: Smallest | None = None
    summary: Summary | None = field(default=None, repr=False)
    exit_code: int = 0


def exit_code(checked: Sequence[Checked]) -> int:
    """The error of what couldn't be looked at, else 1 for a failed rule, else 5 for what ``--strict`` misses."""
    levels = {outcome.level for item in checked for outcome in item.outcomes}
    errors = [item.exit_code for item in checked if item.exit_code]
    return errors[0] if errors else 1 if levels & {"error", "fail"} else 5 if "strict" in levels else 0
