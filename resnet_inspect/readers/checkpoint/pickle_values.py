"""What a pickle of tensors may name, and what its values are here. Nothing that is named is imported or called.

The list is that of ``torch.load(weights_only=True)``, and classes of settings that training scripts save beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

#: Bytes of an element; of packed ones the part of a byte.
WIDTHS: Mapping[str, float] = {
    **dict.fromkeys(("bool", "uint8", "int8", "qint8", "quint8", "bits8", "bits1x8", "bits2x4", "bits4x2"), 1),
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16", "bits16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32", "qint32", "complex32"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
    "float4_e2m1fn_x2": 1,
    "quint4x2": 1 / 2,
    "quint2x4": 1 / 4,
}
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "UntypedStorage": "uint8",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
}
#: Name of a class of storages -> its element type.
_STORAGE_TYPES = {
    f"torch.{module}{name}": dtype for module in ("", "cuda.", "storage.") for name, dtype in _STORAGES.items()
}
_DTYPES = {f"torch.{name}": name for name in WIDTHS}
_MAPPINGS = frozenset(["builtins.dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter"])
#: Classes whose objects hold settings and numbers, which nobody looks into.
_OPAQUE = frozenset(
    [
        *(f"builtins.{name}" for name in ("bytearray", "bytes", "complex", "frozenset", "int", "float", "list")),
        *(f"builtins.{name}" for name in ("object", "range", "set", "slice", "str", "tuple", "bool")),
        *("_codecs.encode", "argparse.Namespace", "types.SimpleNamespace", "collections.deque", "typing.Any"),
        *(f"datetime.{name}" for name in ("date", "datetime", "timedelta", "timezone")),
        *(
            f"pathlib{module}.{name}"
            for module in ("", "._local")
            for name in ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
        ),
        *("numpy.ndarray", "numpy.dtype"),
        *(
            f"numpy.{core}.{name}"
            for core in ("core", "_core")
            for name in ("multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer")
        ),
        *("torch.device", "torch.serialization._get_layout", "torch.torch_version.TorchVersion", "torch.Tensor"),
        *(f"torch.{name}" for name in ("per_tensor_affine", "per_tensor_symmetric", "per_channel_affine")),
        *("torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams"),
        *(f"torch.{name.replace('Storage', 'Tensor')}" for name in _STORAGES),
        *(f"torch.cuda.{name.replace('Storage', 'Tensor')}" for name in _STORAGES),
        # Lightning's and fairseq's settings.
        *("pytorch_lightning.utilities.parsing.AttributeDict", "lightning.pytorch.utilities.parsing.AttributeDict"),
        *("lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict"),
        *(
            f"{package}.callbacks.{name}"
            for package in ("pytorch_lightning", "lightning.pytorch")
            for name in ("model_checkpoint.ModelCheckpoint", "early_stopping.EarlyStopping")
        ),
        *(f"omegaconf.{name}" for name in ("dictconfig.DictConfig", "listconfig.ListConfig")),
        *(f"omegaconf.base.{name}" for name in ("ContainerMetadata", "Metadata")),
        *(f"omegaconf.nodes.{name}Node" for name in ("Any", "Boolean", "Bytes", "Float", "Integer", "Path", "String")),
    ]
)
#: Dimensions of a tensor, and elements along one: torch counts them in 64 bits.
_MOST_DIMENSIONS = 128
_MOST_ELEMENTS = 2**63


class ForbiddenNameError(Exception):
    """A pickle names something that isn't on the list; the message is its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A function or class by its name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """The memory of tensors: its key in the file, the type of its elements, how many there are."""

    key: str
    dtype: str
    count: int

    @property
    def size(self) -> int:
        """Bytes; the packed types' elements are counted in bytes already."""
        return self.count * max(1, int(WIDTHS[self.dtype]))


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor: its element type and shape, and where it stands. Sparse ones and those on meta have no storage."""

    dtype: str
    shape: tuple[int, ...]
    storage: Storage | None = None
    offset: int = 0
    stride: tuple[int, ...] = ()
    requires_grad: bool = False


class Opaque:
    """A value that nobody looks into."""


OPAQUE = Opaque()


def named(module: str, name: str) -> Named:
    """A function or class that the pickle names.

    Raises:
        ForbiddenNameError: it isn't on the list.
    """
    full = f"{'builtins' if module == '__builtin__' else module}.{name}"
    if full in _MAKERS or full in _OPAQUE or full in _MAPPINGS or full in _STORAGE_TYPES or full in _DTYPES:
        return Named(full)
    raise ForbiddenNameError(f"{module}.{name}")


def called(function: Any, arguments: Any, charge: Callable[[int], None]) -> Any:
    """What a call in the pickle gives. ``charge`` is told of work that the pickle's own length doesn't bound.

    Raises:
        ValueError: the call isn't one that torch writes.
    """
    if not isinstance(function, Named) or not isinstance(arguments, tuple):
        raise ValueError("it calls what is not a function")
    if function.name in _MAPPINGS:
        return _mapping(arguments, charge)
    if function.name in _OPAQUE:
        return OPAQUE
    if function.name not in _MAKERS:
        raise ValueError(f"it calls {function.name}")
    made = _MAKERS[function.name](*arguments)
    # One row of sizes may be used a million times, and each time it is gone through and kept again.
    charge(len(made.shape) if isinstance(made, Tensor) else len(made))
    return made


def made_new(function: Any, arguments: Any, charge: Callable[[int], None]) -> Any:
    """What ``__new__`` of a class in the pickle gives; a dictionary's looks at no argument."""
    if isinstance(function, Named) and function.name in _MAPPINGS:
        return {}
    return called(function, arguments, charge)


