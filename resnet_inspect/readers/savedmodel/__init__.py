"""TensorFlow's SavedModel folders."""

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
