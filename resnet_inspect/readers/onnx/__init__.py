"""Graphs in ONNX."""

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
