"""A small residual network written down layer by layer, and what people do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from resnet_inspect.blocks.flavor import TORCH
from resnet_inspect.blocks.graph import INPUT, Graph, GraphBuilder, Node
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local.reader import expected_input, resolve_input, run
from resnet_inspect.readers.request import Request

#: The layers by their paths, in order.
Nodes = dict[str, Node]


def nodes() -> Nodes:
    """A stem, three residual blocks of 8 channels, and a classifier."""
    graph = GraphBuilder(TORCH)
    last = graph.conv("stem.conv", INPUT, (3, 8), 3, padding=1)
    last = graph.batch_norm("stem.norm", last, 8, 1e-5, 0.1)
    last = graph.relu("stem.relu", last)
    for block in ("body.a", "body.b", "body.c"):
        fork = last
        last = graph.conv(f"{block}.conv1", last, (8, 8), 3, padding=1)
        last = graph.batch_norm(f"{block}.norm1", last, 8, 1e-5, 0.1)
        last = graph.relu(f"{block}.relu1", last)
        last = graph.conv(f"{block}.conv2", last, (8, 8), 3, padding=1)
        last = graph.batch_norm(f"{block}.norm2", last, 8, 1e-5, 0.1)
        last = graph.op(f"{block}.add", "add", last, fork, is_module=False)
        last = graph.relu(f"{block}.relu2", last)
    last = graph.op("head.pool", "adaptive_avg_pool2d", last, output_size=(1, 1))
    last = graph.op("head.flatten", "flatten", last, is_module=False, start_dim=1, end_dim=-1)
    graph.op("head.fc", "dense", last, in_features=8, out_features=10, bias=True)
    return {node.path: node for node in graph.nodes}


def summary(made: Nodes | None = None, dtype: str = "float32") -> Summary:
    """The network of these layers; its modules are those that the paths name."""
    made = nodes() if made is None else made
    kinds = {"": "Toy", "stem": "Stem", "body": "Body", "head": "Head"}
    modules: dict[str, str] = {"": "Toy"}
    for path, node in made.items():
        parts = path.split(".")
        for end in range(1, len(parts)):
            around = ".".join(parts[:end])
            modules.setdefault(around, kinds.get(around, "Block"))
        if node.op not in ("add", "flatten"):
            modules.setdefault(path, TORCH.types[node.op])
    graph = Graph("toy", TORCH, "test", 3, (8, 8), tuple(made.values()), tuple(modules.items()))
    return run(graph, resolve_input(Request(), "toy", expected_input(TORCH, 3, (8, 8))), dtype)


def set_to(made: Nodes, path: str, **settings: Any) -> None:
    """Another setting of a layer."""
    made[path] = made[path]._replace(attributes=tuple({**dict(made[path].attributes), **settings}.items()))


def put_behind(made: Nodes, path: str, node: Node) -> Nodes:
    """The layers with one more, which reads ``path`` and is read by all that have read it."""
    found: Nodes = {}
    for name, each in made.items():
        found[name] = each._replace(inputs=tuple(node.id if source == path else source for source in each.inputs))
        if name == path:
            found[node.path] = node
    return found


def taken_out(made: Nodes, path: str) -> Nodes:
    """The layers without one; what has read it reads what it has read first."""
    (source, *_) = made[path].inputs
    return {
        name: each._replace(inputs=tuple(source if read == path else read for read in each.inputs))
        for name, each in made.items()
        if name != path
    }


def renamed(made: Nodes, names: Callable[[str], str]) -> Nodes:
    """The layers under other names."""
    found = [
        node._replace(id=names(node.id), path=names(path), inputs=tuple(map(names, node.inputs)))
        for path, node in made.items()
    ]
    return {node.path: node for node in found}


def with_layers(made: Summary, changed: Mapping[str, Mapping[str, Any]]) -> Summary:
    """The summary with other fields of some layers."""
    return replace(made, layers=tuple(replace(layer, **changed.get(layer.id, {})) for layer in made.layers))
