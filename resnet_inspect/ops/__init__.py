"""Pure rules: what an operation of a given kind does to shapes, and what it costs.

``apply(op, attributes, inputs)`` is the only door. A rule is one function of attributes and input tensors
that gives the output tensor, the weights and the MACs; each stands in the file named after its family and
is listed in ``RULES``. A new op with weights or MACs needs a rule and a line here, as does each of the local backend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from ..ir import Tensor, Value
from .effect import Effect

Rule = Callable[[Mapping[str, Value], Sequence[Tensor]], Effect]

#: Op -> the module here and the function in it: a family is imported when the first of its rules is asked for.
RULES = {
    "adaptive_avg_pool2d": "pooling:adaptive_pool",
    "add": "elementwise:add",
    "attention": "attention:attention",
    "avg_pool1d": "pooling:window_pool",
    "avg_pool2d": "pooling:window_pool",
    "avg_pool3d": "pooling:window_pool",
    "batch_norm": "normalization:batch_norm",
    "conv1d": "convolution:conv",
    "conv2d": "convolution:conv",
    "conv3d": "convolution:conv",
    "conv_transpose1d": "convolution:conv_transpose",
    "conv_transpose2d": "convolution:conv_transpose",
    "conv_transpose3d": "convolution:conv_transpose",
    "dense": "linear:dense",
    "einsum": "linear:einsum",
    "flatten": "reshaping:flatten",
    "global_avg_pool1d": "pooling:global_pool",
    "global_avg_pool2d": "pooling:global_pool",
    "global_avg_pool3d": "pooling:global_pool",
    "global_max_pool1d": "pooling:global_pool",
    "global_max_pool2d": "pooling:global_pool",
    "global_max_pool3d": "pooling:global_pool",
    "gru": "recurrent:gru",
    "lstm": "recurrent:lstm",
    "matmul": "linear:matmul",
    "max_pool1d": "pooling:window_pool",
    "max_pool2d": "pooling:window_pool",
    "max_pool3d": "pooling:window_pool",
    "relu": "elementwise:same_shape",
    "rnn": "recurrent:rnn",
    "separable_conv": "convolution:separable_conv",
    "softmax": "elementwise:same_shape",
    "zero_pad2d": "reshaping:zero_pad",
}


def apply(op: str, attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """What ``op`` does to ``inputs``.

    Raises:
        KeyError: there is no rule for ``op``.
        InputError: the inputs don't fit, with the shapes in the message; the caller knows the layer's name.
    """
    return _rule(op)(attributes, inputs)


@cache
def _rule(op: str) -> Rule:
    family, _, name = RULES[op].partition(":")
    rule: Rule = getattr(importlib.import_module(f"{__name__}.{family}"), name)
    return rule


__all__ = ["RULES", "Effect", "apply"]
