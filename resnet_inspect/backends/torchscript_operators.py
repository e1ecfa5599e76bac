"""Calls of torch's operators by the code of an archive: by a list, with arguments that were checked one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import _disable_current_modes

from . import torchscript_allowed as allowed
from .torch_failure import NotOnMetaError
from .torch_known import form_key
from .torch_tensors import tensors_in
from .torchscript_modules import MOST_ELEMENTS
from .torchscript_pickle import RefusedError

#: A number beyond is no size, and would leave 64 bits where two are multiplied.
_MOST = 2**31
_MOST_DIMENSIONS = 16
#: Numbers in a list that says sizes or places, and tensors in a list.
_MOST_NUMBERS = 64
_MOST_TENSORS = 10_000
#: Elements of a tensor of whole numbers whose values are kept in a run on meta.
_MOST_KNOWN = 4096
#: Bytes of one real tensor, and of all that live at a time.
_MOST_BYTES = 2**28
_MOST_LIVE = 2**30
#: Operators of which nothing is known to end soon: steps of a recurrent layer, an operator as such.
_STEP, _CALL = 100, 10
#: The types that torch's code writes as numbers.
DTYPES: dict[int, torch.dtype] = {
    0: torch.uint8,
    1: torch.int8,
    2: torch.int16,
    3: torch.int32,
    4: torch.int64,
    5: torch.float16,
    6: torch.float32,
    7: torch.float64,
    9: torch.complex64,
    10: torch.complex128,
    11: torch.bool,
    12: torch.qint8,
    13: torch.quint8,
    14: torch.qint32,
    15: torch.bfloat16,
}
NUMBERS = {dtype: number for number, dtype in DTYPES.items()}
_FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last, torch.channels_last_3d)
#: Operators that take scalars of any size, as values.
_VALUES = ("fill", "clamp", "clip", "eq", "ne", "lt", "le", "gt", "ge", "where", "full", "mul", "add", "sub", "scalar")


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    kind: str
    optional: bool
    #: A lone number stands for a list.
    broadcasts: bool
    keyword: bool
    needed: bool
    written: bool


class MismatchError(Exception):
    """An argument isn't of the kind that an overload takes."""


