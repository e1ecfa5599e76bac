"""From settings to rules: the same on the command line, in a file and in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..analysis.training.plan import USUAL, Plan
from ..devices import Device, device
from ..errors import BadRequestError, unknown
from ..quantity import parse, parse_count
from . import BUDGETS, RULES, STRUCTURE, Fits, MaxTrainingMemory
from .drift import Base, Baseline
from .rule import Rule
from .structure import Counted

#: The budgets by the end of their settings: max-params and warn-params.
AMOUNTS = {rule.name.removeprefix("max-"): rule for rule in BUDGETS}


def rules(settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules that ``max-*``, ``warn-*``, ``fits``, ``ignore`` and ``strict`` ask for; those on structure always.

    An amount is an integer, a text (``26M``), or a table of them by part (``{"layer4": "15M"}``). ``fits`` has devices
    or names of them, ``train`` is how the network is trained: the fields of a ``Plan``, or True.

    Raises:
        BadRequestError: an amount is not valid, or an ignored rule does not exist.
    """
    plan = _plan(settings.get("train"))
    found: list[Rule] = []
    for amount, rule in AMOUNTS.items():
        read = parse if amount.endswith("memory") else parse_count
        limits, warnings = (_parts(settings.get(f"{kind}-{amount}"), read) for kind in ("max", "warn"))
        for part in dict.fromkeys([*limits, *warnings]):
            if part and not rule.has_parts:
                raise BadRequestError(f"{rule.name} is for the whole model: give an amount without {part}")
            amounts = (limits.get(part), part, warnings.get(part))
            found.append(rule(*amounts, plan or USUAL) if rule is MaxTrainingMemory else rule(*amounts))
    found += [Fits(each if isinstance(each, Device) else device(each), plan) for each in settings.get("fits", ())]
    ignored = settings.get("ignore", ())
    for name in (Baseline.name, Base.name):
        if name in ignored:
            raise BadRequestError(f"a {name} is compared where one is given: leave --{name} out to ignore it")
    if wrong := sorted(set(ignored) - set(RULES)):
        raise BadRequestError(unknown("rule", wrong[0], RULES))
    found += [rule() for rule in STRUCTURE if rule.name not in ignored]
    if settings.get("strict"):
        found.append(Counted())
    return tuple(rule for rule in found if rule.name not in ignored)


def _plan(said: Any) -> Plan | None:
    """How a network is trained, None for inference; ``True`` is the usual way."""
    if not said or isinstance(said, Plan):
        return said or None
    if said is True:
        return USUAL
    fields: dict[str, Any] = {
        name.replace("-", "_"): tuple(value) if isinstance(value, list) else value for name, value in said.items()
    }
    return replace(USUAL, **fields)


def _parts(limits: Any, read: Callable[[str], int]) -> dict[str, int]:
    """Part of the model -> amount; the whole model's part is empty."""
    if limits is None:
        return {}
    if not isinstance(limits, Mapping):
        limits = {"": limits}
    return {part: amount if isinstance(amount, int) else read(amount) for part, amount in limits.items()}
