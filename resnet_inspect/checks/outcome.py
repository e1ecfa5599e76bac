"""What came of a check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..ir import Summary
from .rule import LEVELS, Finding, Rule
from .sizes import Smallest, TriedInput


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule on one model. Nothing found, or notes only, is a pass."""

    rule: str
    findings: tuple[Finding, ...] = ()

    @property
    def level(self) -> str:
        """The worst that was found, or ``pass``."""
        return next((level for level in LEVELS if any(f.level == level for f in self.findings)), "pass")


@dataclass(frozen=True)
class Checked:
    """All that came of one model. ``error_code`` is the exit code of what kept it from being looked at, or 0.

    ``place`` is where somebody would change it: a file and, in one of settings, the line. ``lines`` are those of its
    settings, by name: ``max-macs``, and ``max-macs.layer4`` where a part has a line of its own.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    inputs: tuple[TriedInput, ...] = ()
    smallest: Smallest | None = None
    summary: Summary | None = field(default=None, repr=False)
    error_code: int = 0
    place: tuple[Path, int | None] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every rule is kept."""
        return exit_code([self]) == 0


def judge(rules: Iterable[Rule], summary: Summary) -> tuple[Outcome, ...]:
    """What every rule has to say of a network, but for those on connections where a file has none."""
    asked = [rule for rule in rules if not (rule.on_edges and not summary.has_graph)]
    return tuple(Outcome(rule.label, tuple(rule.check(summary))) for rule in asked)


def exit_code(checked: Sequence[Checked]) -> int:
    """That of what couldn't be looked at, else 1 for a failed rule, else 5 for what ``--strict`` misses."""
    levels = {outcome.level for item in checked for outcome in item.outcomes}
    errors = [item.error_code for item in checked if item.error_code]
    return errors[0] if errors else 1 if levels & {"error", "fail"} else 5 if "strict" in levels else 0
