"""Operators of quantised layers: real ones alone, with weights of zeros in the shapes that the archive's have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..torch.compat import without_operator_modes
from ..torch.failure import NotOnMetaError
from .modules import Packed
from .operators import Operators
from .pickle import RefusedArchiveError, Stored

_ops = torch.ops.quantized
#: Operators of two tensors or a list of them, of a layer with packed weights, and of a number.
_JOINED = ("add", "add_relu", "mul", "mul_relu")
_LAYERS = {
    **dict.fromkeys(("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic"), "linear"),
    **{f"conv{dims}d{relu}": f"conv{dims}d" for dims in (1, 2, 3) for relu in ("", "_relu")},
}
_SCALARS = ("add_scalar", "mul_scalar", "add_scalar_relu", "mul_scalar_relu")
_RECTIFIED = ("hardswish", "sigmoid", "leaky_relu", "elu")
_KNOWN = frozenset([*_JOINED, *_LAYERS, *_SCALARS, *_RECTIFIED, "cat"])


def call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], operators: Operators) -> Any:
    """What the operator ``quantized::name`` gives.

    Raises:
        RefusedArchiveError: it isn't in the list, or an argument isn't allowed.
        NotOnMetaError: tensors are on meta, where none is quantised.
    """
    operators.spend(10)
    if name.endswith("_prepack"):
        return _packed(name, args)
    if name.endswith("_unpack"):
        return (args[0].weight, args[0].bias) if len(args) == 1 and isinstance(args[0], Packed) else _refuse(name)
    if kwargs or not args or name not in _KNOWN:
        return _refuse(name)
    if not operators.real:
        raise NotOnMetaError(f"{name} ({name}): quantized::{name} has no form on meta")
    tensors = args[0] if name == "cat" else args[:2] if name in _JOINED else args[:1]
    dynamic = name.endswith("dynamic")
    if not isinstance(tensors, (list, tuple)) or not 0 < len(tensors) < 1000:
        return _refuse(name)
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor) or tensor.is_meta:
            return _refuse(name)
        whole = tensor.dtype is torch.quint8 and tensor.qscheme() is torch.per_tensor_affine if not dynamic else False
        if not (whole or (dynamic and tensor.dtype is torch.float32)) or tensor.dim() > 5:
            raise RefusedArchiveError(f"its code calls quantized::{name} with a tensor that isn't quantised for it")
    with without_operator_modes():
        forms = [torch.empty(tensor.shape, device="meta") for tensor in tensors]
    if name in _LAYERS:
        return _layer(name, args, forms[0], operators)
    if name in _JOINED:
        with without_operator_modes():
            form = torch.add(*forms)
        return _run(getattr(_ops, name).default, [*args[:2], *_scaled(name, args[2:])], form, operators)
    if name == "cat":
        dim, *scaled = args[1:] if len(args) > 1 else (0,)
        with without_operator_modes():
            form = torch.cat(forms, dim if isinstance(dim, int) and -5 <= dim < 5 else 0)
        return _run(_ops.cat.default, [list(tensors), dim, *_scaled(name, scaled)], form, operators)
    if name in _SCALARS:
        number = args[1] if len(args) == 2 else None
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < 2**16:
            return _refuse(name)
        overload = getattr(_ops, name).default
        return _run(overload, [args[0], number], forms[0], operators)
    numbers = [item for item in args[1:] if not isinstance(item, bool)]
    if name in ("leaky_relu", "elu"):
        scaled = _scaled(name, numbers[-2:])
        rest = [float(item) for item in numbers[:-2] if isinstance(item, (int, float)) and abs(item) < 2**16]
        row = [args[0], *rest, False, *scaled] if name == "leaky_relu" else [args[0], *scaled, *rest]
        return _run(getattr(_ops, name).default, row, forms[0], operators)
    return _run(getattr(_ops, name).default, [args[0], *_scaled(name, args[1:])], forms[0], operators)


def _run(function: Callable[..., Any], args: list[Any], form: torch.Tensor, operators: Operators) -> Any:
    operators.check_room(str(function), [form])
    return operators.keep(function(*args))


def _scaled(name: str, args: Sequence[Any]) -> list[Any]:
    """A scale and a zero point that a result is quantised with."""
    if len(args) != 2:
        return _refuse(name)
    scale, zero = args
    plain = type(scale) in (int, float) and type(zero) is int
    if not plain or not (math.isfinite(scale) and 1e-30 < scale < 1e30) or not 0 <= zero <= 255:
        raise RefusedArchiveError(f"its code calls quantized::{name} with the scale {scale} and the zero point {zero}")
    return [float(scale), zero]


def _packed(name: str, args: Sequence[Any]) -> Packed:
    """Weights as a layer keeps them: ``linear_prepack(weight, bias)``."""
    form = name.removesuffix("_prepack")
    if form == "linear" and len(args) == 2:
        return _judged(Packed("linear", *args), name)
    if form in ("conv1d", "conv2d", "conv3d") and len(args) == 6 and all(isinstance(item, list) for item in args[2:5]):
        geometry = tuple(tuple(item) for item in args[2:5])
        return _judged(Packed(form, args[0], args[1], geometry, args[5]), name)
    return _refuse(name)


def _judged(packed: Packed, name: str) -> Packed:
    """The same, if it has a quantised weight of a shape, and a bias, that such a layer has."""
    weight, bias = packed.weight, packed.bias
    dims = 2 if packed.form == "linear" else int(packed.form[4]) + 2
    good = isinstance(weight, Stored) and weight.scales is not None and weight.storage.kind == "QInt8Storage"
    if not isinstance(weight, Stored) or not good or len(weight.size) != dims or 0 in weight.size:
        raise RefusedArchiveError(f"its code calls quantized::{name} with a weight of another kind")
    if bias is not None and (not isinstance(bias, torch.Tensor) or tuple(bias.shape) != weight.size[:1]):
        raise RefusedArchiveError(f"its code calls quantized::{name} with a bias of another shape")
    spatial = dims - 2
    numbers = [number for row in packed.geometry for number in row]
    if any(type(number) is not int or not 0 <= number < 2**16 for number in (*numbers, packed.groups)):
        raise RefusedArchiveError(f"its code calls quantized::{name} with numbers that are not sizes")
    if any(len(row) != spatial for row in packed.geometry) or packed.groups < 1 or packed.transposed:
        raise RefusedArchiveError(f"its code calls quantized::{name} with numbers that don't fit")
    return packed


def _layer(name: str, args: Sequence[Any], form: torch.Tensor, operators: Operators) -> Any:
    """A convolution or a product with packed weights, whose shapes torch's own float operator judges first."""
    packed = args[1] if len(args) > 1 else None
    if not isinstance(packed, Packed) or packed.form != _LAYERS[name]:
        return _refuse(name)
    _judged(packed, name)
    assert isinstance(packed.weight, Stored)
    size = packed.weight.size
    convolves = packed.form != "linear"
    if convolves and form.dim() != len(size):
        raise RefusedArchiveError(f"its code calls quantized::{name} on a tensor of {form.dim()} dimensions")
    with without_operator_modes():
        weight = torch.empty(size, device="meta")
        if convolves:
            stride, padding, dilation = packed.geometry[:3]
            function = getattr(torch, packed.form)
            found = function(form, weight, None, stride, padding, dilation, packed.groups)
        else:
            found = torch.nn.functional.linear(form, weight)
    if 0 in found.shape:
        raise RefusedArchiveError(f"its code calls quantized::{name} on an empty tensor")
    if name.endswith("dynamic"):
        rest = [item for item in args[2:] if isinstance(item, bool)]
        function = getattr(_ops, name).default
    else:
        rest = _scaled(name, args[2:])
        packet = getattr(_ops, name)
        function = packet.new if "new" in packet.overloads() else packet.default
    return _run(function, [args[0], _built(packed), *rest], found, operators)


def _built(packed: Packed) -> Any:
    """torch's own object of packed weights, all of them zero."""
    assert isinstance(packed.weight, Stored)
    size = packed.weight.size
    with without_operator_modes():
        weight = torch.zeros(size)
        if packed.weight.scales == 1:
            weight = torch.quantize_per_tensor(weight, 1.0, 0, torch.qint8)
        else:
            zeros = torch.zeros(size[0], dtype=torch.int64)
            weight = torch.quantize_per_channel(weight, torch.ones(size[0]), zeros, 0, torch.qint8)
        bias = None if packed.bias is None else torch.zeros(size[0])
        if packed.form == "linear":
            return _ops.linear_prepack(weight, bias)
        function = getattr(_ops, f"{packed.form}_prepack")
        return function(weight, bias, *map(list, packed.geometry[:3]), packed.groups)


def _refuse(name: str) -> Any:
    raise RefusedArchiveError(f"its code calls quantized::{name}, which is not an operator that is read in this way")
