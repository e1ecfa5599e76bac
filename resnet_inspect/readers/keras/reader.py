"""The Keras backend: ``keras.applications`` by name, any Keras model object, and lowered blocks."""

from __future__ import annotations

import inspect
import platform
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras

from ...analysis.checkpoint_match import Entry
from ...blocks.residual import BlockSpec, residual_block
from ...errors import BadRequestError, InputError, ModelError, closest, meant
from ...ir import Model, Summary, Trace
from ...shape import Expected, Resolved, format_shape
from ...version import __version__
from .. import zoo
from ..chatter import held_back
from ..local.reader import resolve_block, resolve_input
from ..request import Answer, Request
from ..weights import check_weights, is_file, weights_label
from .checkpoint import entries
from .compat import GENERATOR, NAMES, global_state
from .compat import Variable as KerasVariable
from .deep import deeply
from .failure import failure
from .inputs import Given, of_row
from .trace import Recorder

#: MobileNetV3 has no size of its own; its weights were made for this one.
_DEFAULT_SIZE = 224

#: A run listens to every layer of the process.
_ONE_AT_A_TIME = threading.RLock()


def summarize(request: Request) -> Answer:
    """Summarises a model of ``keras.applications``.

    Raises:
        ModelError: no such model, or its constructor refuses the arguments.
        InputError: the input doesn't fit, with the first layer that refuses it.
    """
    with held_back(progress=request.weights is not None), defaults(request.dtype), unallocated():
        name, model, resolved = application(request)
        check_weights(request, f"keras:{name}", lambda: entries(model))
        published = _published(name, getattr(keras.applications, name), request.weights)
        builder, weights = f"keras.applications.{name}", published or weights_label(request.weights)
        described = Model(name, "keras", builder, request.arguments, weights)
        summary = trace(model, described, [resolved], request.dtype, request.is_training)
    return Answer(summary, (resolved.note,) if resolved.note else ())


def native(request: Request) -> str:
    """What Keras' own ``model.summary()`` prints, at its full width."""
    from .native import describe_with_keras

    with held_back(), defaults(request.dtype), unallocated():
        name, model, resolved = application(request)
        return describe_with_keras(model, trace(model, Model(name, "keras", ""), [resolved], request.dtype))


def native_block(spec: BlockSpec, request: Request) -> str:
    """What Keras' own ``model.summary()`` prints of a lowered block."""
    from .lower import lower
    from .native import describe_with_keras

    spec, resolved = resolve_block(spec, request)
    with held_back(), defaults(request.dtype), unallocated():
        model = lower(residual_block(spec), resolved.shape[1:])
        return describe_with_keras(model, trace(model, Model(model.name, "keras", ""), [resolved], request.dtype))


def state(request: Request) -> tuple[Entry, ...]:
    """The entries of a model's ``.weights.h5``."""
    with held_back(), defaults(request.dtype), unallocated():
        return entries(application(replace(request, weights=None))[1])


def application(request: Request) -> tuple[str, Any, Resolved]:
    """A model of ``keras.applications`` by name, and the input that it was built for."""
    name = _known(request.model)
    constructor = getattr(keras.applications, name)
    arguments = dict(request.arguments)
    _check_arguments(name, constructor, arguments)
    weights = _published(name, constructor, request.weights)

    def build(input_shape: tuple[int, ...] | None) -> Any:
        return constructor(weights=weights, input_shape=input_shape, **arguments)

    if request.shapes:
        resolved = resolve_input(request, f"keras:{name}", _image((_DEFAULT_SIZE, _DEFAULT_SIZE, 3)))
        model = _build(name, build, resolved)
    else:
        model = _build(name, build, None)
        sizes = [size or _DEFAULT_SIZE for size in model.input_shape[1:]]
        if _channels_come_first():
            sizes = [*sizes[1:], sizes[0]]
        image = _image(tuple(sizes))
        resolved = resolve_input(request, f"keras:{name}", image)
        if None in model.input_shape[1:]:
            model = _build(name, build, resolved)
    return name, model, resolved


def summarize_block(spec: BlockSpec, request: Request) -> Answer:
    """Lowers a residual block to a real ``keras.Model`` and traces it."""
    from .lower import lower

    spec, resolved = resolve_block(spec, request)
    graph = residual_block(spec)
    with held_back(), defaults(request.dtype), unallocated():
        model = lower(graph, resolved.shape[1:])
        described = Model(graph.name, "keras", graph.builder, graph.arguments)
        summary = trace(model, described, [resolved], request.dtype)
    return Answer(summary, (*([resolved.note] if resolved.note else []), *graph.notes))


def known_names() -> tuple[str, ...]:
    """The model classes of ``keras.applications``."""
    return zoo.names("keras")


def _known(name: str) -> str:
    by_lower_case = {item.lower(): item for item in known_names()}
    if name.lower() in by_lower_case:
        return by_lower_case[name.lower()]
    nearest = [by_lower_case[item] for item in closest(name.lower(), by_lower_case)]
    hint = meant(nearest, f"it has {len(by_lower_case)}, ResNet50 among them")
    raise ModelError(f"keras.applications has no model {name!r}; {hint}")


def _published(name: str, constructor: Callable[..., Any], weights: str | None) -> str | None:
    """Keras' own weights by their name; the default is what the constructor itself would take."""
    if weights is None or is_file(weights):
        return None
    default = str(inspect.signature(constructor).parameters["weights"].default)
    if weights in ("default", default):
        return default
    raise ModelError(f"keras:{name} has no weights {weights!r}; it has default ({default}), or give a file that exists")


