"""Multiply-adds of Keras' layers and operations, from the rules of ``ops``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import keras

from ... import ops
from ...errors import InputError
from ...ir import Attributes, Tensor, Value
from ...ops.attention import products
from .compat import ConvLSTM, einsum_kernel_shape
from .operators import describe_layer, layer_class, layer_op

#: Operations of ``keras.ops`` that multiply matrices or run code of their own: without a rule their cost is unknown.
_PRODUCTS = frozenset(
    [
        *("associative_scan", "attention", "cdist", "cholesky", "cholesky_inverse", "cond", "conv"),
        *("conv_transpose", "corrcoef", "correlate", "depthwise_conv", "det", "dot", "eig", "eigh"),
        *("einsum", "elastic_transform", "fft", "fft2", "fori_loop", "gaussian_blur", "ifft2", "inner"),
        *("inv", "irfft", "istft", "jvp", "kron", "logdet", "lstsq", "lu_factor", "map", "matmul"),
        *("matrix_rank", "perspective_transform", "pinv", "qr", "rfft", "scan", "separable_conv"),
        *("slogdet", "sobel_edges", "solve", "solve_triangular", "ssim", "stft", "svd", "switch"),
        *("tensordot", "vdot", "vectorized_map", "while_loop"),
    ]
)

#: Layers' ops that only their wrapped layers can answer for, or that run what nobody knows.
_UNKNOWN = frozenset(["other", "bidirectional", "dot", "einsum_dense", "recurrent", "time_distributed"])


def operation_macs(op: str, attributes: Attributes, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> int | None:
    """Multiply-adds of a functional operation, None if nobody knows."""
    values = dict(attributes)
    if op == "einsum":
        values = {"equation": values.get("subscripts")}
    if op == "attention":
        # Heads stand before the width here (batch, positions, heads, width): each is a product of its own.
        query, key, value = inputs[:3]
        batch, queries, heads, width = query.shape
        return products(batch * heads * queries, key.shape[1], width, value.shape[-1])
    if op in ("matmul", "einsum") and len(inputs) == 2:
        return _by_rule(op, values, inputs)
    if op == "vdot" and len(inputs) == 2:
        return inputs[0].size
    if op in _FORMULAS and outputs and len(inputs) == (3 if op == "separable_conv" else 2):
        return _FORMULAS[op](values, inputs, outputs[0])
    if op == "norm":
        return _norm(values, inputs)
    return None if op in _PRODUCTS else 0


def _norm(values: Mapping[str, Value], inputs: Sequence[Tensor]) -> int | None:
    """A matrix's norm by its singular values is as unknown as these; every other norm is by element."""
    axis = values.get("axis")
    over = len(axis) if isinstance(axis, tuple) else len(inputs[0].shape)
    return None if over == 2 and values.get("ord") in (2, -2, "nuc") else 0


def _convolution(_: Mapping[str, Value], inputs: Sequence[Tensor], output: Tensor) -> int:
    """Each output element is a sum over a kernel (height, width, channels of a group, output channels)."""
    return output.size * prod(inputs[1].shape[:-1])


def _depthwise(_: Mapping[str, Value], inputs: Sequence[Tensor], output: Tensor) -> int:
    """Each output element is a sum over a kernel (height, width, channels, multiplier) of one channel."""
    return output.size * prod(inputs[1].shape[:-2])


def _separable(_: Mapping[str, Value], inputs: Sequence[Tensor], output: Tensor) -> int:
    """At each position a kernel for each channel, times the multiplier; then a product of all channels."""
    depthwise, pointwise = inputs[1].shape, inputs[2].shape
    positions = output.size // pointwise[-1]
    return positions * (prod(depthwise) + prod(pointwise))


def _transposed(_: Mapping[str, Value], inputs: Sequence[Tensor], _output: Tensor) -> int:
    """Each input element meets a kernel (height, width, output channels, input channels)."""
    return inputs[0].size * prod(inputs[1].shape[:-1])


def _dot(_: Mapping[str, Value], inputs: Sequence[Tensor], output: Tensor) -> int:
    """NumPy's ``dot`` and ``inner``: sums over the last dimension of the first; with a number, there is none."""
    return output.size * inputs[0].shape[-1] if all(item.shape for item in inputs) else 0


def _tensordot(values: Mapping[str, Value], inputs: Sequence[Tensor], output: Tensor) -> int | None:
    axes, shape = values.get("axes", 2), inputs[0].shape
    if isinstance(axes, int):
        return output.size * prod(shape[len(shape) - axes :])
    first = axes[0] if isinstance(axes, tuple) and axes else None
    summed = first if isinstance(first, tuple) else (first,)
    return output.size * prod(shape[axis] for axis in summed if isinstance(axis, int)) if None not in summed else None


_FORMULAS: dict[str, Callable[[Mapping[str, Value], Sequence[Tensor], Tensor], int | None]] = {
    "conv": _convolution,
    "conv_transpose": _transposed,
    "depthwise_conv": _depthwise,
    "dot": _dot,
    "inner": _dot,
    "separable_conv": _separable,
    "tensordot": _tensordot,
}


