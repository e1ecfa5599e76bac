"""Keras' models: built without weights, called on symbolic tensors; its files and HDF5."""

from __future__ import annotations

from ..format import Format

#: Keras' own files, which its library opens, and HDF5, of a whole model or of weights alone.
FORMATS = (
    Format(
        kind="keras",
        title=".keras",
        endings=(".keras",),
        recognises=lambda seen: seen.is_archive and {"config.json", "model.weights.h5"} <= seen.names,
        reader=f"{__package__}.file",
        backend="keras",
        alone=f"{__package__}.configuration.reader",
    ),
    Format(
        kind="hdf5",
        title=".h5",
        endings=(".h5", ".hdf5"),
        recognises=lambda seen: seen.start.startswith(b"\x89HDF\r\n\x1a\n"),
        reader=f"{__package__}.hdf5_model",
    ),
)
