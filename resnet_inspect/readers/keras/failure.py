"""What went wrong in a run of a Keras model, told in its layers' and its author's terms."""

from __future__ import annotations

from typing import Any

from ...errors import message
from ..code.user_code import place
from . import operators
from .compat import Layer as KerasLayer

#: What a KerasTensor says where code asks for its value.
_READS_VALUES = ("used as a boolean", "convert it to an int", "convert it to a float", "convert it to a NumPy array")


def failure(error: BaseException) -> str:
    """The layer that failed, the line of its author's code, and the first sentences of what it said."""
    layer = failed_layer(error)
    if isinstance(error, RecursionError):
        return "its layers call one another without an end"
    said = " ".join(message(error).split("\n\n")[0].split()) or type(error).__name__
    if isinstance(error, LookupError):
        said = f"{type(error).__name__}: {said}"  # which says nothing but a key
    if reads_values(error):
        said = f"the code decides by a tensor's values, which only data has: {said}"
    said = place(error) + said
    if layer is None or f'layer "{layer.name}"' in said:
        return said
    return f"{layer.name} ({type(layer).__name__}) {said}"


def reads_values(error: BaseException) -> bool:
    """Whether it is the complaint of a symbolic tensor whose values were asked for."""
    return "symbolic" in message(error) and any(words in message(error) for words in _READS_VALUES)


def failed_layer(error: BaseException) -> Any:
    """The innermost layer that isn't made of others in which an error arose, if there is one."""
    layer = None
    trace = error.__traceback__
    while trace is not None:
        item = trace.tb_frame.f_locals.get("self")
        # One that failed in its constructor may have no name yet.
        if isinstance(item, KerasLayer) and hasattr(item, "name") and not operators.is_composite(item):
            layer = item
        trace = trace.tb_next
    return layer
