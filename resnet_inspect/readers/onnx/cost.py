"""Multiply-adds of ONNX's nodes, from the rules of ``ops``; and the shapes of what onnx itself doesn't know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from onnx import defs

from ... import ops
from ...errors import InputError
from ...ir import Attributes, Shape, Tensor, Value
from ...ops import vocabulary
from ...ops.attention import products
from .operators import FACTOR, Call, word_of

#: ONNX's own operators that no rule knows, or that run graphs of their own.
_UNKNOWN = frozenset(
    [
        *("CausalConvWithState", "DFT", "DeformConv", "Det", "If", "ImageDecoder", "LinearAttention", "Loop"),
        *("STFT", "Scan", "SequenceMap"),
    ]
)
#: Operators of later opsets may compute anything.
_NEWEST_OPSET = 26
#: ONNX Runtime's operators without a product, beside those that ``_is_pointwise`` knows.
_FREE = frozenset(
    [
        *("EmbedLayerNormalization", "QLinearAdd", "QLinearAveragePool", "QLinearConcat", "QLinearGlobalAveragePool"),
        "QLinearMul",
    ]
)
_RUNTIME = "com.microsoft."


def macs_of(call: Call, op: str, attributes: Attributes) -> int | None:
    """Multiply-adds of a node, None if nobody knows."""
    count = _COUNTS.get(call.kind)
    if count is None:
        return 0 if _is_free(call.kind) else None
    try:
        return count(call, op, dict(attributes))
    except (InputError, ArithmeticError, IndexError, KeyError, TypeError, ValueError):
        return None  # used in a way that the rule doesn't know: no number is better than a wrong one


def has_own_shapes(kind: str) -> bool:
    """Whether ``own_shapes`` may know what an operator gives."""
    return kind.startswith(_RUNTIME) or kind == "SimplifiedLayerNormalization"


def own_shapes(call: Call) -> tuple[Shape, ...]:
    """What a node of ONNX Runtime gives; nothing if it isn't known."""
    first = call.input(0)
    kind = call.kind.removeprefix(_RUNTIME)
    if first is None:
        return ()
    if _is_pointwise(call.kind):
        return (first.shape,)
    if kind == "MatMulNBits" and first.shape and isinstance(call.settings.get("N"), int):
        return ((*first.shape[:-1], call.integer("N", 0)),)
    if kind == "FusedMatMul":
        try:
            return (ops.apply("matmul", {}, _factors(call)).output.shape,)
        except (InputError, KeyError, ValueError):
            return ()
    parts = _parts(call) if len(first.shape) == 3 else None
    return ((*first.shape[:-1], parts[-1]),) if parts else ()


def _is_free(kind: str) -> bool:
    """Whether an operator is known to multiply no matrices."""
    if kind.startswith(_RUNTIME):
        return kind.removeprefix(_RUNTIME) in _FREE or _is_pointwise(kind)
    if kind in _UNKNOWN or "." in kind:
        return False
    try:
        defs.get_schema(kind, _NEWEST_OPSET, "")
    except defs.SchemaError:
        return kind == "SimplifiedLayerNormalization"  # ONNX Runtime's, in ONNX's own domain
    return True


def _is_pointwise(kind: str) -> bool:
    """Whether what an operator of ONNX Runtime gives has the shape of what it reads first, without a product."""
    word = word_of(kind)
    return kind.endswith("RotaryEmbedding") or (
        word is not None and vocabulary.of(word).family in ("activation", "norm")
    )


def _tensor(call: Call, position: int) -> Tensor:
    """An input as the rules read it: channels first, since ONNX's operators are.

    Raises:
        KeyError: its shape isn't known.
    """
    tensor = call.input(position)
    if tensor is None:
        raise KeyError(position)
    return replace(tensor, layout=None)


def _convolution(call: Call, op: str, attributes: Mapping[str, Value]) -> int | None:
    if op == "other":
        return None
    made = call.output()
    size = {"output_size": made.shape[2:]} if made and call.kind == "ConvTranspose" else {}
    return ops.apply(op, {**attributes, **size}, [_tensor(call, 0)]).macs


