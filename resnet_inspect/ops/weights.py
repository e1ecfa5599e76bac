"""Formulas of what is stored, for operators whose weights follow from no input: norms, tables, tensors of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from ..ir import Shape, Value
from . import vocabulary
from .formula import Formula

_ONE_EACH = "a number for each place"
#: Families of operators that have no weights of their own kind: what they hold is one of their inputs.
_BESIDE = ("elementwise", "join", "shape", "activation", "constant")
_NORM = Formula("vectors*features", "a vector of scales, one of shifts, one for each of the moving statistics")
_NORMALIZATION = Formula("vectors*C + 1", "mean and variance of each channel, and how many were seen")
_EMBEDDING = Formula("num_embeddings*embedding_dim", "a vector for each entry")
_ATTENTION = Formula(
    "query_width*query_width + key_width*query_width + value_width*query_width + query_width*query_width + bias",
    "Vaswani et al. 2017, section 3.2: projections of queries, keys, values and of the result",
)
#: Torch's own module: a projection of what comes in for each of the three, attention, a projection of the result.
_ATTENDING = Formula(
    "N*(2*queries*query_width*query_width + keys*query_width*(key_width + value_width)"
    " + heads*queries*keys*(key_dim + value_dim))",
    "Vaswani et al. 2017, section 3.2",
)
_SCORES = Formula("N*heads*queries*keys*(key_dim + value_dim)", _ATTENDING.source)

Found = tuple[Formula, dict[str, int]]


def stored(op: str, attributes: Mapping[str, Value], shapes: Sequence[Shape]) -> Found | None:
    """How many numbers the tensors of ``shapes`` have, by what the operator is; None where no formula is known."""
    family, numbers = vocabulary.of(op).family, {key: value for key, value in attributes.items() if type(value) is int}
    if not shapes:
        return None
    if op == "normalization":
        return _NORMALIZATION, {"vectors": len(shapes) - 1, "C": prod(shapes[0])}
    if family == "norm":
        return _NORM, {"vectors": len(shapes), "features": prod(shapes[0])}
    if family == "embedding":
        return _EMBEDDING, {name: numbers[name] for name in _EMBEDDING.symbols if name in numbers}
    if op == "attention" and "embed_dim" in numbers:
        return _ATTENTION, {**_widths(numbers), "bias": sum(prod(shape) for shape in shapes if len(shape) != 2)}
    if len(shapes) == 1 and (op in ("einsum", "matmul") or family in _BESIDE):
        sizes = [size for size in shapes[0] if size != 1] or [1]
        names = [f"d_{place}" for place in range(1, len(sizes) + 1)]
        return Formula("*".join(names), _ONE_EACH), dict(zip(names, sizes, strict=True))
    return None


def attended(attributes: Mapping[str, Value], shapes: Sequence[Shape]) -> Found | None:
    """The multiply-adds of attention as torch has it; ``shapes`` are those of queries, keys and values.

    Its module projects inputs of (batch, positions, width). Its function multiplies (batch, heads, positions, width).
    None for anything else.
    """
    queries, keys, values = (*shapes, shapes[-1], shapes[-1])[:3]
    if "embed_dim" not in attributes and {len(queries), len(keys), len(values)} == {4}:
        symbols = {"N": queries[0], "heads": queries[1], "queries": queries[2], "keys": keys[2]}
        return _SCORES, {**symbols, "key_dim": queries[3], "value_dim": values[3]}
    numbers = {key: value for key, value in attributes.items() if type(value) is int}
    if len(queries) != 3 or len(keys) != 3 or "embed_dim" not in numbers or "head_dim" not in numbers:
        return None
    first = attributes.get("batch_first") is True
    batch, positions = queries[:2] if first else queries[1::-1]
    symbols = {"N": batch, "queries": positions, "keys": keys[1 if first else 0], "heads": numbers["num_heads"]}
    head = {"key_dim": numbers["head_dim"], "value_dim": numbers["head_dim"]}
    return _ATTENDING, {**symbols, **head, **_widths(numbers)}


def _widths(numbers: Mapping[str, int]) -> dict[str, int]:
    width = numbers["embed_dim"]
    return {
        "query_width": width,
        "key_width": numbers.get("kdim", width),
        "value_width": numbers.get("vdim", width),
    }
