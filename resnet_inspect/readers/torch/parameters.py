"""What a model holds, and which of it a call uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import torch
from torch import nn

from ...ir import HELD, Parameter
from . import operators
from .tensors import dtype_name
from .walk import modules_of, tensors_of

_STATISTICS = ("running_mean", "running_var")
#: The counter of a BatchNorm's steps: no state of the network's.
_COUNTER = "num_batches_tracked"


class Parameters:
    """What a model holds (parameters, statistics, buffers). Tied ones occur once."""

    def __init__(self, model: nn.Module) -> None:
        self._by_id: dict[int, Parameter] = {}
        #: Kept, so that no other tensor gets the identity of one that a forward replaces.
        self._tensors: list[Any] = []
        for name, parameter in tensors_of(model, "_parameters"):
            if nn.parameter.is_lazy(parameter):
                continue  # the first run tells its size
            role = "trainable" if parameter.requires_grad else "frozen"
            self._by_id[id(parameter)] = _describe(name, parameter, role)
            self._tensors.append(parameter)
        #: What is packed into objects, by the identity of torch's quantised module or of the object of a user's one.
        self._packed = {
            id(holder): _unpacked(path, weights)
            for path, module in modules_of(model)
            for holder, weights in operators.packed(module)
        }
        for name, buffer in tensors_of(model, "_buffers"):
            kind = name.rpartition(".")[2]
            if kind != _COUNTER and id(buffer) not in self._by_id and not nn.parameter.is_lazy(buffer):
                role = "statistics" if kind in _STATISTICS else "buffer"
                self._by_id[id(buffer)] = _describe(name, buffer, role)
                self._tensors.append(buffer)
        self._order = {parameter.name: index for index, parameter in enumerate(self)}

    def __contains__(self, tensor: torch.Tensor) -> bool:
        """Whether it is a parameter or a statistic; a buffer may be written, so that layers stand behind its values."""
        found = self._by_id.get(id(tensor))
        return found is not None and found.role != "buffer"

    def used(self, tensors: Iterable[torch.Tensor], *holders: Any) -> list[Parameter]:
        """Those of the ``tensors`` that the model holds, and what is packed into one of the ``holders``.

        These are the module that was called and what it has, or what a function was given.
        """
        found = [self._by_id[id(t)] for t in tensors if id(t) in self._by_id]
        if self._packed:
            found += chain.from_iterable(self._packed.get(id(holder), ()) for holder in holders)
        return found

    def in_order(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        """Each parameter once, in the order of the model's own: a layer's arguments come in that of its module."""
        return sorted({p.name: p for p in parameters}.values(), key=lambda parameter: self._order[parameter.name])

    def __iter__(self) -> Iterator[Parameter]:
        """All that the model holds, packed weights last."""
        return chain(self._by_id.values(), *self._packed.values())


def is_lazy(module: nn.Module) -> bool:
    """Whether a module's own sizes aren't known before the first run."""
    return any(parameter is not None and nn.parameter.is_lazy(parameter) for parameter in module._parameters.values())


def _unpacked(path: str, weights: Mapping[str, torch.Tensor | None]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(f"{path}.{name}" if path else name, tuple(tensor.shape), dtype_name(tensor), "frozen")
        for name, tensor in weights.items()
        if tensor is not None
    )


def _describe(name: str, tensor: Any, role: str) -> Parameter:
    shape = tuple(getattr(getattr(tensor, "quant_state", None), "shape", tensor.shape))
    stored = getattr(tensor, "stored_bytes", None)
    if shape != tuple(tensor.shape):  # bitsandbytes packs several weights into a byte
        stored = tensor.numel() * tensor.element_size()
    return Parameter(name, shape, dtype_name(tensor), role, role not in HELD, stored)