def layer_macs(
    layer: Any, op: str, attributes: Mapping[str, Value], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> int | None:
    """Multiply-adds of a layer's call, None if nobody knows."""
    own = _layer_macs(layer, op, attributes, inputs, outputs)
    added = _lora_macs(layer, inputs[0]) if getattr(layer, "lora_enabled", False) else 0
    return None if own is None or added is None else own + added


def _lora_macs(layer: Any, tensor: Tensor) -> int | None:
    """The cost of two thin matrices: added to the kernel as a product, or used in turn beside a quantised one."""
    word = "embeddings" if hasattr(layer, "lora_embeddings_a") else "kernel"
    first, second = (tuple(getattr(layer, f"lora_{word}_{which}").shape) for which in "ab")
    if layer.quantization_mode is None:
        return prod(first) * second[-1]
    if word == "embeddings":
        return tensor.size * prod(second)
    return tensor.size // tensor.shape[-1] * (prod(first) + prod(second)) if layer_op(layer) == "dense" else None


def _layer_macs(
    layer: Any, op: str, attributes: Mapping[str, Value], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> int | None:
    if op == "time_distributed":
        batch, steps, *rest = inputs[0].shape
        return _inner_macs(layer.layer, [Tensor((batch * steps, *rest), inputs[0].dtype, inputs[0].layout)])
    if op == "bidirectional":
        both = [_inner_macs(inner, inputs) for inner in (layer.forward_layer, layer.backward_layer)]
        return None if None in both else sum(macs or 0 for macs in both)
    if op == "recurrent":
        if isinstance(layer, ConvLSTM):
            return _conv_lstm_macs(layer, inputs[0], outputs)
        return _cells_macs(layer.cell, inputs[0])
    if op == "einsum_dense":
        kernel = Tensor(einsum_kernel_shape(layer), inputs[0].dtype)
        return _by_rule("einsum", {"equation": layer.equation}, [inputs[0], kernel])
    if op == "embedding" and hasattr(layer, "tie_weights") and keras.backend.is_float_dtype(inputs[0].dtype):
        return inputs[0].size * layer.input_dim  # backwards: each vector with those of all words
    if op == "dot":
        axes = attributes.get("axes", -1)
        first = axes[0] if isinstance(axes, tuple) else axes
        if not isinstance(first, int) or not outputs:
            return None
        shared = inputs[0].shape[first]
        if len(inputs[0].shape) == len(inputs[1].shape) == 2:
            return inputs[0].size  # a product per item, summed up
        return outputs[0].size * shared
    if layer_class(layer) == "AdditiveAttention" or (op == "attention" and attributes.get("score_mode") == "concat"):
        # Scores are sums of tanh, by element (Bahdanau et al. 2015): what they weigh is the only product.
        query, value = inputs[:2]
        return products(prod(query.shape[:-1]), value.shape[-2], 0, value.shape[-1])
    if op == "attention" and "attention_axes" in attributes:
        return None  # over some of the positions only
    if op in ops.RULES:
        return _by_rule(op, attributes, inputs)
    # What isn't Keras' own may do anything.
    return None if op in _UNKNOWN else 0


def _conv_lstm_macs(layer: Any, tensor: Tensor, outputs: Sequence[Tensor]) -> int | None:
    """Shi et al. 2015: at every step and position, four gates each read a window of the input and one of the state."""
    if not outputs:
        return None
    last = layer.data_format == "channels_last"
    shape = outputs[0].shape[2 if layer.return_sequences else 1 :]
    positions = prod(shape[:-1] if last else shape[1:])
    channels = tensor.shape[-1 if last else 2]
    reads = prod(layer.kernel_size) * (channels + layer.filters)
    return tensor.shape[0] * tensor.shape[1] * positions * 4 * layer.filters * reads


def _inner_macs(layer: Any, inputs: Sequence[Tensor]) -> int | None:
    """The cost of a layer inside a wrapper, whose own tensors nobody sees."""
    spec = keras.KerasTensor(inputs[0].shape, inputs[0].dtype)
    out = layer.compute_output_shape(spec.shape)
    outputs = [Tensor(tuple(out), inputs[0].dtype)] if all(isinstance(size, int) for size in out) else []
    op, attributes = describe_layer(layer, inputs, outputs)
    return layer_macs(layer, op, dict(attributes), inputs, outputs)


def _cells_macs(cell: Any, tensor: Tensor) -> int | None:
    """The cost of one or several stacked cells over all steps."""
    total = 0
    features = tensor.shape[-1]
    for item in getattr(cell, "cells", [cell]):
        op = layer_op(item)
        if op not in ops.RULES:
            return None
        steps = Tensor((*tensor.shape[:-1], features), tensor.dtype)
        macs = _by_rule(op, {"in_features": features, "hidden_size": item.units}, [steps])
        if macs is None:
            return None
        total += macs
        features = item.units
    return total


def _by_rule(op: str, attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> int | None:
    try:
        return ops.apply(op, attributes, inputs).macs
    except (InputError, KeyError, TypeError, ValueError):
        return None  # used in a way that the rule doesn't know: no number is better than a wrong one
