"""Which layer a tensor's values come from: by its identity, and by its storage where it is written in place."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...ir import Tensor
from .compat import unwrapped
from .tensors import describe


@dataclass
class Written:
    """The last layer that wrote a tensor's values, and the tensor's layout."""

    tensor: weakref.ref[torch.Tensor]
    layer: str
    layout: str | None


class Edges:
    """Sources of tensors. Every meta tensor's ``data_ptr`` is 0, but each storage is an object of its own."""

    def __init__(self) -> None:
        self._sources: dict[int, Written] = {}
        self._by_storage: dict[int, list[Written]] = {}

    def tensor(self, value: torch.Tensor) -> Tensor:
        """A tensor with the layout that its layer gave it."""
        found = self._found(value)
        return describe(value, found.layout if found else None)

    def source(self, value: torch.Tensor) -> str | None:
        """The layer that ``value`` comes from; None if none made it (a constant, a parameter)."""
        found = self._found(value)
        return found.layer if found else None

    def _found(self, tensor: torch.Tensor) -> Written | None:
        tensor = unwrapped(tensor)  # outside of vmap and grad, nobody sees the wrapper again
        found = self._sources.get(id(tensor))
        return found if found is not None and found.tensor() is tensor else None

    def produced(self, value: torch.Tensor, layer: str, layout: str | None) -> None:
        """``layer`` made ``value``."""
        tensor = unwrapped(value)
        source = self._sources[id(tensor)] = Written(weakref.ref(tensor), layer, layout)
        storage = _storage(tensor)
        if storage is not None:
            self._by_storage.setdefault(storage, []).append(source)

    def written(self, tensors: Sequence[torch.Tensor], layer: str) -> None:
        """``layer`` wrote into ``tensors``: whoever looks at the same memory sees its values from now on."""
        for tensor in tensors:
            for view in (tensor, tensor._base):
                if view is not None and self.source(view) is None:
                    self.produced(view, layer, None)
            storage = _storage(tensor)
            alive = [s for s in self._by_storage.get(storage or 0, ()) if s.tensor() is not None]
            for source in alive:
                source.layer = layer
            if storage is not None:
                self._by_storage[storage] = alive


def _storage(tensor: torch.Tensor) -> int | None:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return None  # sparse and nested tensors have none
