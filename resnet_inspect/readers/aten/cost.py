"""Multiply-adds of ATen's operators from shapes alone, by the policy of ``torch/cost.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from ... import ops
from ...ir import Shape, Tensor
from ...ops.attention import products
from .operators import Operator, tensors_in

#: Words in the name of an operator that multiplies matrices: without a formula, its cost is unknown.
_PRODUCTS = frozenset(
    [
        *("addmm", "addbmm", "addmv", "bmm", "conv", "convolution", "cdist", "dot", "fft", "gru", "inner", "linalg"),
        *("linear", "lstm", "matmul", "mm", "mv", "rnn", "sparse", "trilinear", "bilinear", "vdot", "int4pack"),
        *("int8pack", "attention", "transformer", "tensordot", "einsum", "chain", "conv1d", "conv2d", "conv3d"),
        *("cholesky", "geqrf", "ormqr", "solve"),  # as what linalg has, by LAPACK's names
    ]
)
_NO_PRODUCTS = ("linalg_vector_norm", "linalg_cross")

#: Operators of torchvision that choose and sample, but don't multiply matrices.
_FREE = frozenset(["nms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"])


def _grouped(shapes: Sequence[Shape], _output: Shape) -> int:
    """Rows in groups, each times its group's matrix; or a stack of matrices, each times its group's columns."""
    first, second = shapes[:2]
    stacked = (len(first), len(second)) == (3, 2)
    return prod(first[1:] if stacked else first) * second[-1]


#: Products that torch's own registry of formulas lacks: an operator's plain name -> its multiply-adds, from the shapes
#: of the tensors that it reads and of the first that it gives.
FORMULAS: dict[str, Callable[[Sequence[Shape], Shape], int]] = {
    **dict.fromkeys(("mv", "dot", "vdot"), lambda shapes, _: prod(shapes[0])),
    # What is added stands first.
    "addmv": lambda shapes, _: prod(shapes[1]),
    "addbmm": lambda shapes, _: prod(shapes[1]) * shapes[2][-1],
    # Each element of the output meets a kernel of so many steps, over all channels.
    "conv_tbc": lambda shapes, output: prod(output) * prod(shapes[1][:2]),
    # Of the experts, each row meets the one that it was sent to.
    "grouped_mm": _grouped,
    # One direction of one layer of an LSTM, as CPUs run it: every step reads the input and the state.
    "mkldnn_rnn_layer": lambda shapes, _: prod(shapes[0][:-1]) * sum(map(prod, shapes[1:3])),
}


def without_formula(namespace: str, name: str) -> int | None:
    """Multiply-adds of an operator that no formula knows: 0 if it multiplies no matrices, or else None.

    ``name`` is without the marks of variants, such as underscores at its ends.
    """
    if namespace == "torchvision":
        return 0 if name in _FREE else None
    if namespace not in ("aten", "prim", "prims", "quantized"):
        return None
    # The upsampling and the bilinear layer share a word, and only one of them multiplies matrices.
    free = name in _NO_PRODUCTS or name.startswith("upsample")
    return 0 if free or _PRODUCTS.isdisjoint(name.split("_")) else None


def macs(operator: Operator) -> int | None:
    """Multiply-adds of one call; 0 for what multiplies no matrices, None for what nobody knows."""
    formula = _formula(operator.namespace, operator.plain)
    if formula is None:
        return without_formula(operator.namespace, operator.plain)
    return formula(operator) if operator.complete else None


def _formula(namespace: str, name: str) -> Callable[[Operator], int | None] | None:
    if namespace == "transformers":
        return _by_shapes("grouped_mm") if name == "grouped_mm_fallback" else None
    if namespace != "aten" or "backward" in name.split("_"):
        return None
    if name.startswith("scaled_dot_product"):
        return _attention
    if name == "convolution" or name.startswith(("conv1d", "conv2d", "conv3d", "conv_transpose")):
        return _convolution
    return _FORMULAS.get(name) or (_by_shapes(name) if name in FORMULAS else None)


def _by_shapes(name: str) -> Callable[[Operator], int]:
    formula = FORMULAS[name]
    return lambda operator: formula([tensor.shape for tensor in operator.tensors()], operator.outputs[0].shape)


def _convolution(operator: Operator) -> int:
    """Each output element, or each input element of a transposed one, meets a kernel over the channels of its group."""
    tensor, weight = operator.tensors()[:2]
    transposed = bool(operator.arguments.get("transposed")) or "transpose" in operator.plain
    return (tensor.size if transposed else operator.outputs[0].size) * prod(weight.shape[1:])


def _attention(operator: Operator) -> int:
    query, key, value = operator.tensors()[:3]
    return products(prod(query.shape[:-1]), key.shape[-2], query.shape[-1], value.shape[-1])


def _over_first(operator: Operator) -> int:
    """Each element of the output is a sum over the last dimension of the first factor."""
    return operator.outputs[0].size * operator.tensors()[0].shape[-1]


def _over_second(operator: Operator) -> int:
    """The same, where what is added stands first."""
    return operator.outputs[0].size * operator.tensors()[1].shape[-1]


def _recurrent(operator: Operator) -> int:
    """At each step of each sequence, every matrix meets a vector. Packed sequences have one row a step."""
    steps = prod(operator.tensors()[0].shape[:-1])
    return steps * sum(t.size for t in tensors_in(operator.arguments.get("params")) if len(t.shape) == 2)


def _cell(operator: Operator) -> int:
    batch = prod(operator.tensors()[0].shape[:-1])
    weights: list[Tensor] = [operator.arguments[name] for name in ("w_ih", "w_hh")]
    return batch * sum(weight.size for weight in weights)


def _einsum(operator: Operator) -> int | None:
    """Of more than two factors, the cost depends on the order in which they are multiplied."""
    tensors = tensors_in(operator.arguments["tensors"])
    if not 1 <= len(tensors) <= 2:
        return None
    return ops.apply("einsum", {"equation": operator.arguments["equation"]}, tensors).macs


_FORMULAS: dict[str, Callable[[Operator], int | None]] = {
    **dict.fromkeys(("linear", "mm", "bmm", "matmul", "scaled_mm"), _over_first),
    **dict.fromkeys(("addmm", "baddbmm"), _over_second),
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent),
    **dict.fromkeys(("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), _cell),
    "einsum": _einsum,
}
