"""What was found, in words; formats only lay them out."""

from __future__ import annotations

from collections.abc import Sequence

from ...checks import Base, Checked, Finding, Outcome

#: Level -> what is shown for it.
SAID = {"pass": "ok", "warn": "warn", "strict": "FAIL", "fail": "FAIL", "error": "ERROR"}


def finding_words(finding: Finding) -> str:
    """The layer, where it is about one that the message doesn't name already, and the message."""
    named = finding.layer is None or finding.layer in finding.message
    return finding.message if named else f"{finding.layer}: {finding.message}"


def said(outcome: Outcome) -> list[str]:
    """Everything that there is to say of one rule."""
    return [finding_words(finding) for finding in outcome.findings]


def revisions(outcome: Outcome) -> str:
    """What is compared, ``main → this branch``; empty for a baseline."""
    rule, _, revision = outcome.rule.partition(" ")
    return f"{revision.removesuffix('...')} → this branch" if rule == Base.name else ""


def failed(outcome: Outcome) -> bool:
    """Whether the run fails because of it."""
    return outcome.level in ("error", "fail", "strict")


def verdict(checked: Sequence[Checked]) -> str:
    """``2 models, 9 checks: 7 passed, 1 failed, 1 warning``."""
    levels = [outcome.level for item in checked for outcome in item.outcomes]
    errors, warnings = levels.count("error"), levels.count("warn")
    fails = levels.count("fail") + levels.count("strict")
    parts = [f"{levels.count('pass')} passed", f"{fails} failed"]
    parts += [f"{errors} couldn't be looked at"] if errors else []
    parts += [f"{warnings} {'warning' if warnings == 1 else 'warnings'}"] if warnings else []
    models = f"{len(checked)} {'model' if len(checked) == 1 else 'models'}"
    return f"{models}, {len(levels)} {'check' if len(levels) == 1 else 'checks'}: {', '.join(parts)}"
