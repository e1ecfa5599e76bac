"""Who owns which parameter: each is counted in exactly one layer, the first that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import torch
from torch import nn

from ..ir import HELD, Attributes, Layer, Parameter
from . import torch_ops
from .torch_tensors import dtype_name
from .torch_walk import modules_of, tensors_of
from .unused import place_unused

_STATISTICS = ("running_mean", "running_var")
#: The counter of a BatchNorm's steps: no state of the network's.
_COUNTER = "num_batches_tracked"


class Parameters:
    """What a model holds (parameters, statistics, buffers), and what a layer counts already. Tied ones occur once."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._by_id: dict[int, Parameter] = {}
        self._claimed: set[str] = set()
        for name, parameter in tensors_of(model, "_parameters"):
            if nn.parameter.is_lazy(parameter):
                continue  # the first run tells its size
            role = "trainable" if parameter.requires_grad else "frozen"
            self._by_id[id(parameter)] = _describe(name, parameter, role)
        self._packed = {
            id(module): _unpacked(path, module) for path, module in modules_of(model) if torch_ops.is_packed(module)
        }
        for name, buffer in tensors_of(model, "_buffers"):
            kind = name.rpartition(".")[2]
            if kind != _COUNTER and id(buffer) not in self._by_id and not nn.parameter.is_lazy(buffer):
                role = "statistics" if kind in _STATISTICS else "buffer"
                self._by_id[id(buffer)] = _describe(name, buffer, role)

    def __contains__(self, tensor: torch.Tensor) -> bool:
        """Whether it is a parameter or a statistic; a buffer may be written, so that layers stand behind its values."""
        found = self._by_id.get(id(tensor))
        return found is not None and found.role != "buffer"

    def claim(
        self, tensors: Iterable[torch.Tensor], module: nn.Module | None = None
    ) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
        """What a layer that uses ``tensors`` counts, and the names of what an earlier one counts.

        ``module`` is the one that was called, if one was: its weights may be packed into no tensor of torch's.
        """
        used = {p.name: p for p in (self._by_id[id(t)] for t in tensors if id(t) in self._by_id)}
        used |= {p.name: p for p in self._packed.get(id(module), ())}
        new = tuple(p for name, p in used.items() if name not in self._claimed)
        shared = tuple(name for name, p in used.items() if name in self._claimed and p.role != "buffer")
        self._claimed.update(used)
        return new, shared

    def place_unused(self, layers: Sequence[Layer]) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
        """All layers, with a place for parameters that no call used, and the names of those."""
        modules = dict(modules_of(self._model))

        def describe(path: str) -> tuple[str, str, Attributes]:
            return (type(modules[path]).__name__, *torch_ops.describe_module(modules[path]))

        packed = chain.from_iterable(self._packed.values())
        return place_unused(layers, (*self._by_id.values(), *packed), describe)


def is_lazy(module: nn.Module) -> bool:
    """Whether a module's own sizes aren't known before the first run."""
    return any(parameter is not None and nn.parameter.is_lazy(parameter) for parameter in module._parameters.values())


def _unpacked(path: str, module: Any) -> tuple[Parameter, ...]:
    """The weights of one of torch's quantised modules, which keeps them as an object of its own."""
    named = {"weight": module.weight(), "bias": module.bias()}
    return tuple(
        Parameter(f"{path}.{name}" if path else name, tuple(tensor.shape), dtype_name(tensor), "frozen")
        for name, tensor in named.items()
        if tensor is not None
    )


def _describe(name: str, tensor: Any, role: str) -> Parameter:
    shape = tuple(getattr(getattr(tensor, "quant_state", None), "shape", tensor.shape))
    stored = getattr(tensor, "stored_bytes", None)
    if shape != tuple(tensor.shape):  # bitsandbytes packs several weights into a byte
        stored = tensor.numel() * tensor.element_size()
    return Parameter(name, shape, dtype_name(tensor), role, role not in HELD, stored)
