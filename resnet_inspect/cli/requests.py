"""A request line of ``batch``, and what it asks a backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..answers.source import Source
from ..errors import BadRequestError, unknown
from ..readers.options import SHARED, TEXT
from .building import built

#: The keys of a line that build its model, with the parameters of the options that they are.
_PARAMETERS = {option.name: option.parameter for option in SHARED}


def read_request(fields: Mapping[str, Any]) -> Source:
    """What a request asks a backend; a value that is null isn't given.

    Raises:
        BadRequestError: a key is unknown, a value is of the wrong kind, or they contradict one another.
    """
    for key in fields:
        if key not in ("model", *_PARAMETERS):
            raise BadRequestError(unknown("key", key, ("id", "model", *_PARAMETERS)))
    model = fields.get("model")
    if model is None:
        raise BadRequestError('the request names no model: {"model": "resnet50"}')
    TEXT.check("model", model)
    if Source(model).is_saved:
        raise BadRequestError(f"{model} is a saved summary: a request names a model to build")
    return built(model, **{_PARAMETERS[key]: value for key, value in fields.items() if key != "model"})
