"""The backend of ``.onnx`` files: their graphs as they are written, shapes by onnx's own inference. Nothing runs."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import onnx

from ...errors import InspectError, ModelError, first_line
from ...ir import UNKNOWN, Model, Parameter, Summary, Trace
from ...rows.builder import Keyed, Rows
from ...version import __version__
from ..request import Answer, Request, check_settled
from .control import Course, Operation, Same, follow
from .graph import Graph, read
from .inputs import resolve_inputs
from .names import paths
from .values import Values
from .weights import parameters_of
from .wire import UnsoundError

#: Letters of a message about a file.
_LONGEST = 400


def summarize(request: Request) -> Answer:
    """Summarises the file at ``request.model``.

    Every node is a layer, but for those that nothing of the inputs or the parameters flows through: constants and
    arithmetic on shapes. An If, a Loop and a Scan are the layers of what they run.

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
    values, course = follow(graph, inputs.types, inputs.bound, parameters.keys())
    known = Keyed[str](lambda name: values.tensor(name) or UNKNOWN)
    rows = Rows(known)
    for value in graph.inputs:
        rows.add_input(value.name, value.name.replace("/", ".") or "input", layout=inputs.layouts.get(value.name))
    modules = _add_nodes(rows, known, course, values, parameters)
    unread = rows.unclaimed(parameters.values())
    for parameter in unread:
        rows.add_uncalled(parameter.name, "Initializer", "other", [parameter])
    summary = Summary(
        model=Model(file, "onnx", graph.producer),
        inputs=tuple(known.tensor(value.name) for value in graph.inputs),
        outputs=tuple(known.tensor(value.name) for value in graph.outputs),
        layers=tuple(rows.layers),
        modules=(("", graph.name), *modules.items()),
        trace=Trace("graph", "; ".join(course.remarks) or None),
        unused=tuple(p.name for p in unread if p.counted and p.name not in course.elsewhere),
        environment=(
            ("resnet_inspect", __version__),
            ("python", platform.python_version()),
            ("onnx", onnx.__version__),
        ),
    )
    return Answer(summary, inputs.notes)


def _add_nodes(
    rows: Rows[str], known: Keyed[str], course: Course, values: Values, parameters: Mapping[str, Parameter]
) -> dict[str, str]:
    """Adds the nodes that run as layers; returns the modules around them."""
    operations = [step for step in course.steps if isinstance(step, Operation)]
    found, modules = paths([step.node for step in operations], [step.op for step in operations])
    at = iter(found)
    for step in course.steps:
        if isinstance(step, Same):
            known.same(step.name, step.other)
            continue
        node, attributes, macs = step.node, step.attributes, step.macs
        if step.steps > 1:
            attributes, macs = (*attributes, ("steps", step.steps)), None if macs is None else macs * step.steps
        used = [parameters[name] for name in map(values.origin, node.reads) if name in parameters]
        rows.add(next(at), node.kind, step.op, node.reads, node.outputs, used, attributes, macs)
    return modules
