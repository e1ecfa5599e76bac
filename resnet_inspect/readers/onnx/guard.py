"""What onnx's own inference may be asked: it is C++, and counts with some settings past the end of its arrays."""

from __future__ import annotations

import re
from typing import Any

from .functions import with_inner

#: More dimensions no array library has; more elements no tensor.
MOST_DIMENSIONS, MOST_ELEMENTS = 64, (1 << 63) - 1
#: A larger size no machine holds, and sums of it no longer fit into 64 bits.
MOST_SIZE = 1 << 48
#: Settings that count dimensions.
_PLACES = frozenset(["axes", "axis", "batch_axis", "batch_dims", "perm", "time_axis"])
#: An Einstein sum: letters for each factor, and for the result, with the rest of the dimensions in one place.
_TERM = rb"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?"
_EQUATION = rb"%s(?:,%s)*(?:->%s)?" % (_TERM, _TERM, _TERM)


def is_harmless(node: Any) -> bool:
    """Whether a node, with all nodes of its subgraphs, has settings that onnx reads without harm."""
    return all(map(_has_sound_settings, with_inner([node])))


def tame(kind: Any) -> None:
    """Leaves open whatever onnx shouldn't count with in a type: sizes below zero or beyond all machines."""
    if not kind.HasField("tensor_type"):
        return
    if len(kind.tensor_type.shape.dim) > MOST_DIMENSIONS:
        kind.tensor_type.ClearField("shape")
    for dim in kind.tensor_type.shape.dim if kind.tensor_type.HasField("shape") else ():
        if not 0 <= dim.dim_value <= MOST_SIZE:
            dim.ClearField("dim_value")


def _has_sound_settings(node: Any) -> bool:
    for attribute in node.attribute:
        name = attribute.name
        if name in _PLACES and any(abs(place) > MOST_DIMENSIONS for place in (attribute.i, *attribute.ints)):
            return False
        if name == "batch_dims" and attribute.i < 0:
            return False
        if name == "num_outputs" and attribute.i != len(node.output):
            return False  # it would write what is beyond the outputs
        if name == "equation" and not re.fullmatch(_EQUATION, attribute.s.replace(b" ", b"")):
            return False  # it would never end to read this
    return True
