"""Whole Keras models in files, ``.keras`` and ``.h5``: rebuilt from their configuration, their weights' values unread.

Keras' safe mode is on, and what needs code that isn't Keras' own is refused before anything of it is built.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
from keras.src.legacy.saving import json_utils, saving_options, saving_utils
from keras.src.saving import serialization_lib

from ..analysis.fit import Entry
from ..errors import BadRequestError, InspectError, ModelError
from ..ir import Model
from .archive import DAMAGES, SwollenError, bounded
from .from_keras import defaults, unallocated
from .keras_checkpoint import entries
from .keras_deep import deeply
from .keras_failure import failure
from .keras_object import summarize_model
from .request import Answer, Request
from .weights import check_fit, weights_label

#: Packages in which Keras itself looks for what a configuration names.
_LIBRARIES = ("builtins", "keras", "keras_cv", "keras_hub", "keras_nlp")
#: Layers of Keras that load a program.
_RUN_PROGRAMS = ("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper")
#: Layers that Keras 2 made of TensorFlow's functions; Keras 3 has none of them.
_OF_KERAS_2 = (
    "ClassMethod",
    "InstanceMethod",
    "InstanceProperty",
    "SlicingOpLambda",
    "TFOpLambda",
    "TensorFlowOpLayer",
)
#: Models' own classes, which the old format has among its layers.
_MODELS = ("Functional", "Model", "Sequential")
#: Bytes of a configuration, which has less than a thousand for a layer: Keras takes minutes to build twenty thousand.
_LARGEST = 1 << 24


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
    with defaults("float32"), unallocated():
        model = deeply(lambda: _rebuilt(path))
        check_fit(request, path.name, lambda: entries(model))
        described = Model(path.name, "keras", "keras.saving.load_model", weights=weights_label(request.weights))
        # The request's own element type can't be told from none: the file's stands.
        dtype = None if request.dtype == "float32" else request.dtype
        return Answer(*summarize_model(model, described, replace(request, model=path.name), dtype))


def state(request: Request) -> Sequence[Entry]:
    """The entries of the ``.weights.h5`` that the model in the file would write.

    Raises:
        ModelError: as ``summarize`` does.
    """
    with defaults("float32"), unallocated():
        return entries(deeply(lambda: _rebuilt(Path(request.model))))


def _rebuilt(path: Path) -> Any:
    """The model of a file's configuration, built and not compiled: an optimizer's state is no part of it."""
    try:
        config, is_archive = _configuration(path)
        _check(path.name, config)
        if is_archive:
            with serialization_lib.ObjectSharingScope():
                model = serialization_lib.deserialize_keras_object(config, safe_mode=True)
        else:
            with saving_options.keras_option_scope(use_legacy_config=True), serialization_lib.SafeModeScope(True):
                model = saving_utils.model_from_config(config)
    except InspectError:
        raise
    except Exception as error:
        raise ModelError(f"{path.name} can't be built from its configuration: {failure(error)[:500]}") from error
    if not isinstance(model, keras.layers.Layer):
        raise ModelError(f"{path.name} holds no model but a {type(model).__name__}")
    return model


def _configuration(path: Path) -> tuple[Any, bool]:
    """What a file says of its model, and whether it says it in the new format, an archive."""
    try:
        is_archive = zipfile.is_zipfile(path)
        return (_without_training(_of_archive(path)) if is_archive else _of_hdf5(path)), is_archive
    except (OSError, KeyError, UnicodeDecodeError, json.JSONDecodeError, SwollenError, *DAMAGES) as error:
        raise ModelError(f"{path.name} is damaged: its configuration can't be read ({error})") from error


def _of_archive(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(bounded(archive, "config.json", _LARGEST))


def _of_hdf5(path: Path) -> Any:
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs["model_config"]
    return json_utils.decode(text.decode() if isinstance(text, bytes) else text)


def _without_training(config: Any) -> Any:
    """A configuration without what it says of training, whose losses may be of somebody's own code."""
    if isinstance(config, dict):
        return {key: _without_training(value) for key, value in config.items() if key != "compile_config"}
    return [_without_training(item) for item in config] if isinstance(config, list) else config


@dataclass(frozen=True, slots=True)
class _Named:
    """What a configuration names: a class or a function, its module if it says one, and the layer around it."""

    name: str
    module: str | None
    registered: str
    layer: str
    is_layer: bool


def _check(file: str, config: Any) -> None:
    """Raises ModelError where a configuration names code that isn't Keras' own, or holds code."""
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(f"{file} is damaged: its configuration describes no model")
    for found in _named(config, ""):
        if found.name == "__lambda__":
            raise ModelError(
                f"{file}: the layer {found.layer!r} is a Lambda with code of its own, and no file's code is run. "
                "Give the code that builds the model: net.py:Net"
            )
        if found.name in _RUN_PROGRAMS:
            raise ModelError(f"{file}: the layer {found.layer!r} ({found.name}) loads a program, and no file's is run")
        if found.name in _OF_KERAS_2 and found.is_layer:
            raise ModelError(
                f"{file}: the layer {found.layer!r} ({found.name}) is a function of TensorFlow as Keras 2 wrote it, "
                "which Keras 3 can't read. Give the code that builds the model: net.py:Net"
            )
        if not _is_known(found):
            raise ModelError(
                f"{file} needs the code of {found.name!r}{f' in the layer {found.layer!r}' if found.layer else ''}, "
                "which isn't in the file. Give the code that builds the model: net.py:Net"
            )


def _is_known(found: _Named) -> bool:
    if keras.saving.get_registered_object(found.registered) is not None:
        return True
    if found.module is not None:
        return found.module.partition(".")[0] in _LIBRARIES
    # The old format has no modules, and knows layers and models by their names alone.
    return not found.is_layer or hasattr(keras.layers, found.name) or found.name in _MODELS


def _named(value: Any, layer: str, is_layer: bool = True) -> Iterator[_Named]:
    """All classes and functions in a configuration; ``layer`` is the name of the one around ``value``."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _named(item, layer, is_layer)
        return
    if not isinstance(value, dict):
        return
    name, config = value.get("class_name"), value.get("config")
    if not isinstance(name, str) or "config" not in value:
        for key, item in value.items():
            # What stands here in the old format is a layer, or a list of them.
            yield from _named(item, layer, key in ("cell", "cells", "backward_layer", "layer", "layers"))
        return
    inner = config if isinstance(config, dict) else {}
    layer = str(inner.get("name") or layer)
    called = str(config) if name == "function" else name
    # A module that is said to be none is somebody's own.
    module = str(value["module"] or "") if "module" in value else None
    yield _Named(called, module, str(value.get("registered_name") or called), layer, is_layer)
    if name == "Lambda" and isinstance(inner.get("function"), (list, tuple)):
        yield _Named("__lambda__", None, "", layer, False)  # Keras 2: the code, its defaults and its closure
    yield from _named(inner, layer)
