"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect, Weight


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
    return Effect(output, tuple(weights), output.size * in_features)
