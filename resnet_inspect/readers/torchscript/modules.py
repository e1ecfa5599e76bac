"""The objects of a TorchScript archive, made from what its pickles say: modules with tensors on meta, or zeros."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from .archive import Archive, Kind
from .pickle import Global, Instance, RefusedArchiveError, Stored

#: Kinds of storages, as pickles name them, and what their elements are.
_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "QInt8Storage": torch.qint8,
    "QUInt8Storage": torch.quint8,
    "QInt32Storage": torch.qint32,
}
#: Bytes of values, of buffers and constants, that a run on real tensors reads; the rest are zeros.
_MOST_VALUES = 64 * 2**20
#: Tensors and objects together, and values if each list was written out wherever it is used.
_MOST_OBJECTS = 100_000
_MOST_WRITTEN = 1_000_000
#: Elements of one tensor: more than any memory has, and far from where 64 bits end.
MOST_ELEMENTS = 2**40


#: Is told an operator's overload and its arguments, and what computes it.
Listener = Callable[[Any, list[Any], dict[str, Any], Callable[[], Any]], Any]


class Scripted(nn.Module):
    """A module of an archive. ``values`` are its attributes other than modules, parameters and buffers.

    Nothing of it is looked up by Python's ``getattr`` with a name from the file: ``get`` and ``put`` know its tables.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind.name
        self.original_name = kind.name.rpartition(".")[2]
        self.values: dict[str, Any] = {}
        self.run: Callable[..., Any] | None = None
        #: Set on the root alone: calls a listener around each operator that the code calls.
        self.listen: Callable[[Listener | None], None] | None = None

    def get(self, name: str) -> Any:
        """The attribute of this name; raises KeyError."""
        if name == "training":
            return self.training
        for table in (self._modules, self._parameters, self._buffers):
            if name in table:
                return table[name]
        return self.values[name]

    def put(self, name: str, value: Any) -> None:
        """Sets an attribute that isn't a module."""
        if name == "training":
            self.training = value is True
        elif name in self._modules:
            raise RefusedArchiveError(f"its code puts something else in the place of the module {name}")
        elif name in self._parameters and isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif name in self._buffers and isinstance(value, torch.Tensor):
            self._buffers[name] = value
        else:
            self.values[name] = value

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the archive's code computes."""
        if self.run is None:
            raise RefusedArchiveError(f"its class {self.kind} has no forward")
        return self.run(*args, **kwargs)


@dataclass(slots=True, eq=False)
class Thing:
    """An object of a class of the archive that isn't a module."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The weights of a quantised layer: a ``linear`` or ``conv2d`` ``form``, its ``geometry`` strides and paddings."""

    form: str
    weight: Stored | torch.Tensor
    bias: torch.Tensor | None
    geometry: tuple[tuple[int, ...], ...] = ()
    groups: int = 1
    transposed: bool = False


