"""The backend of keras-hub's models: classes by name, built from the arguments of their constructors.

``keras_hub:ResNetBackbone --arg ...``; a task (``ResNetImageClassifier``) passes on to its backbone what it doesn't
take itself. A preset (``keras_hub:resnet_50_imagenet``) is a configuration that is downloaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from ...analysis.checkpoint_match import Entry
from ...errors import BadRequestError, InspectError, ModelError, closest, listed, meant
from ...ir import Model, Summary
from ...shape import Resolved
from ..chatter import held_back
from ..keras.checkpoint import entries
from ..keras.deep import deeply
from ..keras.failure import failure
from ..keras.inputs import asked, declared_inputs, of_call, resolve
from ..keras.reader import defaults, trace, trace_call, unallocated
from ..request import Answer, Request
from ..weights import check_weights, is_file, weights_label

#: What stands for sizes that a model leaves open: the side of an image, the length of a text.
_SIDE, _LENGTH = 224, 128


def summarize(request: Request) -> Answer:
    """Summarises a model of keras-hub, whose images have 224 pixels a side and texts 128 tokens if nobody says.

    Raises:
        ModelError: no such model, its constructor refuses the arguments, or a preset can't be downloaded.
        BadRequestError: weights were asked for by name, or an input is none of the model's.
        InputError: the input doesn't fit, with the layer that refuses it.
    """
    with held_back(), defaults(request.dtype), unallocated():
        return Answer(*_summarized(request)[1:])


def state(request: Request) -> Sequence[Entry]:
    """The entries of a model's ``.weights.h5``."""
    with held_back(), defaults(request.dtype), unallocated():
        return entries(_built(request))


def native(request: Request) -> str:
    """What Keras' own ``model.summary()`` prints, at its full width."""
    from ..keras.native import describe_with_keras

    with held_back(), defaults(request.dtype), unallocated():
        model, summary, _ = _summarized(request)
        return describe_with_keras(model, summary)


def known_names() -> tuple[str, ...]:
    """The library's classes of models, without those that are there to be inherited from."""
    found = vars(keras_hub.models).items()
    return tuple(sorted(name for name, cls in found if inspect.isclass(cls) and _is_model(cls)))


def _is_model(cls: type) -> bool:
    # Bases stand in the folder of all models: keras_hub.src.models.backbone.
    return issubclass(cls, keras.Model) and cls.__module__.count(".") > 3


def _summarized(request: Request) -> tuple[Any, Summary, tuple[str, ...]]:
    if request.weights and not is_file(request.weights):
        raise BadRequestError("keras_hub: models are built from their configuration; give weights as a file")
    model = _built(request)
    check_weights(request, f"keras_hub:{request.model}", lambda: entries(model))
    builder = f"keras_hub.models.{type(model).__name__}"
    described = Model(request.model, "keras", builder, request.arguments, weights_label(request.weights))
    call = asked(request)
    if call is not None:
        given = of_call(model, call, request.batch, request.dtype)
        return model, trace_call(model, described, given, request.is_training), ()
    inputs = _inputs(model, request)
    notes = tuple(item.note for item in inputs if item.note)
    return model, trace(model, described, inputs, request.dtype, request.is_training), notes


def _built(request: Request) -> Any:
    """The model that a class or a preset's name says."""
    names = known_names()
    by_lower_case = {name.lower(): name for name in names}
    name = by_lower_case.get(request.model.lower())
    arguments = {key: _listed(value) for key, value in request.arguments}
    if name is None:
        return _of_preset(request.model, by_lower_case, arguments)
    cls = getattr(keras_hub.models, name)
    try:
        return deeply(lambda: _constructed(name, cls, arguments))
    except InspectError:
        raise
    except Exception as error:
        raise ModelError(f"keras_hub:{name} can't be built: {failure(error)}") from error


def _of_preset(name: str, by_lower_case: dict[str, str], arguments: dict[str, Any]) -> Any:
    presets = {
        preset
        for cls in map(keras_hub.models.__dict__.get, by_lower_case.values())
        for preset in getattr(cls, "presets", None) or ()
    }
    if name not in presets:
        nearest = [by_lower_case[item] for item in closest(name.lower(), by_lower_case)]
        nearest = nearest or closest(name, sorted(presets))
        hint = meant(nearest, f"it has {len(by_lower_case)}, ResNetBackbone among them")
        raise ModelError(f"keras_hub has no model {name!r}; {hint}")
    try:
        return deeply(lambda: keras_hub.models.Backbone.from_preset(name, load_weights=False, **arguments))
    except Exception as error:
        said = failure(error).partition(" (Caused by")[0][:200].rstrip(".")
        raise ModelError(
            f"the preset {name} of keras_hub can't be downloaded: {said}. "
            "Without a network, name its class and give the arguments: keras_hub:ResNetBackbone --arg KEY=VALUE"
        ) from error


def _constructed(name: str, cls: Any, arguments: dict[str, Any]) -> Any:
    """An instance of a class; a task's backbone gets the arguments that the task doesn't take."""
    own = _takes(cls)
    backbone = getattr(cls, "backbone_cls", None) if "backbone" in own else None
    inner = _takes(backbone) if backbone is not None else {}
    for key in arguments:
        if key not in own and key not in inner:
            known = [item for item in (*inner, *own) if item not in ("backbone", "preprocessor")]
            hint = meant(closest(key, known), f"it takes {listed(known)}")
            raise ModelError(f"keras_hub:{name} takes no argument {key!r}; {hint}")
    required = [
        key
        for key, item in (*inner.items(), *own.items())
        if item.default is inspect.Parameter.empty and not (key == "backbone" and backbone)
    ]
    if missing := [key for key in required if key not in arguments]:
        raise ModelError(f"keras_hub:{name} needs {' '.join(f'--arg {key}=...' for key in missing)}")
    given = {key: value for key, value in arguments.items() if key in own}
    if backbone is not None:
        given["backbone"] = backbone(**{key: value for key, value in arguments.items() if key not in own})
    return cls(**given)


def _takes(cls: Any) -> dict[str, inspect.Parameter]:
    """The arguments of a class' constructor that have a name; ``__new__`` of Keras' classes takes everything."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    _, *taken = inspect.signature(cls.__init__).parameters.values()  # all but self
    return {item.name: item for item in taken if item.kind in kinds}


def _listed(value: Any) -> Any:
    """JSON's arrays as lists: constructors compare and join them with lists of their own."""
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _inputs(model: Any, request: Request) -> list[Resolved]:
    """A shape for each declared input: one that is given counts for all that are declared alike.

    Raises:
        BadRequestError: more shapes were given than the model has inputs, or too few to tell which.
    """
    declared = declared_inputs(model)
    given = list(request.shapes)
    if len(given) == 1:
        given *= sum(tensor.shape == declared[0].shape for tensor in declared)
    if len(given) not in (0, len(declared)):
        names = ", ".join(str(tensor.name) for tensor in declared)
        raise BadRequestError(f"keras_hub:{request.model} reads {names}; got {len(request.shapes)} shapes")
    given = given or [_own_sizes(model, tensor) for tensor in declared]
    return [
        resolve(sizes, request.batch, tensor, request.layout) for sizes, tensor in zip(given, declared, strict=True)
    ]


def _own_sizes(model: Any, tensor: Any) -> tuple[int, ...]:
    """What an input has without its batch, with usual sizes for those that it leaves open."""
    longest = getattr(getattr(model, "backbone", model), "max_sequence_length", None)
    length = min(_LENGTH, longest or _LENGTH)
    return tuple(size or (_SIDE if len(tensor.shape) == 4 else length) for size in tensor.shape[1:])
