"""State dictionaries in torch's own files."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..analysis.fit import WRAPPERS, Entry
from ..errors import ModelError, first_line
from .torch_tensors import dtype_name


def read(path: Path) -> tuple[Entry, ...]:
    """The tensors of a state dictionary; their data isn't read, and no code in the file runs.

    Raises:
        ModelError: the file is damaged, would run code when loaded, or holds no state dictionary.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                # On meta, no storage is read.
                loaded = torch.load(path, map_location="meta", weights_only=True)
            except NotImplementedError:  # quantised tensors can't be there
                loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|Unsupported (?:global|class)) ([\w.]+)", str(error))
        what = f"it names {named[1]}" if named else "it holds more than tensors"
        if "Weights only load failed" in str(error) or named:
            raise ModelError(f"{path.name} is refused: {what}, and loading it could run code") from error
        raise ModelError(f"{path.name} is damaged: {first_line(error)}") from error
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelError(f"{path.name} is damaged: {first_line(error)}") from error
    tensors = _state_dict(loaded)
    if tensors is None:
        kind = type(loaded).__name__
        raise ModelError(f"{path.name} holds no state dictionary but a {kind}")
    return tuple(Entry(name, tuple(tensor.shape), dtype_name(tensor)) for name, tensor in tensors.items())


def _state_dict(loaded: Any, prefix: str = "") -> dict[str, torch.Tensor] | None:
    """The tensors under their names, with the keys in front that the dictionary was found under."""
    if not isinstance(loaded, Mapping):
        return None
    for key in WRAPPERS:
        if isinstance(loaded.get(key), Mapping):
            return _state_dict(loaded[key], f"{prefix}{key}.")
    tensors = {f"{prefix}{name}": value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    return tensors or None