def _check_arguments(name: str, constructor: Callable[..., Any], arguments: dict[str, Any]) -> None:
    signature = inspect.signature(constructor)
    own = {"weights": "--weights", "input_shape": "--input", "input_tensor": "--input"}
    for key in arguments:
        if key in own:
            raise BadRequestError(f"keras:{name}: say {own[key]} instead of --arg {key}")
        if key not in signature.parameters:
            takes = ", ".join(item for item in signature.parameters if item not in own)
            raise ModelError(f"keras:{name} takes no argument {key!r}; it takes {takes}")


def _channels_come_first() -> bool:
    """As somebody's settings of Keras may say."""
    return bool(keras.config.image_data_format() == "channels_first")


def _image(sizes: tuple[int, ...]) -> Expected:
    """An image of a height, a width and channels."""
    height, width, channels = sizes
    if _channels_come_first():
        return Expected("NCHW", (1, channels, height, width))
    return Expected("NHWC", (1, height, width, channels))


def _build(name: str, build: Callable[[tuple[int, ...] | None], Any], resolved: Resolved | None) -> Any:
    """The model for images of a shape, or of its own size.

    What it refuses is the shape's fault only if it takes its own size.
    """
    filtering = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    shape = resolved.shape[1:] if resolved else None
    try:
        return build(shape)
    except Exception as error:
        said = failure(error)
        if "URL fetch failure" in said:
            raise ModelError(
                f"the weights of keras:{name} can't be downloaded: {said}. "
                "Without a network, give a file: --weights PATH"
            ) from error
        if resolved is None:
            raise ModelError(f"keras:{name} can't be built: {said}") from error
        try:
            build(None)
        except Exception as default_error:
            raise ModelError(f"keras:{name} can't be built: {failure(default_error)}") from error
        hint = f". {resolved.hint}" if resolved.hint else ""
        raise InputError(f"keras:{name} can't read {format_shape(resolved.shape[1:])}: {said}{hint}") from error
    finally:
        if filtering:
            keras.config.enable_traceback_filtering()


def trace(
    model: Any, described: Model, inputs: Sequence[Resolved], dtype: str | None, training: bool = False
) -> Summary:
    """Summarises a model that is called with one tensor for each shape, as in ``training`` or as in use.

    Raises:
        InputError: a layer refuses its input, with what was probably meant.
    """
    try:
        return trace_call(model, described, of_row(model, inputs, dtype), training)
    except InputError as error:
        hint = next((item.hint for item in inputs if item.hint), None)
        raise error.with_hint(hint) from error


def trace_call(model: Any, described: Model, given: Given, training: bool = False) -> Summary:
    """Summarises a model that is called with any arguments, as in ``training`` or as in use.

    Raises:
        InputError: a layer refuses its input, or its code needs data.
    """
    recorder = Recorder(model, described.name)
    with _ONE_AT_A_TIME, fresh_names(), _kept_seed():
        outputs = deeply(lambda: recorder.record(given, training))
    layers, unused = recorder.finish()
    return Summary(
        model=described,
        inputs=tuple(layer.output_tensors[0] for layer in layers[: len(given.tensors)]),
        outputs=tuple(outputs),
        layers=layers,
        modules=tuple(recorder.modules.items()),
        trace=Trace("symbolic", training=training),
        unused=unused,
        environment=_environment(),
    )


@contextmanager
def defaults(dtype: str) -> Iterator[None]:
    """Keras' defaults set for one build, with fresh automatic names, and put back."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        with fresh_names():
            yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


@contextmanager
def fresh_names() -> Iterator[None]:
    """Automatic names count from the start inside: they must not depend on what the process did before."""
    counters = global_state.get_global_attribute(NAMES)
    global_state.set_global_attribute(NAMES, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(NAMES, counters)


@contextmanager
def _kept_seed() -> Iterator[None]:
    """Random numbers that a model draws inside come from a copy of the caller's generator of seeds."""
    own = global_state.get_global_attribute(GENERATOR)
    drawn = random.getstate()
    copy = keras.random.SeedGenerator()
    # A generator takes its seed from Python's random numbers, as the caller's will when it is first asked.
    random.setstate(drawn)
    if own is not None:
        copy.state.assign(own.state)
    global_state.set_global_attribute(GENERATOR, copy)
    try:
        yield
    finally:
        global_state.set_global_attribute(GENERATOR, own)


@contextmanager
def unallocated() -> Iterator[None]:
    """Variables made inside have a shape and no values."""
    initialize = KerasVariable.__init__

    def made(variable: Any, initializer: Any, shape: Any = None, dtype: Any = None, *args: Any, **kwargs: Any) -> None:
        # Keras refuses one that is made of a value in such a scope: an optimizer's counter is, of a model that
        # its code compiles.
        if not callable(initializer) and not isinstance(initializer, str):
            value = keras.ops.convert_to_tensor(initializer, dtype=dtype)
            shape, dtype = tuple(value.shape), dtype or value.dtype
            initializer = lambda *_, **__: value  # noqa: E731
        initialize(variable, initializer, shape, dtype, *args, **kwargs)

    KerasVariable.__init__ = made
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        KerasVariable.__init__ = initialize


def _environment() -> tuple[tuple[str, str], ...]:
    import importlib.metadata

    backend = keras.config.backend()
    versions = {"resnet_inspect": __version__, "python": platform.python_version(), "keras": keras.__version__}
    versions[backend] = importlib.metadata.version(backend)
    return tuple(versions.items())
