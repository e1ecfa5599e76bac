"""The tensors of one call, made on the device where the model runs, wherever they stand in its arguments."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn.utils.rnn import PackedSequence

from ....call import Call, Spec
from ....errors import BadRequestError, InputError
from ....shape import Resolved
from ...asked import asked_call
from ...request import Request
from ..tensors import tensors_in


@dataclass(frozen=True)
class Given:
    """What a forward is called with, and the tensors in it: name, tensor, layout."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[tuple[str, torch.Tensor, str | None]]


class Continuation(NamedTuple):
    """The call that goes on from an earlier one, and which of its arguments is the cache of that one.

    What the call returns has the next cache under the same name.
    """

    call: Call
    cache: str


@dataclass(frozen=True)
class Decode:
    """One step of decoding: ``prefill`` runs unrecorded, and ``step`` makes the recorded call of what it returned."""

    tokens: int
    prefill: Call
    step: Callable[[Any], Continuation]


def made(
    inputs: Sequence[Resolved | torch.Tensor] | Call, device: torch.device, dtype: str, as_list: bool = False
) -> Given:
    """The call that ``inputs`` mean, with tensors of zeros, or copies of the given ones, on ``device``.

    ``dtype`` is of shapes that say none. With ``as_list``, the model takes all in one list.
    """
    maker = _Maker(device, getattr(torch, dtype))
    if not isinstance(inputs, Call):
        row = [maker.make(item, "input") for item in inputs]
        return Given((row,) if as_list else tuple(row), {}, maker.tensors)
    args = tuple(maker.make(item, "input") for item in inputs.args)
    kwargs = {name: maker.make(item, name) for name, item in inputs.kwargs}
    return Given(args, kwargs, maker.tensors)


def asked(request: Request) -> Call | None:
    """The call of a request that says more than shapes in a row.

    Raises:
        BadRequestError: the JSON is not a call, or a batch was given beside the call's own.
        ModelError: the user's function isn't there, fails, or returns no tensor.
    """
    call = asked_call(request, lambda value: next(tensors_in(value), None) is not None)
    if call is not None and request.batch is not None:
        raise BadRequestError(
            "inputs with names or types, nested and real ones have their own batch: leave --batch out"
        )
    return call


class _Maker:
    """Makes tensors, each once however often it occurs, and remembers them in order."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.tensors: list[tuple[str, torch.Tensor, str | None]] = []
        self._device = device
        self._dtype = dtype
        self._copies: dict[int, torch.Tensor] = {}
        self._twins: dict[int, Any] = {}

    def make(self, value: Any, name: str) -> Any:
        """``value`` with all its tensors made; ``name`` is the first one's, or stands before theirs."""
        if isinstance(value, Resolved):
            return self._keep(torch.zeros(value.shape, dtype=self._dtype, device=self._device), name, value.layout)
        if isinstance(value, Spec):
            dtype = getattr(torch, value.dtype, None) if value.dtype else self._dtype
            if dtype is None:
                raise BadRequestError(f"torch has no element type {value.dtype!r}")
            return self._keep(torch.zeros(value.shape, dtype=dtype, device=self._device), name)
        if isinstance(value, torch.Tensor):
            if value.is_nested:
                raise InputError(f"{name} is a nested tensor, whose rows have sizes of their own: give a padded one")
            if id(value) not in self._copies:
                copied = value.detach().clone().to(self._device)
                self._copies[id(value)] = self._keep(copied, name)
            return self._copies[id(value)]
        if isinstance(value, PackedSequence):
            # How many sequences go on at each step is read as numbers: it stays where it is.
            sizes, moved = value.batch_sizes, [value.data, value.sorted_indices, value.unsorted_indices]
            data, first, second = (None if item is None else item.detach().to(self._device) for item in moved)
            return PackedSequence(self._keep(data, name), sizes, first, second)
        return self._opened(value, name)

    def _opened(self, value: Any, name: str) -> Any:
        """Containers and plain objects with tensors in them, rebuilt; anything else as it is."""
        if isinstance(value, Mapping):
            items = {key: self.make(item, f"{name}.{key}") for key, item in value.items()}
            return items if type(value) is dict else _rebuilt(value, items)
        if isinstance(value, (tuple, list)):
            row = [self.make(item, f"{name}.{key}") for key, item in _named(value)]
            return type(value)(*row) if hasattr(value, "_fields") else type(value)(row)
        if hasattr(value, "__dict__") and next(tensors_in(value), None) is not None:
            if id(value) in self._twins:  # an object may hold itself
                return self._twins[id(value)]
            twin = self._twins[id(value)] = copy.copy(value)
            for key, item in vars(value).items():
                object.__setattr__(twin, key, self.make(item, f"{name}.{key}"))
            return twin
        return value

    def _keep(self, tensor: Any, name: str, layout: str | None = None) -> Any:
        self.tensors.append((name, tensor, layout))
        return tensor


def _named(value: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    names = getattr(value, "_fields", None) or map(str, range(len(value)))
    return zip(names, value, strict=True)


def _rebuilt(value: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """A mapping of the same class with other items; transformers' outputs and OrderedDicts are such."""
    twin = copy.copy(value)
    for key, item in items.items():
        twin[key] = item  # type: ignore[index]
    return twin
