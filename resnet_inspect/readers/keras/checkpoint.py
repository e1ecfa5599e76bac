"""What a Keras model would store, under the names that Keras' own files have."""

from __future__ import annotations

from typing import Any

import keras

from ...analysis.checkpoint_match import Entry
from .compat import saving_lib


class _Names(saving_lib.NpzIOStore):
    """A store that keeps what it is given in memory: variables that have a shape and no values."""

    def __init__(self) -> None:
        self.contents: dict[str, dict[str, Any]] = {}

    def make(self, path: str, metadata: Any = None) -> dict[str, Any]:
        return self.contents.setdefault(path, {})


def entries(model: Any) -> tuple[Entry, ...]:
    """The entries of the ``.weights.h5`` that ``model.save_weights`` would write, in Keras' order."""
    store = _Names()
    saving_lib._save_state(model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    return tuple(
        Entry(
            f"{path}/vars/{key}".removeprefix("/"),
            tuple(variable.shape),
            keras.backend.standardize_dtype(variable.dtype),
            alias="/".join(str(variable.path).split("/")[-2:]),
        )
        for path, variables in store.contents.items()
        for key, variable in variables.items()
        if "seed_generator" not in path
    )
