"""What a model is given, as people say it: shapes, names and types, JSON, or a function of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import BadRequestError
from ..shape import parse_shape


def read_inputs(texts: Sequence[str], tree: str | None = None, function: str | None = None) -> dict[str, Any]:
    """``--input``, ``--input-json`` and ``--input-from`` as the fields of a ``Request``.

    Plain shapes are read as the model needs them (a batch is added, NHWC turned); with a name or a type, all are taken
    as they stand.

    Raises:
        BadRequestError: one of them is no input, or two of the options were given.
    """
    given = [name for name, value in (("--input", texts), ("--input-json", tree), ("--input-from", function)) if value]
    if len(given) > 1:
        raise BadRequestError(f"{' and '.join(given)} both say what the model reads: give one of them")
    if tree:
        from ..call import Call

        return {"call": Call.from_json(tree).to_json()}
    if any("=" in text or ":" in text for text in texts):
        from ..call import of_inputs

        return {"call": of_inputs(texts).to_json()}
    return {"inputs": tuple(map(parse_shape, texts)), "inputs_from": function or None}
