"""The call that a request asks for, where it has more than shapes in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..call import Call
from ..errors import ModelError
from .code.user_code import attribute, theirs
from .inputs import CallJson, UserFunction
from .request import Request


def asked_call(request: Request, holds_tensors: Callable[[Any], bool]) -> Call | None:
    """``--input-json``, named inputs, or what the user's function returns; None for plain shapes.

    A function's dict is keyword arguments, its tuple positional ones, anything else one. ``holds_tensors`` says
    whether a framework finds any of its tensors in a value.

    Raises:
        BadRequestError: the JSON is not a call.
        ModelError: there is no such function, it fails, or does not return a tensor.
    """
    inputs = request.inputs
    if isinstance(inputs, CallJson):
        return Call.from_json(inputs.text)
    if not isinstance(inputs, UserFunction):
        return None
    function = attribute(inputs.reference)
    with theirs(inputs.reference):
        found = function() if callable(function) else function
    if not holds_tensors(found):
        raise ModelError(f"{inputs.reference} must return a tensor, got {type(found).__name__}")
    if isinstance(found, Mapping):
        return Call((), tuple(found.items()))
    return Call(found if type(found) is tuple else (found,))
