"""The findings as a JSON document, for programs.

History of ``schema_version`` (the JSON Schema of each stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...checks import Checked, Finding, TriedInput, exit_code
from ...visible import in_json
from ..diff.json import to_dict as diff_dict
from . import CheckView

SCHEMA_VERSION = 1


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """The document; levels are ``pass``, ``warn``, ``strict``, ``fail`` and ``error``, of findings ``note``, too."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "passed": exit_code(checked) == 0,
        "exit_code": exit_code(checked),
        "models": [_model(item) for item in checked],
    }
    return in_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _model(item: Checked) -> dict[str, Any]:
    return {
        "name": item.name,
        "checks": [
            {"rule": outcome.rule, "level": outcome.level, "findings": [_finding(f) for f in outcome.findings]}
            for outcome in item.outcomes
        ],
        "inputs": [_input(tried) for tried in item.inputs],
        "smallest": asdict(item.smallest) if item.smallest else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "message": finding.message,
        "layer": finding.layer,
        "diff": None if finding.diff is None else diff_dict(finding.diff),
    }


def _input(tried: TriedInput) -> dict[str, Any]:
    outputs = None if tried.summary is None else [tensor.shape for tensor in tried.summary.outputs]
    return {
        "input": tried.given,
        "fits": tried.summary is not None,
        "output_shapes": outputs,
        "layer": tried.layer,
        "problem": tried.problem,
        "advice": tried.advice,
    }
