"""``Answer`` <-> plain dicts: what crosses from a child, and what is kept from run to run."""

from __future__ import annotations

from typing import Any

from .. import ir_json
from ..readers.request import Answer, Metric


def to_dict(answer: Answer) -> dict[str, Any]:
    """What ``from_dict`` reads, of JSON's types alone."""
    return {
        "summary": ir_json.dumps(answer.summary),
        "notes": list(answer.notes),
        "metrics": [metric._asdict() for metric in answer.metrics],
    }


def from_dict(document: dict[str, Any], ours: bool = False) -> Answer:
    """The answer that ``to_dict`` was given; ``ours`` as for ``ir_json.loads``."""
    metrics = tuple(Metric(**fields) for fields in document["metrics"])
    return Answer(ir_json.loads(document["summary"], ours), tuple(document["notes"]), metrics)
