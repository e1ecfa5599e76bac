"""TensorFlow's SavedModel folders: a signature's graph and the variables, as the protobuf says them. Nothing runs.

A row is an operation that depends on an input. What is done to variables alone (BatchNorm's scale times its
variance) is part of the operation that reads the result, which counts those variables.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import BadRequestError, InputError, InspectError
from ..ir import UNKNOWN, Layer, Model, Parameter, Summary, Tensor, Trace
from ..shape import format_shape
from ..version import __version__
from .graph_inputs import check_dtype, given_specs, sizes_text
from .identities import Identities
from .request import Answer, Request, check_settled
from .savedmodel_graph import Graph, Operation, Value, Variable, damaged, read
from .savedmodel_ops import describe, layout_of

#: What Keras keeps in a model that isn't trained: a BatchNorm's statistics, which it counts, and random generators.
_STATISTICS = ("moving_mean", "moving_variance")
_GENERATORS = ("seed_generator_state",)
#: What an example has where a file leaves a size open.
_SIDE, _LENGTH = 224, 128


def summarize(request: Request) -> Answer:
    """Summarises the signature ``serving_default`` in the folder ``request.model``; without any, its variables alone.

    Raises:
        ModelError: the file is damaged.
        BadRequestError: the request asks for what a finished graph hasn't got, or the file leaves a size open.
        InputError: the input contradicts the file.
    """
    path = Path(request.model)
    check_settled(request, path.name)
    try:
        return _summarized(path, request)
    except InspectError:
        raise
    except Exception as error:  # parts of a graph that don't fit together: a stride of 0, an operation without inputs
        raise damaged(path.name, error) from error


def _summarized(path: Path, request: Request) -> Answer:
    graph = read(path)
    parameters = {name: _parameter(variable) for name, variable in graph.variables.items()}
    inputs = _inputs(path.name, graph, request)
    rows = _Rows(graph, inputs, parameters)
    claimed = {p.name for layer in rows.layers for p in layer.parameters}
    unread = [p for name, p in parameters.items() if name not in claimed]
    cost = 0 if graph.signature else None
    layers = (*rows.layers, *_owners(unread, {layer.id for layer in rows.layers}, cost))
    summary = Summary(
        model=Model(path.name, "tensorflow", graph.producer),
        inputs=tuple(layer.output_tensors[0] for layer in layers[: len(graph.inputs)]),
        outputs=tuple(rows.tensor(value) or UNKNOWN for _, value in graph.outputs),
        layers=layers,
        modules=(("", "SavedModel"), *_scopes(layers)),
        trace=Trace("graph") if graph.signature else Trace("header", "it has no signature to follow"),
        unused=tuple(p.name for p in unread if p.role in ("trainable", "frozen")) if graph.signature else (),
        environment=(
            ("resnet_inspect", __version__),
            ("python", platform.python_version()),
            ("tensorflow", importlib.metadata.version("tensorflow")),
        ),
    )
    return Answer(summary)


class _Rows:
    """The layers of a graph, made one after the other: each needs the shapes of those that it reads."""

    def __init__(self, graph: Graph, inputs: Sequence[Tensor], parameters: Mapping[str, Parameter]) -> None:
        self.layers: list[Layer] = []
        self._parameters = parameters
        self._known: dict[tuple[int, int], Tensor] = {}
        self._ids: dict[int, str] = {}
        self._identities = Identities()
        self._claimed: set[str] = set()
        readers: dict[int | None, Operation] = {}
        for operation in graph.operations:
            for value in operation.reads:
                readers.setdefault(value.source, operation)
        for (name, value), given in zip(graph.inputs, inputs, strict=True):
            image = replace(given, layout=_layout(readers.get(value.source), given))
            identity = self._identities.next(name)
            self._remember(value, image, identity)
            self.layers.append(Layer(identity, name, "Placeholder", "input", output_tensors=(image,)))
        for operation in graph.operations:
            reads = [self.tensor(value) for value in operation.reads]
            op, attributes, output, macs = describe(operation, reads)
            edges = [value for value in operation.reads if value.source is not None]
            used = list(dict.fromkeys(name for value in operation.reads for name in value.variables))
            path = operation.name.replace("/", ".")
            identity = self._identities.next(path)
            gives = [output if value.index == 0 else _tensor(value) for value in operation.gives]
            for value, tensor in zip(operation.gives, gives, strict=True):
                self._remember(value, tensor, identity)
            self.layers.append(
                Layer(
                    id=identity,
                    path=path,
                    type=operation.kind,
                    op=op,
                    inputs=tuple(self._ids[value.source] for value in edges if value.source is not None),
                    input_tensors=tuple(known for value in edges if (known := self.tensor(value)) is not None),
                    output_tensors=tuple(tensor for tensor in gives if tensor is not None),
                    parameters=tuple(
                        parameters[name] for name in used if name in parameters and name not in self._claimed
                    ),
                    shared=tuple(name for name in used if name in self._claimed),
                    macs=macs,
                    attributes=attributes,
                )
            )
            self._claimed.update(used)

    def tensor(self, value: Value) -> Tensor | None:
        """What a value is, if all its sizes are known."""
        return _tensor(value) if value.source is None else self._known.get((value.source, value.index))

    def _remember(self, value: Value, tensor: Tensor | None, identity: str) -> None:
        assert value.source is not None
        self._ids[value.source] = identity
        if tensor is not None:
            self._known[value.source, value.index] = tensor


def _inputs(file: str, graph: Graph, request: Request) -> list[Tensor]:
    """The tensors that the signature is called with, in the order of its inputs, which is that of their names."""
    asked = given_specs(file, [name for name, _ in graph.inputs], request)
    found = []
    for name, value in graph.inputs:
        spec = asked.get(name)
        if spec is None and value.dims is None:
            raise BadRequestError(f"{file} doesn't say the shape of its input {name!r}: give it with --input")
        dims = value.dims
        declared = sizes_text(dims or ())
        if spec is None and dims is not None:
            shape = _with_batch(dims, request.batch)
        else:
            assert spec is not None
            shape = spec.shape
            if dims is not None and len(shape) == len(dims) - 1:
                shape = (*_with_batch(dims, request.batch)[:1], *shape)
            check_dtype(file, name, spec, value.dtype)
        if -1 in shape:
            example = " ".join(f"--input {name}={_example(dims)}" for name, item in graph.inputs if (dims := item.dims))
            raise BadRequestError(f"{file} leaves sizes of its input {name!r} open, {declared}: say {example}")
        if dims is not None and not _fits(shape, dims):
            raise InputError(f"{file}: its input {name!r} is {declared} in the file, got {format_shape(shape)}")
        if request.batch is not None and shape and shape[0] != request.batch:
            raise InputError(f"{file}: its input {name!r} is {format_shape(shape)}: the batch can't be {request.batch}")
        found.append(Tensor(shape, value.dtype))
    return found


def _with_batch(dims: tuple[int, ...], batch: int | None) -> tuple[int, ...]:
    return (batch or 1, *dims[1:]) if dims and dims[0] < 0 else dims


def _fits(shape: tuple[int, ...], dims: tuple[int, ...]) -> bool:
    return len(shape) == len(dims) and all(own in (-1, size) for own, size in zip(dims, shape, strict=True))


def _example(dims: tuple[int, ...]) -> str:
    size = _SIDE if len(dims) == 4 else _LENGTH
    return format_shape(size if item < 0 else item for item in (1, *dims[1:]))


def _tensor(value: Value) -> Tensor | None:
    return None if value.dims is None or -1 in value.dims else Tensor(value.dims, value.dtype)


def _layout(reader: Operation | None, tensor: Tensor) -> str | None:
    """An input's layout, if what reads it first takes it for an image."""
    layout = layout_of(reader) if reader is not None else None
    return layout if len(tensor.shape) == len(layout or "") else None


