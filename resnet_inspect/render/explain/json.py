"""An explanation as JSON, for programs. Symbols have their numbers, and nothing is rounded.

History of ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

import json
from typing import Any

from ...explain.explanation import Derivation, Explanation
from ...visible import in_json

SCHEMA_VERSION = 1


def document(explanation: Explanation) -> str:
    """The text of the document."""
    found = {
        "schema_version": SCHEMA_VERSION,
        "kind": explanation.kind,
        "title": explanation.title,
        **explanation.facts,
        "sections": [
            {
                "title": section.title,
                "derivations": [_derivation(each) for each in section.derivations],
                "sentences": list(section.sentences),
                "rows": list(section.table.rows) if section.table else [],
            }
            for section in explanation.sections
        ],
    }
    return in_json(json.dumps(found, indent=2, ensure_ascii=False)) + "\n"


def _derivation(derivation: Derivation) -> dict[str, Any]:
    formula = derivation.formula
    return {
        "quantity": derivation.quantity,
        "result": derivation.result,
        "formula": formula.text if formula else None,
        "symbols": dict(derivation.symbols),
        "substituted": formula.substituted(dict(derivation.symbols)) if formula else None,
        "source": formula.source if formula else None,
    }