def _product(call: Call, op: str, attributes: Mapping[str, Value]) -> int:
    factors = _factors(call)
    return ops.apply(op, attributes, factors[:1] if op == "dense" else factors).macs


def _factors(call: Call) -> list[Tensor]:
    """Two matrices, or stacks of them, as they are multiplied.

    Raises:
        KeyError: the shape of one isn't known.
    """
    factors = [_tensor(call, 0), _tensor(call, FACTOR.get(call.kind, 1))]
    if call.kind not in ("Gemm", "com.microsoft.FusedMatMul"):
        return factors
    turned = (call.integer("transA", 0), call.integer("transB", 0))
    return [
        Tensor((*t.shape[:-2], *t.shape[:-3:-1]) if turn else t.shape, t.dtype)
        for t, turn in zip(factors, turned, strict=True)
    ]


def _few_bits(call: Call, op: str, attributes: Mapping[str, Value]) -> int:
    return ops.apply(op, attributes, [_tensor(call, 0)]).macs


def _einsum(call: Call, op: str, attributes: Mapping[str, Value]) -> int | None:
    factors = [_tensor(call, position) for position in range(len(call.given))]
    return ops.apply(op, attributes, factors).macs if len(factors) <= 2 else None


def _recurrent(call: Call, op: str, attributes: Mapping[str, Value]) -> int:
    return ops.apply(op, attributes, [_tensor(call, 0)]).macs


def _attention(call: Call, _op: str, _attributes: Mapping[str, Value]) -> int | None:
    parts = _parts(call)
    if parts is None:
        return None
    projections, batch, queries, positions, keys, values = parts
    return projections + products(batch * queries, positions, keys, values)


def _parts(call: Call) -> tuple[int, int, int, int, int, int] | None:
    """An attention's projections (MACs), batch, queries, positions, and the width of keys and of values over all heads.

    None for what isn't plain: packed inputs, a cache of keys.
    """
    query, key, value = call.input(0), call.input(1), call.input(2)
    if query is None or key is None:
        return None
    if call.kind == "com.microsoft.Attention":
        if call.has(4) or len(query.shape) != 3 or len(key.shape) != 2:
            return None
        batch, length, _ = query.shape
        third = key.shape[1] // 3
        width, _, values = call.integers("qkv_hidden_sizes") or (third, third, third)
        return query.size * key.shape[1], batch, length, length, width, values
    if value is None or not len(query.shape) == len(key.shape) == len(value.shape):
        return None
    if call.kind == "com.microsoft.MultiHeadAttention":
        if len(query.shape) != 3 or call.has(6):
            return None
        return 0, query.shape[0], query.shape[1], key.shape[1], query.shape[2], value.shape[2]
    before = 0
    if call.has(4):
        past = call.input(4)
        if past is None or len(past.shape) != 4:
            return None
        before = past.shape[2]
    if len(query.shape) == 4:
        batch, heads, queries, width = query.shape
        return 0, batch, queries, before + key.shape[2], heads * width, heads * value.shape[3]
    heads, shared = call.integer("q_num_heads", 0), call.integer("kv_num_heads", 0)
    if len(query.shape) != 3 or heads < 1 or shared < 1:
        return None
    batch, queries, width = query.shape
    return 0, batch, queries, before + key.shape[1], width, value.shape[2] // shared * heads


_COUNTS: Mapping[str, Callable[[Call, str, Mapping[str, Value]], int | None]] = {
    **dict.fromkeys(["Conv", "ConvTranspose", "ConvInteger", "QLinearConv"], _convolution),
    **dict.fromkeys(["Gemm", "MatMul", "MatMulInteger", "QLinearMatMul", "com.microsoft.FusedMatMul"], _product),
    **dict.fromkeys(["LSTM", "GRU", "RNN"], _recurrent),
    **dict.fromkeys(["Attention", "com.microsoft.Attention", "com.microsoft.MultiHeadAttention"], _attention),
    "Einsum": _einsum,
    "com.microsoft.MatMulNBits": _few_bits,
}
