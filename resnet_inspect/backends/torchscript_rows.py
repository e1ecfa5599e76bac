"""The operators that TorchScript's interpreter ran, as layers of the modules whose weights they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..ir import Layer, Parameter, Summary, Tensor
from ..ops.images import output_layout
from . import aten
from .aten import Operator
from .identities import Identities


def named_by_modules(summary: Summary, modules: Mapping[str, str]) -> Summary:
    """``summary`` with rows named by what they use; ``modules`` has the class of each module by path.

    A view of a weight alone (``addmm`` multiplies with a transposed one) is no row, but the weight itself. Whatever
    uses weights of one module is that module's row, or stands in it if there are modules inside.
    """
    parameters = {p.name: p for layer in summary.layers for p in layer.parameters}
    order = {name: index for index, name in enumerate(parameters)}
    parents = {path.rpartition(".")[0] for path in modules if path}
    views: dict[str, tuple[str, ...]] = {}
    claimed: set[str] = set()
    layouts: dict[str, str | None] = {}
    ops: dict[str, str] = {}
    taken = Identities()
    ids: dict[str, str] = {}
    rows: list[Layer] = []
    for layer in summary.layers:
        used = [p.name for p in layer.parameters] + list(layer.shared)
        used += [name for source in layer.inputs for name in views.get(source, ())]
        flows = [pair for pair in zip(layer.inputs, layer.input_tensors, strict=True) if pair[0] not in views]
        if layer.called and used and not flows and layer.type in aten.VIEWS:
            views[layer.id] = tuple(used)
            continue
        # BatchNorm's and convolution's arguments come in the order of their module's.
        used = sorted(set(used), key=order.__getitem__)
        new = [name for name in used if name not in claimed]
        claimed.update(used)
        # A buffer that no call was seen to use is put where there is room: it says nothing of the operator.
        own = [name for name in new or used if parameters[name].role != "buffer"]
        path, kind = _place(layer, own, modules, parents)
        described = _described(layer, [p for name in used if (p := parameters[name]).role != "buffer"])
        if ops.setdefault(path, described.op) != described.op and used:
            path, kind = f"{path}.{layer.type}", layer.type  # a tied weight's other use
        sources = [ids[source] for source, _ in flows]
        known = [layouts.get(source) for source in sources]
        outputs = [
            tensor if layer.op == "input" else _with(tensor, output_layout(described.op, len(tensor.shape), known))
            for tensor in described.output_tensors
        ]
        identity = ids[layer.id] = taken.next(path)
        layouts[identity] = outputs[0].layout if outputs else None
        rows.append(
            replace(
                described,
                id=identity,
                path=path,
                type=kind,
                inputs=tuple(sources),
                input_tensors=tuple(
                    _with(tensor, layout if layout and len(layout) == len(tensor.shape) else None)
                    for (_, tensor), layout in zip(flows, known, strict=True)
                ),
                output_tensors=tuple(outputs),
                parameters=tuple(parameters[name] for name in new),
                shared=tuple(name for name in used if name not in new and parameters[name].role != "buffer"),
            )
        )
    return replace(summary, layers=tuple(rows), modules=tuple(modules.items()))


def _place(layer: Layer, used: Sequence[str], modules: Mapping[str, str], parents: set[str]) -> tuple[str, str]:
    """Path and type of a row that uses these parameters."""
    owners = {name.rpartition(".")[0] for name in used}
    owner = owners.pop() if len(owners) == 1 else ""
    if not layer.called:
        return layer.path, modules.get(layer.path, layer.type)
    if not owner or owner not in modules:
        return layer.path, layer.type
    return (f"{owner}.{layer.type}", layer.type) if owner in parents else (owner, modules[owner])


def _described(layer: Layer, parameters: Sequence[Parameter]) -> Layer:
    """A row with the op and the canonical attributes of its operator."""
    if not layer.called or layer.op == "input":
        return layer if layer.called else replace(layer, op="other", attributes=())
    arguments: dict[str, Any] = dict(layer.attributes)
    for parameter in parameters:
        arguments[_role(parameter, arguments)] = Tensor(parameter.shape, parameter.dtype)
    linear = layer.type in ("addmm", "mm") and "weight" in arguments
    operator = Operator("aten", "linear" if linear else layer.type, arguments, layer.output_tensors)
    op, attributes = aten.describe(operator)
    outputs = layer.output_tensors[: aten.output_count(operator)]
    if op == "other":
        return layer
    inplace = tuple(item for item in layer.attributes if item == ("inplace", True))
    return replace(layer, op=op, attributes=tuple(dict((*attributes, *inplace)).items()), output_tensors=outputs)


def _role(parameter: Parameter, arguments: Mapping[str, Any]) -> str:
    """What a parameter is to an operator: its name says it, or else its shape."""
    name = parameter.name.rpartition(".")[2]
    by_shape = (
        name if "weight" in arguments and "bias" in arguments else "weight" if len(parameter.shape) > 1 else "bias"
    )
    return next((known for known in ("weight", "bias") if name.endswith(known)), by_shape)


def _with(tensor: Tensor, layout: str | None) -> Tensor:
    return replace(tensor, layout=layout)
