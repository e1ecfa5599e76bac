"""From settings to rules: the same on the command line, in a file and in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import BadRequestError, unknown
from ..quantity import parse, parse_count
from . import BUDGETS, RULES, STRUCTURE
from .drift import Baseline
from .rule import Rule
from .structure import Counted

#: The budgets by the end of their settings: max-params and warn-params.
AMOUNTS = {rule.name.removeprefix("max-"): rule for rule in BUDGETS}


def rules(settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules that ``max-*``, ``warn-*``, ``ignore`` and ``strict`` ask for; those on structure always.

    An amount is an integer, a text (``26M``), or a table of them by part (``{"layer4": "15M"}``).

    Raises:
        BadRequestError: an amount is not valid, or an ignored rule does not exist.
    """
    found: list[Rule] = []
    for amount, rule in AMOUNTS.items():
        read = parse if amount.endswith("memory") else parse_count
        limits, warnings = (_parts(settings.get(f"{kind}-{amount}"), read) for kind in ("max", "warn"))
        for part in dict.fromkeys([*limits, *warnings]):
            if part and not rule.has_parts:
                raise BadRequestError(f"{rule.name} is for the whole model: give an amount without {part}")
            found.append(rule(limits.get(part), part, warnings.get(part)))
    ignored = settings.get("ignore", ())
    if Baseline.name in ignored:
        raise BadRequestError("a baseline is compared where one is given: leave --baseline out to ignore it")
    if wrong := sorted(set(ignored) - set(RULES)):
        raise BadRequestError(unknown("rule", wrong[0], RULES))
    found += [rule() for rule in STRUCTURE if rule.name not in ignored]
    if settings.get("strict"):
        found.append(Counted())
    return tuple(rule for rule in found if rule.name not in ignored)


def _parts(limits: Any, read: Callable[[str], int]) -> dict[str, int]:
    """Part of the model -> amount; the whole model's part is empty."""
    if limits is None:
        return {}
    if not isinstance(limits, Mapping):
        limits = {"": limits}
    return {part: amount if isinstance(amount, int) else read(amount) for part, amount in limits.items()}