def stored(identity: Any) -> Storage:
    """The storage that a persistent identity stands for: ``("storage", type, key, location, count[, view])``."""
    kind, type_, key, _, count, *view = identity
    if kind != "storage" or not isinstance(type_, Named) or not isinstance(key, str):
        raise ValueError("it names a storage otherwise than torch does")
    if view and view[0] is not None:
        raise ValueError("it has views of storages, as torch wrote before version 0.4")
    return Storage(key, _STORAGE_TYPES[type_.name], _natural(count))


def _mapping(arguments: tuple[Any, ...], charge: Callable[[int], None]) -> dict[Any, Any]:
    """A dictionary, with the items that it is made of: Python 2 wrote those of an OrderedDict as a list of pairs."""
    items = next((item for item in arguments if isinstance(item, (dict, list))), {})
    charge(len(items))
    made: dict[Any, Any] = {}
    for key, value in items.items() if isinstance(items, dict) else items:
        put(made, key, value)
    return made


def put(into: Any, key: Any, value: Any) -> None:
    """Sets an item of a dictionary. Keys that no state dictionary has are passed over, never hashed.

    A tuple nested in itself takes forever to hash, and large integers can be chosen so that all have one hash.
    """
    if isinstance(into, dict):
        if type(key) is str or (type(key) is int and 0 <= key < 2**32):
            into[key] = value
    elif into is not OPAQUE:
        raise ValueError("it sets items of what is not a dictionary")


def _natural(number: Any) -> int:
    if type(number) is not int or not 0 <= number < _MOST_ELEMENTS:
        raise ValueError("a tensor has a size that is not a natural number of 63 bits")
    return number


def _naturals(numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, (tuple, list)) or len(numbers) > _MOST_DIMENSIONS:
        raise ValueError("a tensor's sizes are not a short row of numbers")
    return tuple(map(_natural, numbers))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, dtype: str | None = None) -> Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor is in something that is not a storage")
    made = Tensor(dtype or storage.dtype, _naturals(size), storage, _natural(offset), _naturals(stride))
    if len(made.shape) != len(made.stride):
        raise ValueError("a tensor has more sizes than strides, or fewer")
    last = made.offset + sum((size - 1) * step for size, step in zip(made.shape, made.stride, strict=True))
    if 0 not in made.shape and (last + 1) * WIDTHS[made.dtype] > storage.size:
        raise ValueError(f"a tensor of the shape {made.shape[:8]} is larger than its storage of {storage.size} bytes")
    return made


def _with_dtype(storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any) -> Any:
    return _tensor(storage, offset, size, stride, _dtype(dtype))


def _dtype(value: Any) -> str:
    return _DTYPES[value.name]


def _of(value: Any, *_: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise ValueError("a parameter is not a tensor")
    return value


def _parameter(value: Any, requires_grad: Any, *_: Any) -> Tensor:
    return replace(_of(value), requires_grad=requires_grad is True)


def _sparse(_layout: Any, data: Sequence[Any]) -> Tensor:
    """Of indices, values and size, or of two kinds of indices, values and size."""
    values, size = (data[2], data[3]) if isinstance(data[2], Tensor) else (data[1], data[2])
    return Tensor(_of(values).dtype, _naturals(size))


def _from_type(function: Any, _type: Any, arguments: Any, *_: Any) -> Tensor:
    if function.name == "torch._tensor._rebuild_from_type_v2":
        raise ValueError("it nests the making of a tensor in itself")
    return _of(called(function, arguments, lambda _: None))


#: What makes tensors and their sizes: name -> the same on values of ours.
_MAKERS: dict[str, Callable[..., Any]] = {
    "torch.Size": _naturals,
    "torch.nn.parameter.Parameter": _of,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": lambda storage, offset, size, stride, *_: _tensor(storage, offset, size, stride),
    "torch._utils._rebuild_tensor_v3": _with_dtype,
    "torch._utils._rebuild_qtensor": lambda storage, offset, size, stride, *_: _tensor(storage, offset, size, stride),
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_meta_tensor_no_storage": lambda dtype, size, *_: Tensor(_dtype(dtype), _naturals(size)),
    "torch._utils._rebuild_wrapper_subclass": lambda _, dtype, size, *__: Tensor(_dtype(dtype), _naturals(size)),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": lambda data, dtype, *_: Tensor(
        _dtype(dtype), _of(data).shape
    ),
    "torch._tensor._rebuild_from_type_v2": _from_type,
}
