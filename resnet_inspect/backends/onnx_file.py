"""The backend of ``.onnx`` files: their graphs as they are written, shapes by onnx's own inference. Nothing runs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx

from ..errors import InspectError, ModelError, first_line
from ..ir import UNKNOWN, Layer, Model, Parameter, Summary, Tensor, Trace
from ..ops.images import output_layout
from ..version import __version__
from .identities import Identities
from .onnx_attributes import attributes_of
from .onnx_cost import macs_of
from .onnx_graph import Graph, read
from .onnx_inputs import resolve_inputs
from .onnx_names import paths
from .onnx_ops import op_of
from .onnx_values import Values, follow
from .onnx_weights import parameters_of
from .onnx_wire import UnsoundError
from .request import Answer, Request, check_settled

#: Letters of a message about a file.
_LONGEST = 400


def summarize(request: Request) -> Answer:
    """Summarises the file at ``request.model``.

    Every node is a layer, but for those that nothing of the inputs or the parameters flows through: constants and
    arithmetic on shapes.

    Raises:
        ModelError: the file can't be read or is damaged.
        BadRequestError: the request asks for what only a framework can do, or the file leaves a size open.
        InputError: the input contradicts the file.
    """
    file = Path(request.model).name
    check_settled(request, file)
    try:
        return _summarize(read(Path(request.model)), file, request)
    except InspectError:
        raise
    except OSError as error:
        raise ModelError(f"{file} can't be read: {error.strerror or error}") from error
    except UnsoundError as error:
        raise ModelError(f"{file} is damaged: {_shortened(error)}") from error
    except Exception as error:
        # Whatever else a stranger's file may bring about: it is unlike what any exporter writes.
        raise ModelError(f"{file} is damaged, or no sound ONNX model: {_shortened(error)}") from error


def _shortened(error: Exception) -> str:
    """What an error says; names in a file may be of any length."""
    text = first_line(error)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _summarize(graph: Graph, file: str, request: Request) -> Answer:
    inputs = resolve_inputs(graph, file, request)
    parameters = parameters_of(graph)
    values = follow(graph, inputs.types, inputs.bound, parameters.keys())
    for name, layout in inputs.layouts.items():
        values.lay_out(name, layout)
    layers, modules = _layers(graph, values, parameters)
    unread = _unread(layers, parameters)
    summary = Summary(
        model=Model(file, "onnx", graph.producer),
        inputs=_tensors(values, [value.name for value in graph.inputs]),
        outputs=_tensors(values, [value.name for value in graph.outputs]),
        layers=(*layers, *unread),
        modules=(("", graph.name), *modules.items()),
        trace=Trace("graph", _reason(graph)),
        unused=tuple(p.name for layer in unread for p in layer.parameters if p.counted),
        environment=(
            ("resnet_inspect", __version__),
            ("python", platform.python_version()),
            ("onnx", onnx.__version__),
        ),
    )
    return Answer(summary, inputs.notes)


def _layers(graph: Graph, values: Values, parameters: Mapping[str, Parameter]) -> tuple[list[Layer], dict[str, str]]:
    """The inputs and the nodes as layers, and the modules around them."""
    nodes = [node for node in graph.nodes if not values.constant.issuperset(node.outputs)]
    calls = [values.call(node) for node in nodes]
    ops = [op_of(call) for call in calls]
    found, modules = paths(nodes, ops)
    identities = Identities()
    makers: dict[str, str] = {}
    layers = []
    for value in graph.inputs:
        path = value.name.replace("/", ".") or "input"
        makers[value.name] = identities.next(path)
        layers.append(Layer(makers[value.name], path, "Input", "input", output_tensors=_tensors(values, [value.name])))
    claimed: set[str] = set()
    for node, call, op, path in zip(nodes, calls, ops, found, strict=True):
        edges = [name for name in node.reads if name in makers]
        read = _tensors(values, edges)
        layouts = [tensor.layout for tensor in read]
        for name in node.outputs:
            if (made := values.tensor(name)) is not None:
                values.lay_out(name, output_layout(op, len(made.shape), layouts))
        used = list(dict.fromkeys(name for name in node.reads if name in parameters))
        attributes = attributes_of(call, op)
        layer = Layer(
            id=identities.next(path),
            path=path,
            type=node.kind,
            op=op,
            inputs=tuple(makers[name] for name in edges),
            input_tensors=read,
            output_tensors=_tensors(values, node.outputs),
            parameters=tuple(parameters[name] for name in used if name not in claimed),
            shared=tuple(name for name in used if name in claimed),
            macs=macs_of(call, op, attributes),
            attributes=attributes,
        )
        claimed.update(used)
        makers.update(dict.fromkeys(node.outputs, layer.id))
        layers.append(layer)
    return layers, modules


def _reason(graph: Graph) -> str | None:
    """What the rows can't tell: nobody knows beforehand which body runs, or how often."""
    closed = dict.fromkeys(node.kind for node in graph.nodes if node.has_body)
    return f"what runs inside {', '.join(closed)} isn't counted" if closed else None


def _tensors(values: Values, names: Sequence[str]) -> tuple[Tensor, ...]:
    return tuple(values.tensor(name) or UNKNOWN for name in names)


def _unread(layers: Sequence[Layer], parameters: Mapping[str, Parameter]) -> list[Layer]:
    """Layers, not called, for the parameters that no node reads."""
    claimed = {p.name for layer in layers for p in layer.parameters}
    identities = Identities([layer.id for layer in layers])
    return [
        Layer(identities.next(name), name, "Initializer", "other", parameters=(parameter,), called=False)
        for name, parameter in parameters.items()
        if name not in claimed
    ]
