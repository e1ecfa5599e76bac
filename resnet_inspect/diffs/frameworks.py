"""What it takes to compare a network in one framework with one in another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..ir import Layer, Parameter, Summary, Tensor
from .edges import depths
from .names import uncounted
from .result import LayerDiff

#: Settings that say how a framework computes, not what.
_ONLY_HOW = {"inplace"}
_OTHER_NAMES = {"epsilon": "eps"}


def framework(summary: Summary) -> str:
    """Whose conventions a summary follows: the local backend speaks the words of either."""
    if summary.model.backend in ("torch", "keras", "onnx", "tensorflow"):
        return summary.model.backend
    return "keras" if any(layer.type == "InputLayer" for layer in summary.layers) else "torch"


def channels_first(tensor: Tensor) -> Tensor:
    """The same tensor with its channels behind the batch."""
    if tensor.layout is None or not tensor.layout.endswith("C") or len(tensor.layout) != len(tensor.shape):
        return tensor
    *sizes, channels = tensor.shape
    first = 1 if tensor.layout.startswith("N") else 0
    return Tensor((*sizes[:first], channels, *sizes[first:]), tensor.dtype)


def canonical(summary: Summary) -> list[Layer]:
    """The layers in channels-first layout, with parameters counted as torch does (without statistics)."""
    return [
        replace(
            layer,
            op="global_avg_pool2d" if _is_global_pool(layer) else layer.op,
            input_tensors=tuple(replace(channels_first(t), layout=None) for t in layer.input_tensors),
            output_tensors=tuple(replace(channels_first(t), layout=None) for t in layer.output_tensors),
            parameters=tuple(replace(p, counted=p.role != "statistics") for p in layer.parameters),
            attributes=tuple((_OTHER_NAMES.get(k, k), v) for k, v in layer.attributes if k not in _ONLY_HOW),
        )
        for layer in summary.layers
    ]


def _is_global_pool(layer: Layer) -> bool:
    return layer.op == "adaptive_avg_pool2d" and all(t.shape[-2:] == (1, 1) for t in layer.output_tensors)


def settled_order(layers: Sequence[Layer]) -> list[Layer]:
    """The layers in an order that only the graph decides: of branches that join, the longest one first."""
    by_id = {layer.id: layer for layer in layers}
    depth = depths(layers)
    read = {source for layer in layers for source in layer.inputs}
    done: dict[str, Layer] = {}
    stack = [layer.id for layer in reversed(layers) if layer.id not in read]
    while stack:
        layer = by_id[stack[-1]]
        # The top of the stack is next, so the deepest input goes there last.
        waiting = [source for source in reversed(dict.fromkeys(layer.inputs)) if source not in done]
        if waiting:
            stack += sorted(waiting, key=depth.__getitem__)
        else:
            done.setdefault(stack.pop(), layer)
    return list(done.values())


def settled_names(summary: Summary) -> Sequence[Layer]:
    """The layers without the marks of the process that built them: Keras goes on counting ``dense_7`` from model to
    model, so its automatic names are numbered anew.
    """
    if framework(summary) != "keras":
        return summary.layers
    kinds = dict(summary.modules)
    names: dict[str, str] = {}
    used: dict[tuple[str, str], int] = {}
    ids: dict[str, str] = {}
    found = []
    for layer in summary.layers:
        parent = old = ""
        for part in layer.path.split("."):
            old = f"{old}.{part}" if old else part
            if old not in names:
                automatic = _snake(layer.type if old == layer.path else kinds.get(old, ""))
                if part.startswith(automatic) and re.fullmatch(r"(_\d+)?", part[len(automatic) :]):
                    count = used[parent, automatic] = used.get((parent, automatic), -1) + 1
                    part = f"{automatic}_{count}" if count else automatic
                names[old] = f"{parent}.{part}" if parent else part
            parent = names[old]
        ids[layer.id] = parent + layer.id.removeprefix(layer.path)
        inputs = tuple(ids[source] for source in layer.inputs)
        found.append(replace(layer, id=ids[layer.id], path=parent, inputs=inputs))
    return found


def counted(summary: Summary, layers: Sequence[Layer]) -> frozenset[str]:
    """The ids of ``layers`` whose names nobody gave: a function's, and an automatic one of Keras', count calls."""
    modules = {path for path, _ in summary.modules}
    if framework(summary) == "keras":
        return frozenset(
            layer.id for layer in layers if uncounted(layer.path).rpartition(".")[2] in (_snake(layer.type), layer.op)
        )
    return frozenset(layer.id for layer in layers if layer.path not in modules)


def _snake(kind: str) -> str:
    """The name that Keras gives a layer of a class: ``Conv2D`` -> ``conv2d``, ``ReLU`` -> ``re_lu``."""
    kind = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()


def folded_norms(layers: Sequence[LayerDiff]) -> frozenset[str]:
    """The ids of norms of one side that an exporter has folded into the convolution before them on the other."""
    sides = [(layer.old, layer.new) for layer in layers]
    return _folded(sides) | _folded([(new, old) for old, new in sides])


def _folded(pairs: Sequence[tuple[Layer | None, Layer | None]]) -> frozenset[str]:
    """The ids of norms that only the first side has.

    The layer that such a norm reads has a bias on the other side, and as many channels as the norm. Its scale is in the
    weights: ``w * gamma / sqrt(var + eps)``.
    """
    both = {one.id: (one, other) for one, other in pairs if one and other}
    found = set()
    for norm, other in pairs:
        if other or not norm or norm.op != "batch_norm" or not norm.inputs:
            continue
        before, after = both.get(norm.inputs[0], (None, None))
        if before is None or after is None or after.attribute("out_channels") != norm.attribute("channels"):
            continue
        # An exporter keeps one tensor of equal biases, so that the parameters of others don't grow.
        if (before.attribute("bias"), after.attribute("bias")) == (False, True):
            found.add(norm.id)
    return frozenset(found)


def reconcile(old: Summary, new: Summary) -> dict[str, int]:
    """The difference in counted parameters by what they are: exact, since every parameter is of one kind."""
    found: dict[str, int] = {}
    for summary, sign in ((new, 1), (old, -1)):
        for layer in summary.layers:
            for parameter in layer.parameters:
                if parameter.counted:
                    kind = _kind(layer, parameter)
                    found[kind] = found.get(kind, 0) + sign * parameter.size
    return {kind: amount for kind, amount in sorted(found.items(), key=lambda item: -abs(item[1])) if amount}


def _kind(layer: Layer, parameter: Parameter) -> str:
    op = (
        "convolution" if layer.op.startswith("conv") else layer.op.replace("batch_norm", "batch-norm").replace("_", " ")
    )
    if parameter.role == "statistics":
        return f"{op} statistics"
    name = parameter.name.replace("/", ".").rpartition(".")[2]
    # Files give biases other names, but they are always a number a channel.
    is_beside = len(parameter.shape) == 1 and any(len(p.shape) > 1 for p in layer.parameters)
    is_bias = name.endswith("bias") or (is_beside and op in ("convolution", "dense", "matmul"))
    return f"{op} biases" if is_bias and op != "batch-norm" else f"{op} weights"
