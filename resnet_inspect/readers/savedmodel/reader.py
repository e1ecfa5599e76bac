"""TensorFlow's SavedModel folders: a signature's graph and the variables, as the protobuf says them. Nothing runs.

A row is an operation that depends on an input. What is done to variables alone (BatchNorm's scale times its
variance) is part of the operation that reads the result, which counts those variables.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...errors import BadRequestError, InputError, InspectError
from ...ir import Layer, Model, Parameter, Summary, Tensor, Trace
from ...rows.builder import Rows
from ...shape import format_shape
from ...version import __version__
from ..graph_inputs import check_dtype, given_specs, sizes_text
from ..request import Answer, Request, check_settled
from .graph import Graph, Value, Variable, damaged, read
from .layouts import wanted_layouts
from .values import Values

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
    values = Values()
    rows = Rows(values)
    _add_operations(rows, values, graph, inputs, parameters)
    unread = rows.unclaimed(parameters.values())
    _add_unread(rows, unread, macs=0 if graph.signature else None)
    summary = Summary(
        model=Model(path.name, "tensorflow", graph.producer),
        inputs=tuple(values.tensor(value) for _, value in graph.inputs),
        outputs=tuple(values.tensor(value) for _, value in graph.outputs),
        layers=tuple(rows.layers),
        modules=(("", "SavedModel"), *_scopes(rows.layers)),
        trace=Trace("graph") if graph.signature else Trace("header", "it has no signature to follow"),
        unused=tuple(p.name for p in unread if p.role in ("trainable", "frozen")) if graph.signature else (),
        environment=(
            ("resnet_inspect", __version__),
            ("python", platform.python_version()),
            ("tensorflow", importlib.metadata.version("tensorflow")),
        ),
    )
    return Answer(summary)


def _add_operations(
    rows: Rows[Value], values: Values, graph: Graph, inputs: Sequence[Tensor], parameters: Mapping[str, Parameter]
) -> None:
    """Adds the inputs and the operations; arithmetic on shapes is worked out and has no rows."""
    wanted = wanted_layouts(graph.operations)
    for (name, value), given in zip(graph.inputs, inputs, strict=True):
        values.learn(value, given)
        layout = wanted.get((value.source, 0), "")
        rows.add_input(value, name, "Placeholder", layout if len(layout) == len(given.shape) else None)
    for operation in graph.operations:
        number = operation.gives[0].source if operation.gives else None
        op, attributes, _, macs, macs_at_least = values.infer(operation, wanted.get((number, 0)))
        if operation.flows:
            layouts = [values.tensor(value).layout for value in operation.gives]
            used = [parameters[name] for value in operation.reads for name in value.variables if name in parameters]
            path = operation.name.replace("/", ".")
            rows.add(
                path,
                operation.kind,
                op,
                operation.reads,
                operation.gives,
                used,
                attributes,
                macs,
                layouts,
                macs_at_least=macs_at_least,
            )


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


def _add_unread(rows: Rows[Value], parameters: Iterable[Parameter], macs: int | None) -> None:
    """Rows, never called, of the variables that nothing reads, by what stands before the last part of their names."""
    taken = {layer.id for layer in rows.layers}
    groups: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        owner = parameter.name.rpartition("/")[0].replace("/", ".") or parameter.name
        groups.setdefault(owner, []).append(parameter)
    for owner, found in groups.items():
        path = f"{owner}.variables" if owner in taken else owner
        rows.add_uncalled(path, "Variables", "other", found, macs=macs)


def _scopes(layers: Iterable[Layer]) -> list[tuple[str, str]]:
    """The names around the operations' own, which are all that is left of a model's modules."""
    found: dict[str, str] = {}
    for layer in layers:
        parts = layer.path.split(".")
        for end in range(1, len(parts)):
            found.setdefault(".".join(parts[:end]), "Scope")
    return list(found.items())
