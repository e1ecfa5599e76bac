"""What a Keras model is called with: symbolic tensors, in the structure that the model reads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ...blocks.graph import INPUT
from ...call import Call, Spec
from ...errors import BadRequestError, InputError, listed
from ...shape import Resolved, format_shape
from ..asked import asked_call
from ..request import Request
from .sizes import layout_of_rank
from .sizes import resolve as resolve_sizes

#: Arguments of ``call`` that Keras itself fills.
_CONTEXT = ("self", "training", "mask")
#: What a free size of a declared input is in an example.
_EXAMPLE_SIZE = 128


@dataclass(frozen=True)
class Given:
    """What a model is called with, and the tensors in it: name, tensor, layout."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[tuple[str, Any, str | None]]


def declared_inputs(model: Any) -> list[Any]:
    """The inputs that a model says it has, as symbolic tensors; none of a model that isn't built."""
    try:
        return list(model.inputs or [])
    except (AttributeError, ValueError):
        return []


def asked(request: Request) -> Call | None:
    """The call of a request that says more than shapes in a row; raises what ``asked_call`` does."""
    return asked_call(request, lambda value: any(map(_is_array, keras.tree.flatten(value))))


def of_declared(model: Any, name: str) -> list[tuple[int, ...]]:
    """The sizes of the inputs that a model declares, without the batch.

    Raises:
        BadRequestError: it declares none, or leaves sizes open.
    """
    declared = declared_inputs(model)
    if not declared:
        raise BadRequestError(f"{name} doesn't say how large its input is: add --input 224x224x3")
    if any(size is None for tensor in declared for size in tensor.shape[1:]):
        texts = [f"--input {_example(tensor)}" for tensor in declared]
        raise BadRequestError(f"{name} leaves sizes of its input open: add {' '.join(texts)}")
    return [tuple(tensor.shape[1:]) for tensor in declared]


def resolve(
    sizes: tuple[int, ...], batch: int | None, declared: Any, layout: str | None = None, images: bool = False
) -> Resolved:
    """What ``sizes`` mean to a model that has ``declared`` this input, or none, by Keras' own order of dimensions."""
    shape = None if declared is None else declared.shape
    return resolve_sizes(sizes, batch, shape, layout, images, _channels_come_first())


def reads_images(model: Any) -> bool:
    """Whether a model that declares nothing has layers of images among its own."""
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else ()
    return any(type(layer).__name__.endswith(("Conv2D", "Pooling2D")) for layer in layers)


def of_row(model: Any, inputs: Sequence[Resolved], dtype: str | None) -> Given:
    """One tensor for each shape, in the order in which the model declares its inputs."""
    declared = declared_inputs(model)
    names = [str(getattr(tensor, "name", "")) for tensor in declared]
    tensors = []
    for index, item in enumerate(inputs):
        own = names[index] if len(names) == len(inputs) > 1 else ""
        tensor = keras.KerasTensor(item.shape, dtype=_dtype(declared[index] if index < len(declared) else None, dtype))
        tensors.append((own or _numbered(index), tensor, item.layout))
    return Given(_packed(model, [tensor for _, tensor, _ in tensors]), {}, tensors)


def of_call(model: Any, call: Call, batch: int | None, dtype: str | None) -> Given:
    """Names that the model's ``call`` has are its arguments; others are inputs by name, in the dict that it takes.

    Raises:
        BadRequestError: names are given to a model that has others.
    """
    maker = _Maker(batch, dtype)
    declared = {str(tensor.name): tensor for tensor in declared_inputs(model)}
    structure = _structure(model)
    if isinstance(structure, Mapping):
        declared |= {str(name): tensor for name, tensor in structure.items() if hasattr(tensor, "shape")}
    own = _arguments(model)
    arguments = {name: value for name, value in call.kwargs if name in own and name not in declared}
    inputs = {name: value for name, value in call.kwargs if name not in arguments}
    if inputs and isinstance(model, keras.Sequential) and not declared:
        raise BadRequestError(f"{type(model).__name__} reads one input without a name: leave {sorted(inputs)[0]}= out")
    if declared and not call.args and (unknown := sorted(set(inputs) - set(declared))):
        raise BadRequestError(f"{type(model).__name__} has no input {unknown[0]!r}; it has {listed(declared)}")
    row = declared_inputs(model)
    args = tuple(
        maker.make(item, _numbered(index), row[index] if index < len(row) else None)
        for index, item in enumerate(call.args)
    )
    named = {name: maker.make(value, name, declared.get(name)) for name, value in inputs.items()}
    kwargs = {name: maker.make(value, name, None) for name, value in arguments.items()}
    if named and structure is not None and not isinstance(structure, Mapping):
        missing = [str(tensor.name) for tensor in row if str(tensor.name) not in named]
        if missing:
            raise BadRequestError(f"{type(model).__name__} needs an input {missing[0]!r} too")
        args = _packed(model, [named[str(tensor.name)] for tensor in row])
    elif named:
        args = (named, *args)
    elif args and all(isinstance(item, keras.KerasTensor) for item in args):
        args = _packed(model, list(args))
    return Given(args, kwargs, maker.tensors)


