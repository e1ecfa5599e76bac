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
_RECURRENT = "directions*gates*hidden*(in_features + state + biases)"
_DEEPER = " + (layers-1)*directions*gates*hidden*(directions*state + state + biases)"
_RECURRENCE = Formula(_RECURRENT, "Hochreiter and Schmidhuber 1997; Cho et al. 2014")
_STACKED = Formula(_RECURRENT + _DEEPER, _RECURRENCE.source)

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
        return _ATTENTION, {**_widths(numbers), "bias": sum(shape[0] for shape in shapes if len(shape) == 1)}
    if family == "recurrent":
        return _recurrent(numbers, attributes, shapes)
    if len(shapes) == 1 and (op in ("einsum", "matmul") or family in _BESIDE):
        sizes = [size for size in shapes[0] if size != 1] or [1]
        names = [f"d_{place}" for place in range(1, len(sizes) + 1)]
        return Formula("*".join(names), _ONE_EACH), dict(zip(names, sizes, strict=True))
    return None


def attended(attributes: Mapping[str, Value], queries: Shape, keys: Shape) -> Found | None:
    """The multiply-adds of torch's attention module for inputs of (batch, positions, width); None if it isn't one."""
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


def _recurrent(numbers: Mapping[str, int], attributes: Mapping[str, Value], shapes: Sequence[Shape]) -> Found | None:
    features, hidden = numbers.get("in_features", numbers.get("input_size")), numbers.get("hidden_size")
    if features is None or hidden is None or numbers.get("proj_size"):
        return None
    layers, directions = numbers.get("num_layers", 1), 2 if attributes.get("bidirectional") else 1
    of_weights = [shape for shape in shapes if len(shape) == 2 and min(shape) != 2]
    wide = max((max(shape) for shape in of_weights), default=0)
    gates = wide // hidden if hidden else 0
    held = sum(map(prod, shapes)) - sum(map(prod, of_weights))
    each = directions * layers * gates * hidden
    symbols = {"directions": directions, "gates": gates, "hidden": hidden, "in_features": features, "state": hidden}
    symbols |= {"biases": held // each if each else 0, "layers": layers}
    return (_RECURRENCE if layers == 1 else _STACKED), symbols