class Operators:
    """Calls operators with tensors on ``device``: ``meta``, or ``cpu`` where values are needed.

    ``spend`` is told what a call costs, and raises once it is too much.
    """

    def __init__(self, device: str, spend: Any) -> None:
        self._device = torch.device(device)
        self._spend = spend
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._bytes = 0
        self._forms: dict[Any, list[torch.Tensor]] = {}

    def call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What the operator ``aten::conv2d`` gives.

        Raises:
            RefusedError: the operator isn't in the list, or an argument is of no kind or size that is allowed.
            NotOnMetaError: it needs values that tensors on meta haven't got.
        """
        if name not in allowed.ALLOWED:
            raise RefusedError(f"its code calls {name}, which is not an operator that is read")
        self._spend(_CALL)
        function, row, named = _bound(name, args, kwargs, self._device)
        given = list(tensors_in((row, named)))
        if name in allowed.FACTORIES:
            return self._made(name, function, row, named)
        if name in allowed.MANY:
            self._spend(_count(name, row, named))
        if name in allowed.RECURRENT and given[0].dim() > 1:
            layers = 1 + sum(1 for value in tensors_in(row[2]))
            self._spend(_STEP * layers * max(given[0].shape[:2]))
        real = [tensor for tensor in given if not tensor.is_meta]
        if self._device.type == "meta" and len(real) < len(given) and real:
            row, named = self._lifted(name, function, row, named)
            real = []
        if not given or real:
            output = self._real(name, function, row, named, given)
        else:
            output = function(*row, **named)
        return _checked(name, output)

    def dtype(self, number: Any) -> torch.dtype | None:
        """The element type of a number of the code's; None for none."""
        return None if number is None else _plain("tensor", "dtype", "ScalarType", number)

    def placed(self, made: torch.Tensor) -> torch.Tensor:
        """A new tensor of known values; on meta, unless they are few whole numbers."""
        few = made.dim() == 0 or (not made.is_floating_point() and made.numel() <= _MOST_KNOWN)
        if self._device.type == "cpu" or few:
            return made
        return torch.empty(made.shape, dtype=made.dtype, device="meta")

    @property
    def real(self) -> bool:
        """Whether tensors have values."""
        return self._device.type == "cpu"

    def _lifted(
        self, name: str, function: Any, row: list[Any], named: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of an operator that has some on meta, and some whose values are known."""
        arguments = _arguments(function)
        for argument, value in zip(arguments, row, strict=False):
            if argument.written and isinstance(value, torch.Tensor) and not value.is_meta:
                raise NotOnMetaError(f"{name} writes into a tensor of numbers")
        if name == "aten::index" or name.startswith("aten::index_put"):
            return row, named  # where values of a mask are known, they count

        def lift(value: Any) -> Any:
            if isinstance(value, torch.Tensor) and not value.is_meta and value.dim():
                return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
            return [lift(item) for item in value] if isinstance(value, list) else value

        return [lift(value) for value in row], {key: lift(value) for key, value in named.items()}

    def _made(self, name: str, function: Any, row: list[Any], named: dict[str, Any]) -> torch.Tensor:
        """A new tensor: on meta, but for real ones, and for a few whole numbers."""
        with _disable_current_modes():
            form = function(*row, **{**named, "device": torch.device("meta")})
        _checked(name, form)
        whole = not form.is_floating_point() and not form.is_complex() and form.numel() <= _MOST_KNOWN
        real = self._device.type == "cpu" or form.dim() == 0 or whole
        if real:
            self.check_room(name, [form])
        made: torch.Tensor = function(*row, **{**named, "device": torch.device("cpu" if real else "meta")})
        return self.keep(_written(name, made))

    def _real(self, name: str, function: Any, row: list[Any], named: dict[str, Any], given: list[torch.Tensor]) -> Any:
        """What an operator gives of real tensors, once it is known on meta how much that is."""
        if name not in allowed.REAL:
            raise RefusedError(f"its code calls {name} with values, which is read on tensors without values alone")
        if any(tensor.is_quantized for tensor in given) and name not in allowed.QUANTISED:
            raise RefusedError(f"its code calls {name} on a quantised tensor, which is not read")
        with _disable_current_modes():
            _judge(name, row, given)
            forms = self._sized(name, function, row, named, given)
        self.check_room(name, forms)
        return self.keep(_written(name, function(*row, **named)), given)

    def _sized(
        self, name: str, function: Any, row: list[Any], named: dict[str, Any], given: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Tensors on meta, as large as what an operator gives of real ones; its own checks see the same shapes."""
        forms = _forms(name, row, given)
        if forms is not None:
            return forms
        if name.startswith("aten::index") and isinstance(row[1], list):
            row = [row[0], [part for item in row[1] for part in _index(item)], *row[2:]]
        row, named = _lift(row), {key: _lift(value) for key, value in named.items()}
        key = form_key((function, row, *named.items()))
        if key is None or key not in self._forms:
            output = function(*row, **named)
            forms = [_checked(name, tensor) for tensor in tensors_in(output)]
            if key is None:
                return forms
            self._forms[key] = forms
        return self._forms[key]

    def check_room(self, name: str, forms: Sequence[torch.Tensor]) -> None:
        """Raises RefusedError where there is no room for real tensors of these forms."""
        needed = [tensor.numel() * tensor.element_size() for tensor in forms]
        if max(needed, default=0) > _MOST_BYTES:
            raise RefusedError(f"its code makes a tensor of {max(needed)} bytes with {name}")
        if self._alive() + sum(needed) > _MOST_LIVE:
            raise RefusedError("its code keeps more tensors than there is room for")

    def _alive(self) -> int:
        if self._bytes > _MOST_LIVE // 2:
            self._live = {key: item for key, item in self._live.items() if not item[0].expired()}
            self._bytes = sum(size for _, size in self._live.values())
        return self._bytes

    def keep(self, output: Any, given: Sequence[torch.Tensor] = ()) -> Any:
        """``output``, whose memory counts from now on, but for what it shares with the tensors ``given``."""
        shared = {tensor.untyped_storage()._cdata for tensor in given}
        for tensor in tensors_in(output):
            storage = tensor.untyped_storage()
            if not tensor.is_meta and storage._cdata not in shared:
                size = storage.nbytes()
                self._live[storage._cdata] = (StorageWeakRef(storage), size)
                self._bytes += size
        return output


@cache
def _overloads(name: str) -> tuple[tuple[Any, tuple[_Argument, ...]], ...]:
    """The overloads of an operator that give new tensors, views, or write into their first argument."""
    namespace, _, own = name.partition("::")
    if namespace == "torchvision":
        import torchvision  # noqa: F401 - it registers its operators
    packet = getattr(getattr(torch.ops, namespace), own, None)
    found = []
    for overload in packet.overloads() if packet is not None else ():
        function = getattr(packet, overload)
        arguments = _arguments(function)
        foreign = any(argument.kind in ("Storage", "Stream", "Dimname", "t", "complex") for argument in arguments)
        outside = any(argument.is_out for argument in function._schema.arguments)
        if overload.startswith("prim_") or overload.endswith("_hacked_twin") or "Dimname" in str(function._schema):
            continue
        if not foreign and not outside and "names" not in overload and f"{name}.{overload}" not in allowed.EXCLUDED:
            found.append((function, arguments))
    return tuple(found)


@cache
def _arguments(function: Any) -> tuple[_Argument, ...]:
    found = []
    for argument in function._schema.arguments:
        kind = str(argument.real_type)
        optional = kind.startswith("Optional[")
        kind = kind[len("Optional[") : -1] if optional else kind
        broadcasts = argument.N is not None and kind.startswith("List[")
        written = argument.alias_info is not None and argument.alias_info.is_write
        found.append(
            _Argument(
                argument.name,
                kind,
                optional,
                broadcasts,
                argument.kwarg_only,
                not argument.has_default_value(),
                written,
            )
        )
    return tuple(found)


def _bound(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], device: torch.device
) -> tuple[Any, list[Any], dict[str, Any]]:
    """The overload that takes these arguments, and the arguments as it takes them."""
    short = name.partition("::")[2]
    for function, arguments in _overloads(name):
        places = [argument for argument in arguments if not argument.keyword]
        names = {argument.name: argument for argument in arguments}
        taken = {argument.name for argument in places[: len(args)]} | kwargs.keys()
        if len(args) > len(places) or not kwargs.keys() <= names.keys():
            continue
        if any(argument.needed and argument.name not in taken for argument in arguments):
            continue
        try:
            row = [_taken(short, argument, value) for argument, value in zip(places, args, strict=False)]
            named = {key: _taken(short, names[key], value) for key, value in kwargs.items()}
        except MismatchError:
            continue
        if name not in allowed.FACTORIES:
            first = next(tensors_in(row), None)
            for place, argument in enumerate(places[: len(row)]):
                if argument.kind == "Device":
                    row[place] = first.device if first is not None else device
            for key in named:
                if names[key].kind == "Device":
                    named[key] = None
        return function, row, named
    raise RuntimeError(f"{name} takes no {', '.join(map(_word, (*args, *kwargs.values())))}")


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "list"
    return "None" if value is None else "Tensor" if isinstance(value, torch.Tensor) else type(value).__name__


