"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from ..errors import InputError
from ..ir import Shape, Tensor, Value
from ..shape import format_shape
from .effect import Effect, Weight
from .formula import Formula, Law

_DENSE = Law(
    Formula("in_features*out_features + bias", "a matrix and a vector"),
    Formula("rows*in_features*out_features", "a sum over in_features for each result"),
)
_MATMUL = Law(None, Formula("rows*columns*shared", "a sum over the shared dimension for each result"))


def dense(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """A dense layer over the last dimension. Attributes: in_features, out_features, bias.

    MACs: every output element is a sum over ``in_features``.
    """
    (tensor,) = inputs
    in_features, out_features = attributes["in_features"], attributes["out_features"]
    if not isinstance(in_features, int) or not isinstance(out_features, int):
        raise TypeError(f"in_features and out_features must be whole numbers, got {attributes!r}")
    if not tensor.shape or tensor.shape[-1] != in_features:
        raise InputError(f"expects {in_features} input features, got {format_shape(tensor.shape)}")
    weights = [Weight("kernel", (in_features, out_features))]
    if attributes["bias"]:
        weights.append(Weight("bias", (out_features,)))
    output = Tensor((*tensor.shape[:-1], out_features), tensor.dtype)
    symbols = {"in_features": in_features, "out_features": out_features, "rows": prod(tensor.shape[:-1])}
    symbols["bias"] = out_features if attributes["bias"] else 0
    return Effect(output, tuple(weights), _DENSE.macs.value(symbols), _DENSE, symbols)


def matmul(_attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """The product of two (stacks of) matrices or vectors, as NumPy's ``matmul`` broadcasts them."""
    first, second = inputs
    rows, columns = first.shape[:-1], second.shape[-1:] if len(second.shape) > 1 else ()
    shared = first.shape[-1] if first.shape else None
    if not first.shape or not second.shape or shared != (second.shape[-2] if columns else second.shape[-1]):
        raise InputError(f"can't multiply {format_shape(first.shape)} and {format_shape(second.shape)}")
    batch = _broadcast(first.shape[:-2], second.shape[:-2])
    output = Tensor((*batch, *(rows[-1:] if len(first.shape) > 1 else ()), *columns), first.dtype)
    made = prod(columns)
    symbols = {"rows": output.size // made if made else 0, "columns": made, "shared": int(shared)}
    return Effect(output, (), _MATMUL.macs.value(symbols), _MATMUL, symbols)


def einsum(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """The Einstein sum of one or two tensors. Attributes: equation (``ab,bc->ac``), ``...`` for any dimensions.

    Without an arrow, the indices that occur once are the result's, in the order of the alphabet. MACs: the product of
    the sizes of the indices. One that is in one tensor only and not in the result is summed up before the two are
    multiplied, as torch and NumPy do; where no other one is summed up, it is a multiplication element by element.
    """
    terms, arrow, result = str(attributes["equation"]).replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    factors: list[str] = []
    if terms.count(",") != len(inputs) - 1:
        raise InputError(f"{attributes['equation']} is of {terms.count(',') + 1} tensors, got {len(inputs)}")
    for term, tensor in zip(terms.split(","), inputs, strict=True):
        free = len(tensor.shape) - len(term.replace("...", ""))
        # The dimensions of an ellipsis are counted from the right; no index of an equation is a digit.
        labels = term.replace("...", "".join(chr(ord("0") + free - place) for place in range(free)))
        if len(labels) != len(tensor.shape):
            raise InputError(f"{attributes['equation']} doesn't fit {format_shape(tensor.shape)}")
        for label, size in zip(labels, tensor.shape, strict=True):
            if sizes.setdefault(label, size) != size and 1 not in (size, sizes[label]):
                raise InputError(f"{attributes['equation']} has two sizes for {label}: {sizes[label]} and {size}")
            sizes[label] = max(sizes[label], size)
        factors.append(labels)
    ellipsis = "".join(sorted((label for label in sizes if not label.isalpha()), reverse=True))
    if arrow:
        kept = result.replace("...", ellipsis)
    else:
        kept = ellipsis + "".join(sorted(s for s in sizes if s.isalpha() and "".join(factors).count(s) == 1))
    output = tuple(sizes[label] for label in kept)
    shared = {label for label in sizes if all(label in factor for factor in factors)}
    multiplied = len(factors) > 1 and shared - set(kept)
    if not multiplied:
        return Effect(Tensor(output, inputs[0].dtype))
    symbols = {f"n_{label}": size for label, size in sizes.items() if label in kept or label in shared}
    law = None
    # An equation may come from a stranger's file: what isn't a letter never gets into a formula.
    if all(name.isascii() and name.isidentifier() for name in symbols):
        law = Law(None, Formula("*".join(symbols), "the sizes of the indices that are left or summed up"))
    return Effect(Tensor(output, inputs[0].dtype), (), prod(symbols.values()), law, symbols)


def _broadcast(first: Shape, second: Shape) -> Shape:
    longest = max(len(first), len(second))
    padded = [(1,) * (longest - len(shape)) + tuple(shape) for shape in (first, second)]
    return tuple(b if a == 1 else a for a, b in zip(*padded, strict=True))
