"""Attention (Vaswani et al. 2017, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from ..ir import Tensor, Value
from .effect import Effect


def products(queries: int, keys: int, key_width: int, value_width: int) -> int:
    """MACs of the scores and the weighted sum: every query with every key, the weights with every value (equation 1).

    ``queries`` are those of all heads and all items of a batch; the widths are a head's.
    """
    return queries * keys * (key_width + value_width)


def attention(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Multi-head attention over query, value and key of shape (batch, ..., positions, width).

    Attributes: num_heads, num_kv_heads, key_dim, value_dim, out_features. With ``num_heads`` 0 there are no
    projections: one head as wide as its inputs. MACs: the projections, the scores and the weighted sum.
    """
    query, value, key = (*inputs, inputs[-1])[:3] if len(inputs) > 1 else (inputs[0],) * 3
    batch, queries, values = prod(query.shape[:1]), prod(query.shape[1:-1]), prod(value.shape[1:-1])
    width = {name: size for name, size in attributes.items() if isinstance(size, int)}
    heads = width.get("num_heads", 0)
    if not heads:
        macs = products(batch * queries, values, query.shape[-1], value.shape[-1])
        return Effect(Tensor((*query.shape[:-1], value.shape[-1]), query.dtype), (), macs)
    shared = width.get("num_kv_heads", heads)
    key_dim, value_dim, out = width["key_dim"], width["value_dim"], width["out_features"]
    projections = queries * query.shape[-1] * heads * key_dim
    projections += values * shared * (key.shape[-1] * key_dim + value.shape[-1] * value_dim)
    projections += queries * heads * value_dim * out
    macs = batch * projections + products(batch * heads * queries, values, key_dim, value_dim)
    return Effect(Tensor((*query.shape[:-1], out), query.dtype), (), macs)
