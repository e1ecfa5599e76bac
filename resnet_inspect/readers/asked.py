"""The call that a request asks for, where it says more than shapes in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..call import Call
from ..errors import ModelError
from .code.user_code import attribute, theirs
from .request import Request


def asked_call(request: Request, holds_tensors: Callable[[Any], bool]) -> Call | None:
    """``--input-json``, named inputs, or what the user's function returns; None where shapes say it all.

    A function's dict is keyword arguments, its tuple positional ones, anything else one. ``holds_tensors`` tells
    whether a framework finds any of its tensors in a value.

    Raises:
        BadRequestError: the JSON is no call.
        ModelError: there is no such function, it fails, or returns no tensor.
    """
    if request.inputs_from is None:
        return Call.from_json(request.call) if request.call else None
    function = attribute(request.inputs_from)
    with theirs(request.inputs_from):
        found = function() if callable(function) else function
    if not holds_tensors(found):
        raise ModelError(f"{request.inputs_from} returns no tensor but a {type(found).__name__}")
    if isinstance(found, Mapping):
        return Call((), tuple(found.items()))
    return Call(found if type(found) is tuple else (found,))
