"""Rules that a network has to keep: budgets, structure, no drift from a baseline, inputs that fit.

A rule is a class with its message, docstring and cases, which are its tests and its page (``RULES.md``); its name is
in ``RULES``. ``sizes.py`` finds smallest inputs and dropped rows, ``settings.py`` makes rules of settings.
``answers/examine.py`` runs rules on models, and ``cli/config.py`` reads the file for many.
"""

from __future__ import annotations

from .budgets import TOTALS, Budget
from .drift import Base, Baseline, accept
from .memory import Fits, MaxPeakMemory, MaxTrainingMemory
from .outcome import Checked, Outcome, exit_code, judge
from .rule import LEVELS, Case, Finding, Rule
from .sizes import Smallest, TriedInput, drops, smallest
from .structure import Counted, DeadBranch, EqualSkips, UnusedParameters

#: Rules with a limit, which are options of the command.
BUDGETS: tuple[type[Budget], ...] = (*TOTALS, MaxPeakMemory, MaxTrainingMemory)
_ALL: tuple[type[Rule], ...] = (*BUDGETS, Fits, EqualSkips, UnusedParameters, DeadBranch, Counted, Baseline, Base)
#: Every rule by its name; the budgets are also options of the command.
RULES: dict[str, type[Rule]] = {rule.name: rule for rule in _ALL}

#: What every network has to keep unless it is ignored.
STRUCTURE = (EqualSkips, UnusedParameters, DeadBranch)

__all__ = [
    "BUDGETS",
    "LEVELS",
    "RULES",
    "STRUCTURE",
    "Base",
    "Baseline",
    "Case",
    "Checked",
    "Counted",
    "Finding",
    "Fits",
    "MaxTrainingMemory",
    "Outcome",
    "Rule",
    "Smallest",
    "TriedInput",
    "accept",
    "drops",
    "exit_code",
    "judge",
    "smallest",
]
