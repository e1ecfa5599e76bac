"""What operators give, where that is known without running them.

On meta, a result is a shape, strides and an element type, which follow from those of the inputs: torch works them out
with dozens of Python calls an operator, and a network asks the same again and again. On real tensors, a product with
weights that are all zero is zero.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from math import isfinite
from typing import Any

import torch

from .compat import OpOverload

_aten = torch.ops.aten
#: Operator -> where its weight and its bias stand.
_PRODUCTS: dict[Any, tuple[int, int | None]] = {
    _aten.convolution.default: (1, 2),
    _aten.addmm.default: (2, 0),
    _aten.mm.default: (1, None),
}
#: Operators that have no kernel for meta: they give a tensor like their first one, and where it wasn't cut off.
_FAKE_QUANTIZED = (
    _aten.fake_quantize_per_tensor_affine_cachemask.default,
    _aten.fake_quantize_per_channel_affine_cachemask.default,
    _aten._fake_quantize_per_tensor_affine_cachemask_tensor_qparams.default,
)
_PLAIN = (type(None), bool, int, float, complex, str, torch.dtype, torch.device, torch.layout, torch.memory_format)
_TENSORS = (torch.Tensor, torch.nn.Parameter)
#: What every operator of ``_plain_result`` takes.
_COMPUTED = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


class Known:
    """Remembers results on meta for as long as it lives: one run.

    ``zeros`` says that the model's weights were made zero by us, because nobody needs its values.
    """

    def __init__(self, zeros: bool = False) -> None:
        self._zeros = zeros
        self._results: dict[Hashable, Any] = {}

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What an operator gives."""
        if self._zeros and func in _PRODUCTS and not kwargs and _is_zero(args, *_PRODUCTS[func]):
            try:
                form = func(*(item.to("meta") if isinstance(item, torch.Tensor) else item for item in args))
            except RuntimeError:
                return func(*args)  # which fails as well, and says it better
            return torch.zeros_like(form, device=args[0].device)
        if func in _FAKE_QUANTIZED and args[0].is_meta:
            return torch.empty_like(args[0]), torch.empty_like(args[0], dtype=torch.bool)
        # Meta kernels of other libraries may ask for more than forms.
        key = form_key((func, args, *kwargs.items())) if func.namespace == "aten" and _is_pure(func) else None
        if key is None:
            return func(*args, **kwargs)
        key = (key, torch.get_default_dtype())
        if key in self._results:
            return _made(self._results[key])
        output = None if kwargs else _plain_result(func, args)
        if output is None:
            output = func(*args, **kwargs)
        if (form := _form(output)) is not None and not _shares_memory(output, args):
            self._results[key] = form
        return output


def _plain_result(func: Any, args: tuple[Any, ...]) -> torch.Tensor | None:
    """What the commonest operators give for plain tensors, which torch works out on meta in a hundred steps of Python.

    None for all other operators and tensors, so that torch itself gives strides and refuses what doesn't fit.
    """
    if func is _aten.relu.default:
        (tensor,) = args
        like = torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        return like if like.dtype in _COMPUTED and like.stride() == tensor.stride() else None
    if func is _aten.addmm.default:
        bias, first, second = args
        fits = bias.ndim == 1 and first.ndim == second.ndim == 2 and first.shape[1] == second.shape[0]
        same = bias.dtype == first.dtype == second.dtype and first.dtype in _COMPUTED
        if fits and same and bias.shape[0] == second.shape[1]:
            return torch.empty((first.shape[0], second.shape[1]), dtype=first.dtype, device="meta")
    return None


def _is_zero(args: tuple[Any, ...], weight: int, bias: int | None) -> bool:
    """Whether a product of real tensors is zero, in the layout that zeros of its shape have."""
    factors = [args[1 if weight == 2 else 0], args[weight]]
    given = [*factors, *([args[bias]] if bias is not None and args[bias] is not None else [])]
    first = given[0]
    return (
        all(type(item) in _TENSORS and item.layout is torch.strided and not item.is_meta for item in given)
        and all(item.dtype == first.dtype and item.device == first.device for item in given)
        and first.is_contiguous()
        and not any(bool(item.any()) for item in given[1:])
        and isfinite(float(first.sum()))  # zero times infinity is none
    )


def _shares_memory(output: Any, args: tuple[Any, ...]) -> bool:
    """Whether a result stands where an argument does, though its operator doesn't say so (``unsafe_split``)."""
    outputs = output if isinstance(output, (tuple, list)) else [output]
    inputs = {item.untyped_storage()._cdata for item in args if isinstance(item, torch.Tensor)}
    return any(item.untyped_storage()._cdata in inputs for item in outputs)


@cache
def _is_pure(func: Any) -> bool:
    """Whether an operator's results are new tensors, and its arguments stay as they are."""
    schema = func._schema
    return not schema.is_mutable and all(item.alias_info is None for item in schema.returns)


def _is_plain(tensor: torch.Tensor) -> bool:
    return tensor.is_meta and tensor.layout is torch.strided and not tensor.is_quantized


def form_key(item: Any) -> Hashable | None:
    """What of an argument decides over the result's form; None where that isn't known."""
    kind = type(item)
    if kind in _PLAIN:
        return (kind, item)  # 1, 1.0 and True are the same key otherwise
    if kind in _TENSORS:
        if not _is_plain(item) or item.is_conj() or item.is_neg():
            return None
        return (item.shape, item.stride(), item.dtype)
    if kind in (tuple, list):
        keys = tuple(map(form_key, item))
        return None if None in keys else keys
    return item if isinstance(item, OpOverload) else None


def _form(output: Any) -> Any:
    """What a result can be made from again; None for anything but new tensors."""
    if type(output) is torch.Tensor and _is_plain(output):
        return (tuple(output.shape), output.stride(), output.dtype)
    if type(output) in (tuple, list):
        forms = type(output)(map(_form, output))
        return None if None in forms else forms
    return None


def _made(form: Any) -> Any:
    if type(form) is tuple and len(form) == 3 and isinstance(form[2], torch.dtype):
        return torch.empty_strided(form[0], form[1], dtype=form[2], device="meta")
    return type(form)(map(_made, form))
