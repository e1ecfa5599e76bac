"""Layers of attention, which read a query, a value and perhaps a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....ir import Shape
from .kind import ACTIVITY, Kind, Output, Weight, Weights, variables
from .settings import Check, count, flag, known, nothing, only, optional, rate, seed, several


def _width(settings: Any, query: Shape) -> int:
    """How wide the result is: as the query, unless another width was asked for."""
    asked: tuple[int, ...] | None = getattr(settings, "output_shape", None)
    return asked[0] if asked else query[-1]


def _output(settings: Any, shapes: Sequence[Shape]) -> Shape:
    query, value, key = (*shapes, shapes[1])[:3]
    known(query[0] == value[0], "different batches")
    known(value[:-1] == key[:-1], "values of other keys")
    return (*query[:-1], _width(settings, query))


def _of_equal_widths(settings: Any, shapes: Sequence[Shape]) -> Shape:
    known(shapes[0][-1] == shapes[1][-1], "a value of another width")
    return _output(settings, shapes)


def _weights(heads: str, key_heads: str, key_dim: str, value_dim: str) -> Weights:
    """The projections of query, key and value and of what comes out, by the names of the settings of their sizes."""

    def weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
        query, value, key = (*shapes, shapes[1])[:3]
        size = vars(settings)
        known(size[heads] % size[key_heads] == 0, "heads that no number of keys divides")
        made = []
        for name, shape, biases in (
            ("query", (query[-1], size[heads], size[key_dim]), 2),
            ("key", (key[-1], size[key_heads], size[key_dim]), 2),
            ("value", (value[-1], size[key_heads], size[value_dim]), 2),
            ("attention_output", (size[heads], size[value_dim], _width(settings, query)), 1),
        ):
            made.append(Weight(f"{name}/kernel", shape))
            if settings.use_bias:
                made.append(Weight(f"{name}/bias", shape[-biases:]))
        return made

    return weights


def _kind(own: Mapping[str, Check], output: Output, weights: Weights, **more: Any) -> Kind:
    return Kind(
        {**own, "dropout": rate, "use_bias": flag, "seed": seed, **variables("kernel", "bias"), **ACTIVITY},
        output,
        weights,
        # What older versions of Keras don't write. One that isn't trained says so, while Keras trains the layers in it.
        missing={"use_gate": only(False), "sliding_window": nothing, "trainable": only(True)},
        arguments=("training", "use_causal_mask", "attention_mask", "return_attention_scores"),
        tensors=("query", "value", "key"),
        ranks=(3,),
        **more,
    )


_MULTI_HEAD = {
    **dict.fromkeys(("num_heads", "key_dim", "value_dim"), count),
    "output_shape": optional(several(count, 1)),
    "attention_axes": optional(several(only(1), 1)),
}
_GROUPED = dict.fromkeys(("head_dim", "num_query_heads", "num_key_value_heads"), count)

KINDS: Mapping[str, Kind] = {
    "MultiHeadAttention": _kind(
        _MULTI_HEAD,
        _output,
        _weights("num_heads", "num_heads", "key_dim", "value_dim"),
        fixed={"_attention_axes": None},
    ),
    "GroupQueryAttention": _kind(
        _GROUPED,
        _of_equal_widths,
        _weights("num_query_heads", "num_key_value_heads", "head_dim", "head_dim"),
        type="GroupedQueryAttention",
    ),
}
