"""Bytes of the cache that a step of decoding leaves for the next one: keys and values, or states. A total only."""

from __future__ import annotations

from ... import units
from ..facts import Facts
from .metric import Total


def _detail(facts: Facts) -> str:
    decoding = facts.summary.decoding
    types = dict.fromkeys(tensor.dtype for tensor in decoding.cache) if decoding else {}
    return f" of {', '.join(types)}, after this token" if types else ""


TOTAL = Total(
    label="KV cache",
    unit="of KV cache",
    of=lambda facts: facts.totals.kv_cache_bytes,
    word=units.binary,
    name="kv_cache_bytes",
    detail=_detail,
    is_shown=lambda facts: facts.summary.decoding is not None,
)
