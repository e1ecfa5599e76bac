"""Formulas of stored numbers, by arithmetic written out, and against what torch and Keras allocate."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect import ops
from resnet_inspect.explain.derivation import derivations
from resnet_inspect.ir import Layer, Shape, Summary
from resnet_inspect.ops import weights
from tests.support.command import in_child
from tests.support.toys import tensor


@pytest.mark.parametrize(
    ("op", "attributes", "shapes", "number"),
    [
        ("batch_norm", {}, [(8,)] * 4, 4 * 8),
        ("layer_norm", {}, [(5, 6), (5, 6)], 2 * 5 * 6),
        ("group_norm", {}, [(8,)], 8),
        ("normalization", {}, [(3,), (3,), ()], 2 * 3 + 1),
        ("embedding", {"num_embeddings": 10, "embedding_dim": 4}, [(10, 4)], 10 * 4),
        ("attention", {"embed_dim": 6}, [(18, 6), (18,), (6, 6), (6,)], 4 * 6 * 6 + 4 * 6),
        ("attention", {"embed_dim": 6, "kdim": 3, "vdim": 2}, [(6, 6), (6, 3), (6, 2), (6, 6)], 6 * (6 + 3 + 2 + 6)),
        # A key and a value that are learned, add_bias_kv, are counted with the biases.
        ("attention", {"embed_dim": 6}, [(18, 6), (1, 1, 6), (1, 1, 6), (6, 6)], 4 * 6 * 6 + 2 * 6),
        ("mul", {}, [(1, 7, 1, 3)], 7 * 3),
        ("matmul", {}, [(4, 5)], 4 * 5),
    ],
)
def test_what_is_stored(op: str, attributes: dict[str, Any], shapes: list[Shape], number: int) -> None:
    found = weights.stored(op, attributes, shapes)
    assert found is not None
    formula, symbols = found
    assert formula.value(symbols) == number


@pytest.mark.parametrize(
    ("op", "attributes", "shapes"),
    [("batch_norm", {}, []), ("mul", {}, [(3,), (3,)]), ("attention", {"num_heads": 2}, [(4, 4)]), ("zzz", {}, [(3,)])],
)
def test_what_has_no_formula(op: str, attributes: dict[str, Any], shapes: list[Shape]) -> None:
    assert weights.stored(op, attributes, shapes) is None


def test_what_attention_multiplies() -> None:
    # The function: 2 items, 3 heads, 5 queries of 4 numbers, 7 keys, values of 6 numbers.
    found = weights.attended({}, [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)])
    assert found is not None
    assert found[0].value(found[1]) == 2 * 3 * 5 * 7 * (4 + 6)
    # The module, width 12, 3 heads: queries and results are projected, keys of 8 and values of 10 numbers, too.
    settings = {"embed_dim": 12, "num_heads": 3, "head_dim": 4, "kdim": 8, "vdim": 10}
    number = 2 * (5 * 12 * 12 + 7 * 12 * 8 + 7 * 12 * 10 + 3 * 5 * 7 * (4 + 4) + 5 * 12 * 12)
    for first, shapes in ((True, [(2, 5, 12), (2, 7, 8), (2, 7, 10)]), (False, [(5, 2, 12), (7, 2, 8), (7, 2, 10)])):
        found = weights.attended({**settings, "batch_first": first}, shapes)
        assert found is not None
        assert found[0].value(found[1]) == number
    assert weights.attended({}, [(2, 5, 12)]) is None
    assert weights.attended(settings, [(5, 12)]) is None


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_what_recurrent_layers_store(kind: str, gates: int) -> None:
    plain = {"in_features": 3, "hidden_size": 5}
    for settings, number in (
        (plain, gates * 5 * (3 + 5 + 2)),
        ({**plain, "bidirectional": True}, 2 * gates * 5 * (3 + 5 + 2)),
        # The second and the third layer read what both directions of the one before give.
        (
            {**plain, "bidirectional": True, "num_layers": 3},
            2 * gates * 5 * (3 + 5 + 2) + 2 * 2 * gates * 5 * (10 + 5 + 2),
        ),
        # A matrix of 2x5 makes the state smaller.
        ({**plain, "proj_size": 2}, gates * 5 * (3 + 2 + 2) + 2 * 5),
        (
            {**plain, "proj_size": 2, "num_layers": 2},
            gates * 5 * (3 + 2 + 2) + 2 * 5 + gates * 5 * (2 + 2 + 2) + 2 * 5,
        ),
    ):
        effect = ops.apply(kind, settings, [tensor(7, 3)])
        assert effect.law is not None
        assert effect.law.params is not None
        assert effect.law.params.value({**effect.symbols, "biases": 2}) == number


def test_what_attention_with_heads_stores() -> None:
    settings = {"num_heads": 6, "num_kv_heads": 2, "key_dim": 4, "value_dim": 5, "out_features": 9}
    inputs = [tensor(1, 3, 12), tensor(1, 7, 8), tensor(1, 7, 10)]
    matrices = 12 * 6 * 4 + 10 * 2 * 4 + 8 * 2 * 5 + 6 * 5 * 9
    for bias, number in ((False, matrices), (True, matrices + 6 * 4 + 2 * 4 + 2 * 5 + 9)):
        effect = ops.apply("attention", {**settings, "bias": bias}, inputs)
        assert effect.law is not None
        assert effect.law.params is not None
        assert effect.law.params.value(effect.symbols) == number


def expect_formulas(summary: Summary, op: str, allocated: int, without: tuple[str, ...] = ()) -> None:
    """The one layer of this operator has what the framework allocates, and formulas of all but these numbers."""
    (layer,) = (layer for layer in summary.layers if layer.op == op)
    assert layer.params == allocated
    found = {each.quantity: each for each in derivations(layer, {}) if each.quantity in ("params", "macs")}
    assert found["params"].result == allocated
    assert tuple(name for name, each in found.items() if each.formula is None) == without, _described(layer)


def _described(layer: Layer) -> str:
    return f"{layer.type} {layer.attributes} {[p.shape for p in layer.parameters]}"


@in_child("torch")
def test_torchs_recurrent_layers_and_attention() -> None:
    import torch
    from torch import nn

    from resnet_inspect import summarize

    def numel(module: nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    settings: tuple[dict[str, Any], ...] = (
        {},
        {"bias": False},
        {"num_layers": 3, "bidirectional": True, "batch_first": True},
        {"num_layers": 2, "bidirectional": True, "bias": False},
    )
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        # Sizes of 1 and 2, and an input wider than all gates, could be mistaken for one another.
        for reads, hidden in ((6, 5), (2, 2), (1, 2), (30, 1)):
            for more in (*settings, *([{"proj_size": 1, "num_layers": 2}] if kind is nn.LSTM and hidden > 1 else ())):
                module = kind(reads, hidden, **more)
                summary = summarize(module, input=torch.zeros(2, 7, reads))
                expect_formulas(summary, kind.__name__.lower(), numel(module))
    for cell in (nn.LSTMCell(6, 5), nn.GRUCell(6, 5), nn.RNNCell(6, 5, bias=False)):
        summary = summarize(cell, input=torch.zeros(2, 6))
        expect_formulas(summary, type(cell).__name__.removesuffix("Cell").lower(), numel(cell))

    class Attention(nn.Module):
        def __init__(self, **more: Any) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(12, 3, **more)

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.inner(*tensors)[0]
            return made

    for more in ({}, {"bias": False}, {"kdim": 8, "vdim": 10}, {"kdim": 8, "bias": False}):
        for first in (False, True):
            model = Attention(batch_first=first, **more)
            shapes = [(2, 5, 12), (2, 7, more.get("kdim", 12)), (2, 7, more.get("vdim", 12))]
            tensors = [torch.zeros(*shape) for shape in shapes]
            given = tuple(each if first else each.transpose(0, 1) for each in tensors)
            expect_formulas(summarize(model, input=given), "attention", numel(model))
    # A learned key more than are given: what torch multiplies then, the formula doesn't say.
    model = Attention(add_bias_kv=True)
    given = (torch.zeros(5, 2, 12),) * 3
    expect_formulas(summarize(model, input=given), "attention", numel(model), without=("macs",))


@in_child("tensorflow")
def test_keras_recurrent_layers_and_attention() -> None:
    import keras
    from keras import layers

    from resnet_inspect import summarize

    read, other = keras.Input((7, 6)), keras.Input((5, 8))
    for layer, op in (
        (layers.LSTM(5), "lstm"),
        (layers.LSTM(2, use_bias=False, return_sequences=True), "lstm"),
        (layers.GRU(5), "gru"),
        (layers.GRU(2, reset_after=False), "gru"),
        (layers.SimpleRNN(5), "rnn"),
    ):
        model = keras.Model(read, layer(read))
        expect_formulas(summarize(model), op, model.count_params())
    for attention in (
        layers.MultiHeadAttention(3, 4, value_dim=2),
        layers.MultiHeadAttention(3, 4, use_bias=False, output_shape=7),
    ):
        model = keras.Model([read, other], attention(read, other))
        expect_formulas(summarize(model), "attention", model.count_params())
