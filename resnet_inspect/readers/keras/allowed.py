"""What the names in a Keras file may stand for: classes of Keras itself and of keras_hub, told by identity.

Keras looks a file's names up in modules that the file names, too, and imports them for it. Inside ``only_allowed``
there is one answer to every such question, the list here, however the question came to be asked.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras

from ...errors import ModelError
from .compat import SOURCE, Function, Operation, object_registration, saving_utils, serialization_lib

#: Layers that run a function or load a program.
RUN_PROGRAMS = ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper")
#: Models' own classes, which the old format has among its layers.
_MODELS = ("Functional", "Model", "Sequential")
#: Where Keras has what a configuration is made of, and under which names it writes it.
_PUBLIC = ("constraints", "dtype_policies", "initializers", "layers", "models", "quantizers", "random", "regularizers")
_OWN = tuple(f"{SOURCE}{part}." for part in (*_PUBLIC, "activations", "applications", "legacy", "ops"))
_OF_HUB = ("layers", "models", "tokenizers")
#: Layers, models and operations that are made or called while a file's model is built and run once.
_MOST = 30_000

_Table = Mapping[tuple[str, str], Any]


def class_of(module: str | None, name: str, registered: str | None) -> Any:
    """The class that a configuration names, None if it isn't an allowed one.

    A class that the caller's own code has registered with Keras is there to be used: a file can't register any.
    """
    if _is_hub(module) or str(registered).startswith("keras_hub>"):
        return _hub().get((str(module), name))
    found = keras.saving.get_registered_object(registered or name)
    if found is not None:
        return found if is_allowed(found) else None
    if module is None:
        return _by_name().get(name)
    return _own().get((module, name))


def function_of(module: str | None, name: str) -> Any:
    """The activation that a configuration names, None if it isn't one."""
    found = keras.saving.get_registered_object(name)
    if found is not None and is_allowed(found):
        return found
    if module is not None and module != "builtins" and module.partition(".")[0] != "keras":
        return None
    return _activations().get(name)


def is_allowed(item: Any) -> bool:
    """Whether it is on the list, or of the caller's own code and none of a library's."""
    package = str(getattr(item, "__module__", "")).partition(".")[0]
    if package == "keras_hub":
        return item in _hub().values()
    if package == "keras":
        return item in _own().values() or item in _activations().values()
    return item in object_registration.GLOBAL_CUSTOM_OBJECTS.values()


@contextmanager
def only_allowed(file: str) -> Iterator[None]:
    """Inside, Keras finds what is on the list by a file's names and nothing else, and imports nothing for it.

    Raises:
        ModelError: another name was asked for, or more was built than anybody's model has.
    """

    def retrieved(name: Any, registered: Any, module: Any, obj_type: str, *_: Any, **__: Any) -> Any:
        found = function_of(module, name) if obj_type == "function" else class_of(module, name, registered)
        if found is None:
            raise ModelError(f"{file} needs the code of {name!r:.80}, which isn't in the file")
        return found

    registered_object = object_registration.get_registered_object

    def registered(name: Any, custom_objects: Any = None, module_objects: Any = None) -> Any:
        found = registered_object(name, custom_objects, module_objects)
        return found if found is not None and is_allowed(found) else None

    count = 0
    too_many = ModelError(f"{file} builds or calls more than {_MOST} layers and operations, too many to read")

    def counted(function: Any, many: bool = False) -> Any:
        @functools.wraps(function)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += len(self.operations) if many else 1
            if count > _MOST:
                raise too_many
            return function(self, *args, **kwargs)

        return wrapped

    replaced = (
        (serialization_lib, "_retrieve_class_or_fn", retrieved),
        (object_registration, "get_registered_object", registered),
        (keras.Sequential, "from_config", classmethod(_sequential)),
        # Keras reads constructors' signatures, so they stay as they are.
        (Operation, "__new__", staticmethod(counted(Operation.__new__))),
        (Operation, "__call__", counted(Operation.__call__)),
        (Function, "_run_through_graph", counted(Function._run_through_graph, many=True)),
    )
    # A version of Keras that has none of one of these isn't known to us: nothing of a file is built with it.
    originals = [(owner, name, vars(owner)[name]) for owner, name, _ in replaced]
    try:
        for owner, name, replacement in replaced:
            setattr(owner, name, replacement)
        yield
    except Exception:
        if count > _MOST:
            raise too_many from None  # whatever was made of it on the way
        raise
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _sequential(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """What ``Sequential.from_config`` gives, which builds the whole model again with each layer that it adds."""
    model = cls(name=config["name"])
    for item in config["layers"]:
        read = serialization_lib.deserialize_keras_object if "module" in item else saving_utils.model_from_config
        model.add(read(item, custom_objects=custom_objects), rebuild=False)
    if config["layers"]:
        model._maybe_rebuild()
    shape = config.get("build_input_shape")
    if not model._functional and shape and isinstance(shape, (tuple, list)):
        model.build(shape)
    return model


def _is_hub(module: str | None) -> bool:
    return str(module).partition(".")[0] == "keras_hub"


@functools.cache
def _own() -> _Table:
    """Keras' own classes, by the names that it writes of them and by where they are defined."""
    bases = tuple(
        base
        for base in (
            Operation,
            keras.constraints.Constraint,
            keras.dtype_policies.DTypePolicy,
            keras.initializers.Initializer,
            keras.random.SeedGenerator,
            keras.regularizers.Regularizer,
            *(getattr(keras.quantizers, name, None) for name in ("Quantizer", "QuantizationConfig")),
        )
        if base is not None
    )
    programs = tuple(getattr(keras.layers, name) for name in RUN_PROGRAMS if hasattr(keras.layers, name))
    found = {}
    waiting = list(bases)
    while waiting:
        item = waiting.pop()
        if item.__module__.startswith(_OWN) and not issubclass(item, programs):
            found[item.__module__, item.__name__] = item
        waiting += item.__subclasses__()
    allowed = set(found.values())
    for space in ("keras", *(f"keras.{part}" for part in _PUBLIC)):
        for name, item in vars(sys.modules[space]).items():
            if inspect.isclass(item) and item in allowed:
                found[space, name] = item
    return found


@functools.cache
def _by_name() -> Mapping[str, Any]:
    """Keras' public classes by their names alone, as the old format has them: where defined and where offered."""
    found = {name: item for (space, name), item in _own().items() if not space.startswith(SOURCE)}
    defined = {item.__name__: item for item in found.values()}
    own = {name: item for (_, name), item in _own().items() if name in _MODELS}
    return {**defined, **found, **own, "Policy": keras.dtype_policies.DTypePolicy}


@functools.cache
def _activations() -> Mapping[str, Any]:
    helpers = ("deserialize", "get", "serialize")
    return {
        name: item
        for name, item in vars(keras.activations).items()
        if inspect.isfunction(item) and name not in helpers and not name.startswith("_")
    }


@functools.cache
def _hub() -> _Table:
    """The layers and models that keras_hub offers, if it is installed."""
    try:
        hub = importlib.import_module("keras_hub")
    except ImportError:
        return {}
    found = {}
    for part in _OF_HUB:
        for name, item in vars(getattr(hub, part)).items():
            if inspect.isclass(item) and issubclass(item, keras.layers.Layer) and _is_hub(item.__module__):
                found[f"keras_hub.{part}", name] = found[item.__module__, item.__name__] = item
    return found
