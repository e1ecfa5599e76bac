"""Multiply-adds of torch's operators: torch's own formulas, and those that it lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from ...ir import Shape
from ...ops.attention import products
from ..aten.cost import FORMULAS, without_formula


def _attention(shapes: Sequence[Shape], _output: Shape) -> int:
    query, key, value = shapes[:3]
    return products(prod(query[:-1]), key[-2], query[-1], value[-1])


#: Products that torch's registry doesn't know: operator -> multiply-adds, from shapes.
_FORMULAS: dict[str, Callable[[Sequence[Shape], Shape], int]] = {
    **{f"aten::{name}": FORMULAS[name] for name in FORMULAS if name != "grouped_mm"},
    "aten::_grouped_mm": FORMULAS["grouped_mm"],
    "transformers::grouped_mm_fallback": FORMULAS["grouped_mm"],
    "aten::_scaled_dot_product_flash_attention_for_cpu": _attention,
    "aten::_scaled_dot_product_fused_attention_overrideable": _attention,
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
        read = [tuple(item.shape) for item in (*args, *kwargs.values()) if isinstance(item, torch.Tensor)]
        made = output if isinstance(output, torch.Tensor) else output[0]
        return _FORMULAS[func._schema.name](read, tuple(made.shape))
    namespace, _, name = func._schema.name.partition("::")
    return without_formula(namespace, name.strip("_"))
