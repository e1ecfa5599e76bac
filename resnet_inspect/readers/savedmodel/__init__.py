"""TensorFlow's SavedModel folders: graphs in protobuf, as they are written.

``operators.py`` names the kinds of operations, ``description.py`` says what each one is and costs, ``layouts.py``
finds the images between operators for images, and ``shapes.py`` infers sizes, which nobody else does without running
TensorFlow. ``arithmetic.py`` works out what a graph computes of shapes, a few numbers at a time; ``values.py`` follows
values into loops.
"""

from __future__ import annotations

from ..format import Format, Glimpse

_FILE = "saved_model.pb"


def _recognised(seen: Glimpse) -> bool:
    if seen.is_folder:
        return _FILE in seen.names
    return seen.path.name == _FILE and seen.start[:1] == b"\x08"


FORMATS = (
    Format(
        kind="savedmodel",
        title="SavedModel folder",
        endings=(".pb",),
        recognises=_recognised,
        reader=f"{__package__}.reader",
        backend="keras",
    ),
)
