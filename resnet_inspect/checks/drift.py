"""Drift: how a network differs from one that was accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from ..diffs import KINDS, Diff, compare
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
            level = "fail" if diff.kinds & self.fail_on else "warn"
            yield Finding(level, self.message.format(**_words(diff)), diff=diff)


@dataclass(frozen=True, slots=True)
class Base(Rule):
    """The network is compared with what it was at another git revision.

    As `diff --base REVISION MODEL`, for what a branch does: `check --base origin/main...` needs no committed baseline.
    A difference is a note; with `--fail-on params,shapes`, one of those kinds fails.
    """

    base: Summary
    revision: str = "HEAD"
    fail_on: frozenset[str] = frozenset()

    name: ClassVar[str] = "base"
    message: ClassVar[str] = "differs from {revision} in {kinds}: {counts}"
    valid: ClassVar[tuple[Case, ...]] = (
        Case("the same", _OLD, {"base": _OLD}),
        Case("more parameters, which may change", _NEW, {"base": _OLD}),
    )
    invalid: ClassVar[tuple[Case, ...]] = (
        Case("more parameters, which may not change", _NEW, {"base": _OLD, "fail_on": frozenset(["params"])}),
    )

    @property
    def label(self) -> str:
        return f"base {self.revision}"

    def check(self, summary: Summary) -> Iterator[Finding]:
        diff = compare(self.base, summary, any_input=True)
        if not diff.kinds:
            yield Finding("note", f"as it is at {self.revision}")
        else:
            level = "fail" if diff.kinds & self.fail_on else "note"
            yield Finding(level, self.message.format(revision=self.revision, **_words(diff)), diff=diff)


def _words(diff: Diff) -> dict[str, str]:
    """In what two networks differ, and in how many layers."""
    named = ((status, len(diff.of(status))) for status in ("added", "removed", "changed", "moved", "renamed"))
    counts = ", ".join(f"{count} {status}" for status, count in named if count) or "no layer"
    return {"kinds": ", ".join(kind for kind in KINDS if kind in diff.kinds), "counts": counts}
