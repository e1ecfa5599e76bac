"""Who owns which parameter: each is counted in exactly one layer, the first that uses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn

from ..ir import Layer, Parameter
from . import torch_ops
from .torch_tensors import dtype_name

_STATISTICS = ("running_mean", "running_var")


class Parameters:
    """The parameters and statistics of a model, and those that a layer counts already. Tied ones occur once."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._by_id: dict[int, Parameter] = {}
        self._claimed: set[str] = set()
        for name, parameter in model.named_parameters():
            self._by_id[id(parameter)] = _describe(
                name, parameter, "trainable" if parameter.requires_grad else "frozen"
            )
        for name, buffer in model.named_buffers():
            if name.rpartition(".")[2] in _STATISTICS:
                self._by_id[id(buffer)] = _describe(name, buffer, "statistics")

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._by_id

    def claim(self, tensors: Iterable[torch.Tensor]) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
        """What a layer that uses ``tensors`` counts, and the names of what an earlier one counts."""
        used = {p.name: p for p in (self._by_id[id(t)] for t in tensors if id(t) in self._by_id)}
        new = tuple(p for name, p in used.items() if name not in self._claimed)
        shared = tuple(name for name in used if name in self._claimed)
        self._claimed.update(used)
        return new, shared

    def place_unused(self, layers: list[Layer]) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
        """All layers, with a place for parameters that no call used, and the names of those.

        A parameter's place is the first layer inside its owner, or else a layer of its own, not called.
        """
        unclaimed = [p for p in self._by_id.values() if p.name not in self._claimed]
        unused = tuple(p.name for p in unclaimed if p.role != "statistics")
        by_owner: dict[str, list[Parameter]] = {}
        for parameter in unclaimed:
            by_owner.setdefault(parameter.name.rpartition(".")[0], []).append(parameter)
        if not by_owner:
            return tuple(layers), ()
        placed = list(layers)
        first_inside: dict[str, int] = {}
        for index, layer in enumerate(placed):
            if layer.op != "input":
                parts = layer.path.split(".")
                for end in range(len(parts)):
                    first_inside.setdefault(".".join(parts[:end]), index)
        modules = dict(self._model.named_modules())
        for owner, parameters in by_owner.items():
            if owner in first_inside:
                index = first_inside[owner]
                placed[index] = replace(placed[index], parameters=(*placed[index].parameters, *parameters))
                continue
            op, attributes = torch_ops.describe_module(modules[owner])
            kind = type(modules[owner]).__name__
            path = owner or kind
            calls = sum(layer.path == path for layer in placed)
            placed.append(
                Layer(
                    id=path if not calls else f"{path}:{calls + 1}",
                    path=path,
                    type=kind,
                    op=op,
                    parameters=tuple(parameters),
                    attributes=attributes,
                    called=False,
                )
            )
        return tuple(placed), unused


def _describe(name: str, tensor: torch.Tensor, role: str) -> Parameter:
    return Parameter(name, tuple(tensor.shape), dtype_name(tensor), role, counted=role != "statistics")