def _parameter(variable: Variable) -> Parameter:
    last = variable.name.rpartition("/")[2].partition(":")[0]
    if variable.trainable is None:
        role = "unknown"
    elif variable.trainable:
        role = "trainable"
    elif last in _STATISTICS:
        role = "statistics"
    else:
        role = "buffer" if last in _GENERATORS else "frozen"
    return Parameter(variable.name, variable.shape, variable.dtype, role, counted=role != "buffer")


def _owners(parameters: Iterable[Parameter], taken: set[str], macs: int | None) -> list[Layer]:
    """Rows, never called, of the variables that nothing reads, by what stands before the last part of their names."""
    groups: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        owner = parameter.name.rpartition("/")[0].replace("/", ".") or parameter.name
        groups.setdefault(owner, []).append(parameter)
    layers = []
    for owner, found in groups.items():
        path = f"{owner}.variables" if owner in taken else owner
        layers.append(Layer(path, path, "Variables", "other", parameters=tuple(found), macs=macs, called=False))
    return layers


def _scopes(layers: Iterable[Layer]) -> list[tuple[str, str]]:
    """The names around the operations' own, which are all that is left of a model's modules."""
    found: dict[str, str] = {}
    for layer in layers:
        parts = layer.path.split(".")
        for end in range(1, len(parts)):
            found.setdefault(".".join(parts[:end]), "Scope")
    return list(found.items())
