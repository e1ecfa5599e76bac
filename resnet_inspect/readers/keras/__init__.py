"""Keras' models: built without weights, called on symbolic tensors; its files and HDF5.

``trace.py`` records one run on ``KerasTensor``s inside ``StatelessScope(initialize_variables=False)``: it listens
where ``Layer.symbolic_call`` and ``Operation.symbolic_call`` are called, and opens a layer that is made of others by
running its ``call``. ``operators.py`` names layers, ``cost.py`` applies the rules of ``ops``, ``inputs.py`` makes
inputs, ``failure.py`` words what failed, and ``compat.py`` has Keras' private names.

``file.py`` opens a ``.keras``: ``config.py`` and ``allowed.py`` look at its configuration before Keras does.
``hdf5_model.py`` is for a model in an ``.h5``.
"""

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
