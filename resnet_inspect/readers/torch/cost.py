"""Multiply-adds of torch's operators: torch's own formulas, and those that it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.flop_counter import flop_registry

from ...ops.attention import products
from ..aten.cost import without_formula


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return products(query[..., 0].numel(), key.shape[-2], query.shape[-1], value.shape[-1])


def _grouped(first: Any, second: Any, *_: Any, **__: Any) -> int:
    """Rows in groups, each times its group's matrix; or a stack of matrices, each times its group's columns."""
    rows: int = first[0].numel() if (first.dim(), second.dim()) == (3, 2) else first.numel()
    return rows * second.shape[-1]


#: Products that torch's registry doesn't know: operator -> multiply-adds of its arguments and output.
_FORMULAS: dict[str, Callable[..., int]] = {
    "aten::mv": lambda matrix, _vector: matrix.numel(),
    "aten::addmv": lambda _bias, matrix, _vector, **_: matrix.numel(),
    "aten::dot": lambda first, _second: first.numel(),
    "aten::vdot": lambda first, _second: first.numel(),
    "aten::addbmm": lambda _bias, first, second, **_: first.numel() * second.shape[-1],
    "aten::_scaled_dot_product_flash_attention_for_cpu": _attention,
    "aten::_scaled_dot_product_fused_attention_overrideable": _attention,
    "aten::conv_tbc": lambda x, weight, _bias, pad=0: (
        (x.shape[0] + 2 * pad - weight.shape[0] + 1) * x.shape[1] * weight.numel()
    ),
    # One direction of one layer of an LSTM, as CPUs run it: every step reads the input and the state.
    "aten::mkldnn_rnn_layer": lambda x, inputs, states, *_, **__: (
        x.numel() // x.shape[-1] * (inputs.numel() + states.numel())
    ),
    # Of the experts, each row meets the one that it was sent to.
    "aten::_grouped_mm": _grouped,
    "transformers::grouped_mm_fallback": _grouped,
}


def has_formula(func: Any) -> bool:
    """Whether an operator's cost is known as it stands, without decomposing it."""
    return func._overloadpacket in flop_registry or func._schema.name in _FORMULAS


def macs(func: Any, args: Any, kwargs: Any, output: Any) -> int | None:
    """Multiply-adds of one operator's call; 0 for what multiplies no matrices, None for what nobody knows."""
    packet = func._overloadpacket
    if packet in flop_registry:
        return int(flop_registry[packet](*args, **kwargs, out_val=output)) // 2
    if func._schema.name in _FORMULAS:
        return int(_FORMULAS[func._schema.name](*args, **kwargs))
    namespace, _, name = func._schema.name.partition("::")
    return without_formula(namespace, name.strip("_"))
