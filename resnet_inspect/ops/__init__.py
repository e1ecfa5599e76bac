"""Pure rules: what an operation of a given kind does to shapes, and what it costs.

``apply(op, attributes, inputs)`` is the only door. A rule is one function of attributes and input tensors
that gives the output tensor, the weights and the MACs; each stands in the file named after its family and
is listed in ``RULES``. A new op needs a rule and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..ir import Tensor, Value
from .attention import attention
from .convolution import conv, conv_transpose, separable_conv
from .effect import Effect
from .elementwise import add, same_shape
from .linear import dense, einsum, matmul
from .normalization import batch_norm
from .pooling import adaptive_pool, global_pool, window_pool
from .recurrent import gru, lstm, rnn
from .reshaping import flatten, zero_pad

Rule = Callable[[Mapping[str, Value], Sequence[Tensor]], Effect]

RULES: dict[str, Rule] = {
    "adaptive_avg_pool2d": adaptive_pool,
    "add": add,
    "attention": attention,
    "avg_pool1d": window_pool,
    "avg_pool2d": window_pool,
    "avg_pool3d": window_pool,
    "batch_norm": batch_norm,
    "conv1d": conv,
    "conv2d": conv,
    "conv3d": conv,
    "conv_transpose1d": conv_transpose,
    "conv_transpose2d": conv_transpose,
    "conv_transpose3d": conv_transpose,
    "dense": dense,
    "einsum": einsum,
    "flatten": flatten,
    "global_avg_pool1d": global_pool,
    "global_avg_pool2d": global_pool,
    "global_avg_pool3d": global_pool,
    "global_max_pool1d": global_pool,
    "global_max_pool2d": global_pool,
    "global_max_pool3d": global_pool,
    "gru": gru,
    "lstm": lstm,
    "matmul": matmul,
    "max_pool1d": window_pool,
    "max_pool2d": window_pool,
    "max_pool3d": window_pool,
    "relu": same_shape,
    "rnn": rnn,
    "separable_conv": separable_conv,
    "softmax": same_shape,
    "zero_pad2d": zero_pad,
}


def apply(op: str, attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """What ``op`` does to ``inputs``.

    Raises:
        KeyError: there is no rule for ``op``.
        InputError: the inputs don't fit, with the shapes in the message; the caller knows the layer's name.
    """
    return RULES[op](attributes, inputs)


__all__ = ["RULES", "Effect", "apply"]