class Loader:
    """Makes the objects of an archive on ``device``, each once. ``setstate`` runs a class' ``__setstate__``."""

    def __init__(self, archive: Archive, device: str, setstate: Callable[[Any, Kind, Any], None]) -> None:
        self._archive = archive
        self._device = device
        self._setstate = setstate
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()
        self._storages: dict[tuple[str, torch.dtype, str], torch.Tensor] = {}
        self._objects = 0
        self._written: dict[int, int] = {}
        self._counted: set[int] = set()
        self._values = _MOST_VALUES

    def make(self, value: Any, place: str = "data", parameter: bool = False) -> Any:
        """``value`` of a pickle with its tensors and objects; ``place`` is the folder of its storages."""
        if isinstance(value, Global):
            return _device(value.name)
        if not isinstance(value, (list, tuple, dict, Stored, Instance)):
            return _number(value)
        identity = id(value)
        if identity in self._made:
            return self._made[identity]
        if identity in self._open:
            raise RefusedArchiveError("an object in it holds itself")
        self._open.add(identity)
        made: Any
        if isinstance(value, (Stored, Instance)):
            self._objects += 1
            if self._objects > _MOST_OBJECTS:
                raise RefusedArchiveError(f"it holds more than {_MOST_OBJECTS} tensors and objects")
        if isinstance(value, Stored):
            made = self._tensor(value, place, parameter) if value.scales is None else self._quantised(value, place)
        elif isinstance(value, Instance):
            made = self._object(value, place)
        elif isinstance(value, dict):
            self._count(value, value.values())
            made = {_number(key): self.make(item, place) for key, item in value.items()}
        else:
            self._count(value, value)
            made = type(value)(self.make(item, place) for item in value)
        self._open.discard(identity)
        self._made[identity] = made
        return made

    def _count(self, value: Any, items: Iterable[Any]) -> None:
        """Adds up a container's values; one in which lists hold a list twice, level after level, is refused."""
        written = 1
        for item in items:
            if isinstance(item, (list, tuple, dict)):
                if id(item) not in self._written:
                    if id(item) in self._counted:
                        raise RefusedArchiveError("an object in it holds itself")
                    self._counted.add(id(item))
                    self._count(item, item.values() if isinstance(item, dict) else item)
                written += self._written[id(item)]
            else:
                written += 1
        if written > _MOST_WRITTEN:
            raise RefusedArchiveError("a list in it holds too many values")
        self._written[id(value)] = written

    def _object(self, value: Instance, place: str) -> Any:
        if value.kind.startswith("__torch__.torch.classes."):
            return self._packed(value, place)
        kind = self._archive.find(value.kind)
        if not isinstance(kind, Kind):
            raise RefusedArchiveError(f"a pickle in it makes an object of {value.kind}, which is a function")
        if kind.base == "Enum":
            return Thing(kind.name, {"value": self.make(value.state[0], place)})
        made = Scripted(kind) if kind.base == "Module" else Thing(kind.name)
        if "__setstate__" in kind.methods:
            self._setstate(made, kind, self.make(value.state, place))
            return made
        if not isinstance(value.state, dict):
            raise RefusedArchiveError(f"an object of {value.kind} has a state that isn't a dictionary")
        # A parameter may be in a list of the same module, too.
        for name in sorted(value.state, key=lambda name: name not in kind.parameters):
            item = self.make(value.state[name], place, name in kind.parameters)
            self._register(made, kind, name, item)
        return made

    def _register(self, made: Scripted | Thing, kind: Kind, name: Any, item: Any) -> None:
        if not isinstance(name, str) or not name or "." in name or len(name) > 200:
            raise RefusedArchiveError(f"an object of {kind.name} has an attribute {str(name)[:50]!r}")
        if isinstance(made, Thing):
            made.values[name] = item
        elif isinstance(item, Scripted):
            made._modules[name] = item
        elif name in kind.parameters and (item is None or isinstance(item, nn.Parameter)):
            made._parameters[name] = item
        elif name in kind.buffers and (item is None or isinstance(item, torch.Tensor)):
            made._buffers[name] = item
        else:
            made.put(name, item)
            if name == "in_channels" and isinstance(item, int):
                made.in_channels = item

    def _quantised(self, stored: Stored, place: str) -> Stored:
        """A quantised weight as it is described, if its bytes are there."""
        dtype = _DTYPES.get(stored.storage.kind)
        if dtype is None or self._archive.size(f"{place}/{stored.storage.key}") < math.prod(stored.size):
            raise RefusedArchiveError(f"its storage {place}/{stored.storage.key} is smaller than is said")
        return stored

    def _tensor(self, stored: Stored, place: str, parameter: bool) -> torch.Tensor:
        dtype = _DTYPES.get(stored.storage.kind)
        if dtype is None:
            raise RefusedArchiveError(f"a tensor in it has the kind {stored.storage.kind}, which isn't read")
        elements = math.prod(stored.size)
        if elements > MOST_ELEMENTS:
            raise RefusedArchiveError(f"a tensor in it has {elements} elements")
        parameter = parameter or stored.requires_grad
        # A number that the code's own steps are made with is known on meta, too.
        known = place == "constants" and not stored.size
        device = "cpu" if known else self._device
        key = (f"{place}/{stored.storage.key}", dtype, f"{device} {parameter and device != 'meta'}")
        base = self._storages.get(key)
        if base is None:
            needed = stored.storage.numel * dtype.itemsize
            there = self._archive.size(key[0])
            if there < needed:
                raise RefusedArchiveError(f"its storage {key[0]} has {there} bytes, but {needed} are said")
            base = torch.empty(0)
            if device == "meta":
                base = torch.empty(stored.storage.numel, dtype=dtype, device=device)
            elif parameter or there > self._values:
                base = torch.zeros(stored.storage.numel, dtype=dtype)
            else:
                self._values -= there
                base = _read(self._archive.storage(key[0], there), dtype, stored.storage.numel)
            self._storages[key] = base
        if base.numel() < stored.storage.numel:
            raise RefusedArchiveError(f"its storage {key[0]} has two sizes")
        tensor = torch.empty(0, dtype=dtype, device=device)
        tensor.set_(base.untyped_storage(), stored.offset, stored.size, stored.stride)
        if not parameter:
            return tensor
        return nn.Parameter(tensor, stored.requires_grad and (dtype.is_floating_point or dtype.is_complex))

    def _packed(self, value: Instance, place: str) -> Packed:
        """What torch's own classes of packed weights were saved with."""
        state = self.make(value.state, place)
        try:
            if value.kind == "__torch__.torch.classes.quantized.LinearPackedParamsBase":
                return Packed("linear", *state)
            for dims in (1, 2, 3):
                if value.kind == f"__torch__.torch.classes.quantized.Conv{dims}dPackedParamsBase":
                    return self._convolution(dims, value.state, state, place)
        except (TypeError, ValueError, IndexError) as error:
            raise RefusedArchiveError(f"the packed weights of a {value.kind} are damaged") from error
        raise RefusedArchiveError(f"a pickle in it makes an object of {value.kind}, which is foreign code")

    def _convolution(self, dims: int, raw: Any, state: Any, place: str) -> Packed:
        """The serialised forms 2 (numbers in a tensor of int16) and 3 (a list of numbers) of a convolution."""
        if state[0] == "2":
            stored = raw[1][0]
            data = self._archive.storage(f"{place}/{stored.storage.key}", 256)
            numbers = _read(data, torch.int16, stored.storage.numel).tolist()
            weight, bias = state[1][1], state[2][0]
        elif state[0] == 3:
            numbers = state[1]
            weight, bias = state[2][1], state[2][2] if len(state[2]) > 2 else None
        else:
            raise ValueError
        spatial = numbers[0]
        rows = [tuple(numbers[1 + i * spatial : 1 + (i + 1) * spatial]) for i in range(4)]
        groups, transposed = numbers[1 + 4 * spatial : 3 + 4 * spatial]
        # One dimension is packed as two.
        return Packed(f"conv{dims}d", weight, bias, tuple(rows), groups, bool(transposed))


def _read(data: bytes, dtype: torch.dtype, numel: int) -> torch.Tensor:
    if not numel:
        return torch.zeros(0, dtype=dtype)
    if dtype is torch.bool:  # a byte that is neither 0 nor 1 is not a value of it
        return torch.frombuffer(bytearray(data), dtype=torch.uint8, count=numel) != 0
    return torch.frombuffer(bytearray(data), dtype=dtype, count=numel)


def _number(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        raise RefusedArchiveError("it has a number of more than 64 bits")
    return value


def _device(name: str) -> torch.device:
    if name.startswith("device "):
        return device_of(name.removeprefix("device "))
    raise RefusedArchiveError(f"a pickle in it holds {name}, which isn't read")


def device_of(text: str) -> torch.device:
    """A device of the name that a file says; it is never used, but models compare them."""
    kind, _, index = text.partition(":")
    if kind not in ("cpu", "cuda", "meta", "mps", "xpu") or not (index == "" or (index.isdigit() and len(index) < 3)):
        raise RefusedArchiveError(f"no such device: {text[:50]!r}")
    return torch.device(text)
