"""Calls of torch's operators by the code of an archive: by a list, with arguments that were checked one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from ..torch.compat import without_operator_modes
from ..torch.failure import NotOnMetaError
from ..torch.known import form_key
from ..torch.tensors import tensors_in
from . import allowed
from .modules import MOST_ELEMENTS, Listener
from .pickle import RefusedArchiveError
from .schemas import MOST_TENSORS, arguments_of, bound, plain

_MOST_DIMENSIONS = 16
#: Elements of a tensor of whole numbers whose values are kept in a run on meta.
_MOST_KNOWN = 4096
#: Bytes of one real tensor, and of all that live at a time.
_MOST_BYTES = 2**28
_MOST_LIVE = 2**30
#: Operators of which nothing is known to end soon: steps of a recurrent layer, an operator as such.
_STEP, _CALL = 100, 40


class Operators:
    """Calls operators with tensors on ``device``: ``meta``, or ``cpu`` where values are needed.

    ``spend`` is told what a call costs, and raises once it is too much.
    """

    def __init__(self, device: str, spend: Any) -> None:
        self._device = torch.device(device)
        self.spend = spend
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._bytes = 0
        self._forms: dict[Any, list[torch.Tensor]] = {}
        self._listener: Listener | None = None

    def listen(self, listener: Listener | None) -> None:
        """Calls ``listener`` around each operator; None ends it."""
        self._listener = listener

    def call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What the operator ``aten::conv2d`` gives.

        Raises:
            RefusedArchiveError: the operator isn't in the list, or an argument is of no kind or size that is allowed.
            NotOnMetaError: it needs values that tensors on meta haven't got.
        """
        if name not in allowed.ALLOWED:
            raise RefusedArchiveError(f"its code calls {name}, which is not an operator that is read")
        self.spend(_CALL)
        if name == "aten::_convolution":
            # Its other arguments choose among kernels; torch 2.4 has none for meta.
            name, args = "aten::convolution", args[:9]
        function, row, named = bound(name, args, kwargs, self._device)
        given = list(tensors_in((row, named)))
        if name in allowed.FACTORIES:
            return self._made(name, function, row, named)
        if name in allowed.MANY:
            self.spend(_count(name, row, named))
        if name in allowed.RECURRENT:
            _judge_recurrent(name, row)
            self.spend(_STEP * len(row[2]) * max(given[0].shape[:2]) // 4)
        if self._listener is None:
            return self._computed(name, function, row, named, given)
        return self._listener(function, row, named, lambda: self._computed(name, function, row, named, given))

    def _computed(
        self, name: str, function: Any, row: list[Any], named: dict[str, Any], given: list[torch.Tensor]
    ) -> Any:
        real = [tensor for tensor in given if not tensor.is_meta]
        if self._device.type == "meta" and len(real) < len(given) and real:
            row, named = self._lifted(name, function, row, named)
            real = []
        if not given or real:
            return _checked(name, self._real(name, function, row, named, given))
        return _checked(name, function(*row, **named))

    def dtype(self, number: Any) -> torch.dtype | None:
        """The element type of a number of the code's; None for none."""
        return None if number is None else plain("tensor", "dtype", "ScalarType", number)

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
        arguments = arguments_of(function)
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
        if not any(argument.name == "device" for argument in arguments_of(function)):
            raise RefusedArchiveError(f"its code calls {name} in a way that isn't read")
        with without_operator_modes():
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
            raise RefusedArchiveError(
                f"its code calls {name} with values, which is read on tensors without values alone"
            )
        if any(tensor.is_quantized for tensor in given) and name not in allowed.QUANTISED:
            raise RefusedArchiveError(f"its code calls {name} on a quantised tensor, which is not read")
        forms: list[torch.Tensor] | None
        with without_operator_modes():
            _judge(name, row, given)
            try:
                forms = self._sized(name, function, row, named, given)
            except RuntimeError:
                if name not in allowed.PRODUCTS:
                    raise
                forms = None
        if forms is None:
            function(*row, **named)
            raise RefusedArchiveError(f"its code calls {name} with shapes that don't fit")
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
        """Raises RefusedArchiveError where there is no room for real tensors of these forms."""
        needed = [tensor.numel() * tensor.element_size() for tensor in forms]
        if max(needed, default=0) > _MOST_BYTES:
            raise RefusedArchiveError(f"its code makes a tensor of {max(needed)} bytes with {name}")
        if self._alive() + sum(needed) > _MOST_LIVE:
            raise RefusedArchiveError("its code keeps more tensors than there is room for")

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


def _count(name: str, row: list[Any], named: dict[str, Any]) -> int:
    """How many tensors an operator gives that gives many."""
    values = [*row[1:], *named.values()]
    if any(isinstance(value, list) for value in values):
        count = max(len(value) for value in values if isinstance(value, list))
    elif name.endswith(("chunk", "tensor_split")):
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
    if count > MOST_TENSORS:
        raise RefusedArchiveError(f"its code makes {count} tensors with {name}")
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
        return [torch.broadcast_tensors(*(_form(item) for item in row[:2]))[0]]
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
    """Raises RefusedArchiveError for real arguments that a kernel believes without a look."""
    if name in allowed.DIVIDES:
        for tensor in given:
            signed = tensor.dtype in (torch.int8, torch.int16, torch.int32, torch.int64) and tensor.numel() > 0
            if signed and int(tensor.min()) == torch.iinfo(tensor.dtype).min:
                raise RefusedArchiveError(f"its code calls {name} with the least number there is")
    elif name == "aten::quantize_per_tensor":
        scale, zero = float(row[1]), int(row[2])
        if not 1e-30 < scale < 1e30 or not 0 <= zero <= 127 + 128 * (row[3] is torch.quint8):
            raise RefusedArchiveError(f"its code quantises with the scale {scale} and the zero point {zero}")
    elif name == "torchvision::roi_align":
        image, boxes = row[:2]
        if image.dim() != 4 or boxes.dim() != 2 or boxes.shape[1] != 5:
            raise RefusedArchiveError("its code calls torchvision::roi_align with other shapes than an image and boxes")
        if not image.numel() or not boxes.numel():
            return
        largest = 4 * max(image.shape[2:]) + 64
        batch, places = boxes[:, 0], boxes[:, 1:] * row[2]
        areas = (places[:, 2] - places[:, 0]) * (places[:, 3] - places[:, 1])
        if (
            min(row[3:5]) < 1
            or max(row[3:5]) > 64
            or (len(row) > 5 and row[5] > 16)
            or float(areas.abs().max()) > 2**22
        ):
            raise RefusedArchiveError("its code calls torchvision::roi_align with sizes that are too large")
        if not bool(boxes.isfinite().all()) or float(places.abs().max()) > largest:
            raise RefusedArchiveError("its code calls torchvision::roi_align with boxes outside of the image")
        if float(batch.min()) < 0 or float(batch.max()) >= image.shape[0]:
            raise RefusedArchiveError("its code calls torchvision::roi_align with boxes of an image that isn't there")
    elif name == "torchvision::nms":
        if row[0].dim() != 2 or row[0].shape[1] != 4 or row[1].shape != row[0].shape[:1]:
            raise RefusedArchiveError("its code calls torchvision::nms with other shapes than boxes and scores")
    elif name == "aten::scaled_dot_product_attention":
        query, key, value = given[:3]
        if query.dim() < 3 or not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
            raise RefusedArchiveError(f"its code calls {name} with shapes that don't fit")
        if key.shape[-2] != value.shape[-2] or query.shape[-1] != key.shape[-1]:
            raise RefusedArchiveError(f"its code calls {name} with shapes that don't fit")
        if len(given) > 3:
            torch.broadcast_to(_form(given[3]), (*query.shape[:-1], key.shape[-2]))


def _judge_recurrent(name: str, row: list[Any]) -> None:
    """Raises RefusedArchiveError for weights of a recurrent layer that are fewer than it reads, or of other shapes."""
    given, hidden, weights, biased, layers = row[:5]
    sides = 2 if row[7] else 1
    gates = {"aten::lstm": 4, "aten::gru": 3}.get(name, 1)
    states = hidden if isinstance(hidden, list) else [hidden]
    each = [2, 2, 1, 1] if biased else [2, 2]
    if len(weights) == layers * sides * (len(each) + 1) and name == "aten::lstm":
        each.append(2)  # it projects its outputs
    good = (
        given.dim() in (2, 3)
        and 0 < layers <= 1000
        and len(states) == (2 if name == "aten::lstm" else 1)
        and all(state.dim() == given.dim() and state.shape[0] == layers * sides for state in states)
        and [weight.dim() for weight in weights] == each * (layers * sides)
        and all(tensor.is_floating_point() for tensor in (given, *states, *weights))
    )
    if good:
        size = states[-1].shape[-1]
        rows = [weight.shape[0] for index, weight in enumerate(weights) if index % len(each) < 4]
        good = all(count == gates * size for count in rows)
    if not good:
        raise RefusedArchiveError(f"its code calls {name} with weights that don't fit")


def _written(name: str, output: Any) -> Any:
    """What is new and was never written is zero: nothing of the memory before shows."""
    if name in allowed.UNWRITTEN and not output.is_meta:
        with without_operator_modes():
            output.zero_()
    return output


def _checked(name: str, output: Any) -> Any:
    for tensor in tensors_in(output):
        if tensor.dim() > _MOST_DIMENSIONS:
            raise RefusedArchiveError(f"its code makes a tensor of {tensor.dim()} dimensions with {name}")
        elements = math.prod(tensor.shape)
        if elements > MOST_ELEMENTS:
            raise RefusedArchiveError(f"its code makes a tensor of {elements} elements with {name}")
    return output