def _taken(operator: str, argument: _Argument, value: Any) -> Any:
    """The value as an operator's argument.

    Raises:
        MismatchError: it is of another kind.
        RefusedError: it is of that kind, but larger than any honest one.
    """
    kind = argument.kind
    if kind == "Device" and (value is None or isinstance(value, torch.device)):
        return value
    if value is None:
        if argument.optional or kind == "Generator":
            return None
        raise MismatchError
    if kind.startswith("List["):
        inner = kind[5:-1]
        if argument.broadcasts and not isinstance(value, list):
            return _taken(operator, _Argument(argument.name, inner, False, False, False, False, False), value)
        if not isinstance(value, list):
            raise MismatchError
        most = _MOST_TENSORS if "Tensor" in inner or "split" in operator else _MOST_NUMBERS
        if len(value) > most:
            raise RefusedError(f"its code calls {operator} with a list of {len(value)} items")
        optional = inner.startswith("Optional[")
        item = _Argument(argument.name, inner[9:-1] if optional else inner, optional, False, False, False, False)
        return [_taken(operator, item, entry) for entry in value]
    return _plain(operator, argument.name, kind, value)


def _plain(operator: str, argument: str, kind: str, value: Any) -> Any:
    if kind == "Tensor" and isinstance(value, torch.Tensor):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        if len(value) > 200:
            raise RefusedError(f"its code calls {operator} with a text of {len(value)} characters")
        return value
    if isinstance(value, bool) and kind == "number":
        return value
    if kind in ("int", "SymInt") and isinstance(value, int) and not isinstance(value, bool):
        return _size(operator, argument, value)
    if kind in ("float", "number") and isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "number" and isinstance(value, int):
            return value if operator.rstrip("_").endswith(_VALUES) else _size(operator, argument, value)
        if "scale" in argument and not (math.isfinite(value) and abs(value) < 2**16):
            raise RefusedError(f"its code calls {operator} with the scale {value}")
        return float(value) if kind == "float" else value
    if kind == "ScalarType" and isinstance(value, int) and not isinstance(value, bool):
        if value not in DTYPES:
            raise RefusedError(f"its code calls {operator} with an element type of number {value}")
        return DTYPES[value]
    if kind == "Layout" and value == 0 and isinstance(value, int):
        return torch.strided
    if kind == "MemoryFormat" and isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(_FORMATS):
            raise RefusedError(f"its code calls {operator} with a memory format of number {value}")
        return _FORMATS[value]
    raise MismatchError


