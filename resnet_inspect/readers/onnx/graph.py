"""An ONNX file's graph: its nodes in order, the tensors that it holds apart from them, and what it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from .functions import inner_graphs, written_out
from .guard import tame
from .nodes import Node, nodes_of
from .stored import Stored, held_by
from .wire import MALFORMED, UnsoundError, skeleton

#: Sets of operators that a file may be written in; honest ones name a few.
_MOST_OPSETS = 200


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file holds. ``inputs`` and ``outputs`` are ONNX's value infos; ``hints`` are the types that it claims,
    ``versions`` those of the operators by domain."""

    nodes: tuple[Node, ...]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    stored: dict[str, Stored]
    hints: dict[str, Any]
    opsets: tuple[Any, ...]
    versions: dict[str, int]
    ir_version: int
    name: str
    producer: str


def read(path: Path) -> Graph:
    """The graph in a file. Weights aren't read, wherever they stand, and nothing is run.

    Raises:
        UnsoundError: the file holds no sound model.
        OSError: it can't be read.
    """
    with path.open("rb", buffering=0) as file:
        content = skeleton(file)
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        raise UnsoundError(MALFORMED) from None
    if not model.HasField("graph") or not model.opset_import:
        raise UnsoundError(f"it holds no {'opset' if model.HasField('graph') else 'graph'}")
    return _graph(written_out(model))


def _graph(model: Any) -> Graph:
    graph = model.graph
    inner = tuple(inner_graphs(graph.node))
    for item in chain(model.opset_import, graph.node, *(part.node for part in inner)):
        if item.domain == "ai.onnx":
            item.domain = ""  # the other name of ONNX's own
    for value in (value for part in inner for value in (*part.input, *part.output, *part.value_info)):
        tame(value.type)
    if len(model.opset_import) > _MOST_OPSETS:
        raise UnsoundError(f"it is written in more than {_MOST_OPSETS} sets of operators")
    stored: dict[str, Stored] = {}
    for name, tensor in held_by(graph):
        if not name or stored.setdefault(name, tensor) is not tensor:
            raise UnsoundError(f"it holds two tensors called {name!r}" if name else "it holds a tensor without a name")
    inputs = tuple(value for value in graph.input if value.name not in stored)  # before IR 4, all initializers were
    names = {value.name for value in inputs}
    if len(names) < len(inputs):
        raise UnsoundError("it has two inputs of one name")
    hints = {value.name: value.type for value in (*graph.value_info, *graph.output)}
    nodes = nodes_of(graph, names, stored, hints)
    return Graph(
        nodes=tuple(nodes),
        inputs=inputs,
        outputs=tuple(graph.output),
        stored=stored,
        hints=hints,
        opsets=tuple(model.opset_import),
        versions={item.domain: item.version for item in reversed(model.opset_import)},
        ir_version=model.ir_version,
        name=graph.name,
        producer=model.producer_name,
    )
