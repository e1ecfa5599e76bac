"""The summary as a JSON document, for programs: every layer, nothing rounded or left out."""

from __future__ import annotations

from ..ir import Summary
from ..ir_json import dumps
from . import View


def render(summary: Summary, view: View) -> str:
    """The document of the schema in ``schemas/``. It is the same for every view."""
    return dumps(summary)