def _size(operator: str, argument: str, value: int) -> int:
    if -_MOST <= value <= _MOST:
        return value
    if operator == "slice":
        return max(-_MOST, min(value, 2**40))
    raise RefusedError(f"its code calls {operator} with the number {value}")


def _count(name: str, row: list[Any], named: dict[str, Any]) -> int:
    """How many tensors an operator gives that gives many."""
    values = [*row[1:], *named.values()]
    if any(isinstance(value, list) for value in values):
        count = max(len(value) for value in values if isinstance(value, list))
    elif name.endswith("chunk") or name.endswith("tensor_split"):
        count = abs(values[0])
    else:
        count = max(row[0].shape, default=1)
        if name.endswith("split"):
            dim = named.get("dim", row[2] if len(row) > 2 else 0)
            sizes = row[0].shape
            count = sizes[dim] // max(values[0], 1) if -len(sizes) <= dim < len(sizes) else 0
        elif values and isinstance(values[0], int) and -row[0].dim() <= values[0] < row[0].dim():
            count = row[0].shape[values[0]]
        elif not values and row[0].dim():
            count = row[0].shape[0]
    if count > _MOST_TENSORS:
        raise RefusedError(f"its code makes {count} tensors with {name}")
    return int(count)


def _forms(name: str, row: list[Any], given: list[torch.Tensor]) -> list[torch.Tensor] | None:
    """What an operator gives at most, whose results' sizes are in values; None for any other operator."""
    if name in ("aten::item", "aten::is_nonzero", "aten::equal", "aten::allclose", "aten::_shape_as_tensor"):
        return []
    if name in ("aten::nonzero", "aten::nonzero_numpy") or (name == "aten::where" and len(row) == 1):
        tensor = given[0]
        return [torch.empty((tensor.numel(), max(tensor.dim(), 1)), dtype=torch.int64, device="meta")]
    if name == "aten::dequantize":
        return [_form(given[0])]
    if name in ("aten::_unique2", "aten::unique_dim"):
        return [_form(given[0]), *(torch.empty(given[0].shape, dtype=torch.int64, device="meta") for _ in range(2))]
    if name == "torchvision::nms":
        return [torch.empty(given[0].shape[:1], dtype=torch.int64, device="meta")]
    if name == "aten::masked_select":
        tensor, mask = torch.broadcast_tensors(*(_form(item) for item in row[:2]))
        return [tensor]
    return None


