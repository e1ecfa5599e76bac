"""The page of the rules, made from the rules themselves: ``check --rules``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...checks import RULES, Case
from ...ir import Summary


def page() -> str:
    """Markdown: each rule with its docstring, and the cases that it lets pass and finds."""
    lines = ["# Rules of `resnet-inspect check`", "", "Made from the rules: `resnet-inspect check --rules`."]
    for name, rule in RULES.items():
        lines += ["", f"## {name}", "", rule.explanation()]
        lines += ["", *_cases("Passes", rule.valid), *_cases("Is found", rule.invalid)]
    return "\n".join(lines) + "\n"


def _cases(title: str, cases: Sequence[Case]) -> list[str]:
    return [f"- {title}: {case.title}{_settings(case.settings)}" for case in cases]


def _settings(settings: Any) -> str:
    plain = [f"{key}={value!r}" for key, value in settings.items() if not isinstance(value, Summary)]
    return f" ({', '.join(plain)})" if plain else ""
