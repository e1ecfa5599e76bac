"""Whole Keras models in files, ``.keras`` and ``.h5``: rebuilt from their configuration, their weights' values unread.

What needs code that isn't Keras' own is refused before anything of it is built (``config.py``), and Keras itself
finds nothing else while it builds (``allowed.py``). Its safe mode is on as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from ...analysis.checkpoint_match import Entry
from ...errors import BadRequestError, InspectError, ModelError
from ...ir import Model
from ..request import Answer, Request
from ..weights import check_weights, weights_label
from .allowed import only_allowed
from .checkpoint import entries
from .compat import saving_options, saving_utils, serialization_lib
from .config import understood
from .deep import deeply
from .failure import failure
from .object import summarize_model
from .reader import defaults, unallocated
from .stored import configuration


def summarize(request: Request) -> Answer:
    """Summarises the model in the file ``request.model``, whose element types are the file's.

    Raises:
        ModelError: the file is damaged, or needs code that isn't Keras' own.
        BadRequestError: an argument was given, or no input where the file leaves its sizes open.
        InputError: the input doesn't fit.
    """
    path = Path(request.model)
    if request.arguments:
        raise BadRequestError(f"{path.name} is built already: it takes no --arg")
    with _reading(path.name):
        model = deeply(lambda: _rebuilt(path))
        check_weights(request, path.name, lambda: entries(model))
        described = Model(path.name, "keras", "keras.saving.load_model", weights=weights_label(request.weights))
        # The request's own element type can't be told from none: the file's stands.
        dtype = None if request.dtype == "float32" else request.dtype
        return Answer(*summarize_model(model, described, replace(request, model=path.name), dtype))


def state(request: Request) -> Sequence[Entry]:
    """The entries of the ``.weights.h5`` that the model in the file would write.

    Raises:
        ModelError: as ``summarize`` does.
    """
    path = Path(request.model)
    with _reading(path.name):
        return entries(deeply(lambda: _rebuilt(path)))


@contextmanager
def _reading(file: str) -> Iterator[None]:
    """Whatever a strange file makes of building or running its model is one ModelError."""
    try:
        with defaults("float32"), unallocated(), only_allowed(file):
            yield
    except InspectError:
        raise
    except Exception as error:
        first: BaseException = error
        while "could not be deserialized properly" in str(first) and first.__context__ is not None:
            first = first.__context__  # what Keras says around it repeats the configuration
        raise ModelError(f"{file} can't be built from its configuration: {failure(first)[:500]}") from error


def _rebuilt(path: Path) -> Any:
    """The model of a file's configuration, built and not compiled: an optimizer's state is not part of it."""
    config, is_archive = configuration(path)
    config = understood(path.name, config)
    with serialization_lib.SafeModeScope(True):
        if is_archive:
            with serialization_lib.ObjectSharingScope():
                model = serialization_lib.deserialize_keras_object(config, safe_mode=True)
        else:
            with saving_options.keras_option_scope(use_legacy_config=True):
                model = saving_utils.model_from_config(config)
    if not isinstance(model, keras.layers.Layer):
        raise ModelError(f"{path.name} holds no model but a {type(model).__name__}")
    return model
