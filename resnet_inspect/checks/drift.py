"""Drift: how a network differs from one that was accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from ..diffs import KINDS, compare
from ..errors import InputError
from ..ir import Summary
from .rule import Case, Finding, Rule, layer, network

_OLD = network(layer("conv", "conv2d", params=36))
_NEW = network(layer("conv", "conv2d", params=72))


def accept(old: Summary | None, new: Summary, reason: str) -> Summary:
    """What becomes the baseline: ``new`` with the reason added to those of ``old``, or ``old`` if nothing differs."""
    if old is not None and old.model.backend == new.model.backend and not compare(old, new, any_input=True).kinds:
        return old
    return replace(new, reasons=(*(old.reasons if old else ()), reason))


@dataclass(frozen=True, slots=True)
class Baseline(Rule):
    """The network is the one that was accepted.

    As `diff BASELINE MODEL` with gates: by default any difference fails, with `--fail-on params,shapes` only those do
    and the others warn. `--update-baseline --reason "..."` accepts what there is now.
    """

    baseline: Summary
    fail_on: frozenset[str] = frozenset(KINDS)

    name: ClassVar[str] = "baseline"
    message: ClassVar[str] = "differs from its baseline in {kinds}: {counts}"
    valid: ClassVar[tuple[Case, ...]] = (Case("the same", _OLD, {"baseline": _OLD}),)
    invalid: ClassVar[tuple[Case, ...]] = (
        Case("more parameters", _NEW, {"baseline": _OLD}),
        Case("another input", replace(_NEW, inputs=()), {"baseline": _OLD}),
    )

    def check(self, summary: Summary) -> Iterator[Finding]:
        try:
            diff = compare(self.baseline, summary)
        except InputError as error:
            # What the sentence after it advises are options of diff.
            said = str(error).partition(". ")[0]
            yield Finding("error", f"can't be compared with its baseline: {said}; check it at the baseline's input")
            return
        if diff.kinds:
            named = ((status, len(diff.of(status))) for status in ("added", "removed", "changed", "moved", "renamed"))
            counts = ", ".join(f"{count} {status}" for status, count in named if count) or "no layer"
            level = "fail" if diff.kinds & self.fail_on else "warn"
            kinds = ", ".join(kind for kind in KINDS if kind in diff.kinds)
            yield Finding(level, self.message.format(kinds=kinds, counts=counts), diff=diff)
