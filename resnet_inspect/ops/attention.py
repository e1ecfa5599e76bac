"""Attention (Vaswani et al. 2017, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from ..ir import Tensor, Value
from .effect import Effect
from .formula import Formula, Law

_SCORES = "heads*queries*keys*(key_dim + value_dim)"
_SOURCE = "Vaswani et al. 2017, section 3.2"
_PLAIN = Law(None, Formula(f"N*{_SCORES}", _SOURCE))
_WEIGHTS = (
    "query_width*heads*key_dim + kv_heads*(key_width*key_dim + value_width*value_dim) + heads*value_dim*out_features"
)
_PRODUCTS = (
    "queries*query_width*heads*key_dim + keys*kv_heads*(key_width*key_dim + value_width*value_dim)"
    f" + queries*heads*value_dim*out_features + {_SCORES}"
)
_PROJECTED = Law(Formula(f"{_WEIGHTS} + bias", _SOURCE), Formula(f"N*({_PRODUCTS})", _SOURCE))
#: What the heads give is multiplied by a projection of the query (Qiu et al. 2025, section 2.2).
_GATED = Law(
    Formula(f"{_WEIGHTS} + query_width*heads*value_dim + bias", _SOURCE),
    Formula(f"N*({_PRODUCTS} + queries*query_width*heads*value_dim)", _SOURCE),
)


def products(queries: int, keys: int, key_width: int, value_width: int) -> int:
    """MACs of the scores and the weighted sum: every query with every key, the weights with every value (equation 1).

    ``queries`` are those of all heads and all items of a batch; the widths are a head's.
    """
    return queries * keys * (key_width + value_width)


def attention(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Multi-head attention over query, value and key of shape (batch, ..., positions, width).

    Attributes: num_heads, num_kv_heads, key_dim, value_dim, out_features, gate. With ``num_heads`` 0 there are no
    projections: one head as wide as its inputs. MACs: the projections, the scores and the weighted sum.
    """
    query, value, key = (*inputs, inputs[-1])[:3] if len(inputs) > 1 else (inputs[0],) * 3
    batch, queries, values = prod(query.shape[:1]), prod(query.shape[1:-1]), prod(value.shape[1:-1])
    width = {name: size for name, size in attributes.items() if isinstance(size, int)}
    heads = width.get("num_heads", 0)
    symbols = {"N": batch, "queries": queries, "keys": values}
    if heads:
        symbols |= {"heads": heads, "kv_heads": width.get("num_kv_heads", heads)}
        symbols |= {name: width[name] for name in ("key_dim", "value_dim", "out_features")}
        symbols |= {"query_width": query.shape[-1], "key_width": key.shape[-1], "value_width": value.shape[-1]}
        made = heads * symbols["key_dim"] + symbols["kv_heads"] * (symbols["key_dim"] + symbols["value_dim"])
        made += heads * symbols["value_dim"] if attributes.get("gate") else 0
        symbols["bias"] = made + symbols["out_features"] if attributes.get("bias") else 0
    else:
        symbols |= {"heads": 1, "key_dim": query.shape[-1], "value_dim": value.shape[-1]}
    law = _PLAIN if not heads else _GATED if attributes.get("gate") else _PROJECTED
    out = width["out_features"] if heads else value.shape[-1]
    return Effect(Tensor((*query.shape[:-1], out), query.dtype), (), law.macs.value(symbols), law, symbols)