def arguments_of(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments by name, in the order in which the layer takes them."""
    try:
        return inspect.signature(layer.call).bind(*args, **kwargs).arguments
    except TypeError:  # arguments that it doesn't take, as it will say itself
        return {"": args, **kwargs}


class _Maker:
    """Makes symbolic tensors wherever they stand in a call's values, and remembers them in order."""

    def __init__(self, batch: int | None, dtype: str | None) -> None:
        self.tensors: list[tuple[str, Any, str | None]] = []
        self._batch = batch
        self._dtype = dtype

    def make(self, value: Any, name: str, declared: Any) -> Any:
        """``value`` with its specs and arrays as symbolic tensors; ``declared`` is the input that it is for."""
        if isinstance(value, Spec):
            shape = value.shape
            if declared is not None and len(shape) < len(declared.shape):
                shape = (self._batch or 1, *shape)
            return self._keep(name, shape, value.dtype or _dtype(declared, self._dtype))
        if _is_array(value):
            if hasattr(value, "detach"):
                raise BadRequestError("give a Keras model shapes or its backend's arrays, not torch's tensors")
            _check_rank(name, tuple(value.shape), declared)
            return self._keep(name, tuple(value.shape), keras.backend.standardize_dtype(value.dtype))
        if isinstance(value, Mapping):
            return {key: self.make(item, f"{name}.{key}", None) for key, item in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(self.make(item, f"{name}.{index}", None) for index, item in enumerate(value))
        return value

    def _keep(self, name: str, shape: tuple[Any, ...], dtype: str) -> Any:
        if any(not isinstance(size, int) for size in shape):
            raise InputError(f"the input {name} has unknown sizes: a ragged or symbolic tensor is not an input")
        tensor = keras.KerasTensor(shape, dtype=dtype)
        self.tensors.append((name, tensor, _layout(len(shape))))
        return tensor


def _check_rank(name: str, shape: tuple[Any, ...], declared: Any) -> None:
    """Raises InputError for an array that Keras wouldn't take for an input: it adds or drops a last size of 1 alone."""
    wanted = shape if declared is None else tuple(declared.shape)
    if len(shape) == len(wanted) or (shape[-1:] == (1,) and len(shape) == len(wanted) + 1):
        return
    if wanted[-1:] != (1,) or len(shape) != len(wanted) - 1:
        text = "x".join("?" if size is None else str(size) for size in wanted)
        raise InputError(f"the input {name} is {text}, got {'x'.join(map(str, shape)) or 'scalar'}")


def _packed(model: Any, tensors: list[Any]) -> tuple[Any, ...]:
    """Tensors in a row as the model takes them: in its own structure, one for each argument, or in a list."""
    structure = _structure(model)
    if structure is not None and len(keras.tree.flatten(structure)) == len(tensors):
        return (keras.tree.pack_sequence_as(structure, tensors),)
    if len(tensors) == 1:
        return (tensors[0],)
    needed = [name for name, item in _arguments(model).items() if item.default is inspect.Parameter.empty]
    return tuple(tensors) if len(needed) > 1 else (tensors,)


def _structure(model: Any) -> Any:
    """How a functional model's inputs are nested; None for what is no such model, or has one input."""
    return getattr(getattr(model, "_functional", None) or model, "_inputs_struct", None)


def _arguments(model: Any) -> dict[str, inspect.Parameter]:
    """The arguments of a model's ``call`` that hold inputs."""
    signature = inspect.signature(model.call)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: item
        for name, item in signature.parameters.items()
        if item.kind in named and (name not in _CONTEXT or name == "mask")
    }


def _dtype(declared: Any, dtype: str | None) -> str:
    """What a declared input is made of: ids and masks stay what they are, floating ones are as asked."""
    own = None if declared is None else str(declared.dtype)
    if own is not None and (dtype is None or not keras.backend.is_float_dtype(own)):
        return own
    return dtype or str(keras.config.floatx())


def _layout(rank: int) -> str | None:
    return layout_of_rank(rank, _channels_come_first())


def _channels_come_first() -> bool:
    return bool(keras.config.image_data_format() == "channels_first")


def _numbered(index: int) -> str:
    return f"{INPUT}_{index}" if index else INPUT


def _example(tensor: Any) -> str:
    size = 224 if len(tensor.shape) > 3 else _EXAMPLE_SIZE
    return format_shape(size if item is None else item for item in tensor.shape[1:])


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")
