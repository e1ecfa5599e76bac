"""Graphs in ONNX, as they are written.

``wire.py`` reads the protobuf, ``nodes.py`` gives the values of all graphs in a file names of their own, and
``control.py`` follows a graph node by node, of an If into one branch, of a loop (``loops.py``) through one step.
``arithmetic.py`` works out what a graph computes of shapes, a few numbers at a time. ``operators.py`` and
``attributes.py`` say what a node is, ``cost.py`` what it costs.
"""

from __future__ import annotations

from ..format import Format, Glimpse

#: ONNX' own versions of its format; a protobuf has no other mark.
_VERSIONS = range(1, 40)
#: The fields of an ONNX model that may follow its version: producer, domain, graph, opset, metadata ...
_FIELDS = frozenset([0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72])


def _recognised(seen: Glimpse) -> bool:
    start = seen.start
    return len(start) > 2 and start[0] == 0x08 and start[1] in _VERSIONS and start[2] in _FIELDS


FORMATS = (
    Format(
        kind="onnx",
        title=".onnx",
        endings=(".onnx",),
        recognises=_recognised,
        reader=f"{__package__}.reader",
        backend="onnx",
    ),
)
