"""Which layers count as depth."""

from __future__ import annotations

from ..ir import Layer

_OPS = frozenset(["attention", "bilinear", "dense", "einsum_dense", "gru", "lstm", "rnn", "separable_conv"])


def is_weighted(layer: Layer) -> bool:
    """Whether a layer is one of those that a network's depth counts (He et al. 2015, table 1).

    These are convolutions, fully connected layers and what is made of them (attention, recurrent layers), not
    normalisation.
    """
    return layer.op.startswith("conv") or layer.op in _OPS