def _lift(value: Any) -> Any:
    """An argument, with its tensors on meta."""
    if isinstance(value, torch.Tensor):
        return value if value.is_meta else _form(value)
    if isinstance(value, list):
        return [_lift(item) for item in value]
    return torch.device("meta") if isinstance(value, torch.device) else value


def _form(tensor: torch.Tensor) -> torch.Tensor:
    dtype = torch.float32 if tensor.is_quantized else tensor.dtype
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=dtype, device="meta")


def _index(item: torch.Tensor | None) -> list[Any]:
    """An index on meta: a mask as so many places as it marks."""
    if item is None or item.dtype not in (torch.bool, torch.uint8) or item.is_meta:
        return [item]
    marked = int(torch.count_nonzero(item))
    return [torch.empty(marked, dtype=torch.int64, device="meta") for _ in range(max(item.dim(), 1))]


def _judge(name: str, row: list[Any], given: list[torch.Tensor]) -> None:
    """Raises RefusedError for real arguments that a kernel believes without a look."""
    if name in allowed.DIVIDES:
        for tensor in given:
            if (
                not tensor.is_floating_point()
                and not tensor.is_complex()
                and tensor.dtype not in (torch.bool, torch.uint8)
            ):
                if tensor.numel() and int(tensor.min()) == torch.iinfo(tensor.dtype).min:
                    raise RefusedError(f"its code calls {name} with the least number there is")
    elif name == "aten::quantize_per_tensor":
        scale, zero = float(row[1]), int(row[2])
        if not 1e-30 < scale < 1e30 or not 0 <= zero <= 127 + 128 * (row[3] is torch.quint8):
            raise RefusedError(f"its code quantises with the scale {scale} and the zero point {zero}")
    elif name == "torchvision::roi_align":
        image, boxes = row[:2]
        if image.dim() != 4 or boxes.dim() != 2 or boxes.shape[1] != 5:
            raise RefusedError("its code calls torchvision::roi_align with other shapes than an image and boxes")
        if not image.numel() or not boxes.numel():
            return
        largest = 4 * max(image.shape[2:]) + 64
        batch, places = boxes[:, 0], boxes[:, 1:] * row[2]
        if not bool(boxes.isfinite().all()) or float(places.abs().max()) > largest or min(row[3:5]) < 1:
            raise RefusedError("its code calls torchvision::roi_align with boxes outside of the image")
        if float(batch.min()) < 0 or float(batch.max()) >= image.shape[0]:
            raise RefusedError("its code calls torchvision::roi_align with boxes of an image that isn't there")
    elif name == "torchvision::nms":
        if row[0].dim() != 2 or row[0].shape[1] != 4 or row[1].shape != row[0].shape[:1]:
            raise RefusedError("its code calls torchvision::nms with other shapes than boxes and scores")
    elif name == "aten::scaled_dot_product_attention":
        query, key, value = given[:3]
        if query.dim() < 3 or not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
            raise RefusedError(f"its code calls {name} with shapes that don't fit")
        if key.shape[-2] != value.shape[-2] or query.shape[-1] != key.shape[-1]:
            raise RefusedError(f"its code calls {name} with shapes that don't fit")
        if len(given) > 3:
            torch.broadcast_to(_form(given[3]), (*query.shape[:-1], key.shape[-2]))


def _written(name: str, output: Any) -> Any:
    """What is new and was never written is zero: nothing of the memory before shows."""
    if name in allowed.UNWRITTEN and not output.is_meta:
        with _disable_current_modes():
            output.zero_()
    return output


def _checked(name: str, output: Any) -> Any:
    for tensor in tensors_in(output):
        if tensor.dim() > _MOST_DIMENSIONS:
            raise RefusedError(f"its code makes a tensor of {tensor.dim()} dimensions with {name}")
        elements = 1
        for size in tensor.shape:
            elements *= size
        if elements > MOST_ELEMENTS:
            raise RefusedError(f"its code makes a tensor of {elements} elements with {name}")
    return output
