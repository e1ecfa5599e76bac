"""The configuration of the model in a ``.keras`` or an ``.h5``, read without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ... import stranger_json
from ...errors import ModelError
from ..archive import Archive

#: Bytes of a configuration, which has less than a thousand for a layer: Keras takes minutes to build twenty thousand.
_LARGEST = 1 << 24


def configuration(path: Path) -> tuple[Any, bool]:
    """What a file says of its model, and whether it says it in the new format, an archive.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(2) == b"PK"
        return (_of_archive(path) if is_archive else _of_hdf5(path)), is_archive
    except Exception as error:  # of zip's, HDF5's and JSON's many kinds
        raise ModelError(f"{path.name} is damaged: its configuration can't be read ({error!s:.200})") from error


def _of_archive(path: Path) -> Any:
    with path.open("rb") as file, Archive(file) as archive:
        return stranger_json.loads(archive.content("config.json", _LARGEST), _LARGEST)


def _of_hdf5(path: Path) -> Any:
    import h5py

    with h5py.File(path, "r") as file:
        if file.attrs.get_id("model_config").get_storage_size() > _LARGEST:
            raise ValueError("it is too large")
        text = file.attrs["model_config"]
    if not isinstance(text, str | bytes):
        raise ValueError(f"it is not a text but a {type(text).__name__}")
    return stranger_json.loads(text, _LARGEST)
