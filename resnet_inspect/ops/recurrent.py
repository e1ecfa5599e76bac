"""Recurrent layers: the same matrix products at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect

#: Matrix products with the input, and with the state, per step: the gates (Hochreiter 1997; Cho et al. 2014).
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def lstm(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Long short-term memory: four gates."""
    return _recurrent("lstm", attributes, inputs)


def gru(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Gated recurrent unit: three gates."""
    return _recurrent("gru", attributes, inputs)


def rnn(attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Elman's network: one product with the input, one with the state."""
    return _recurrent("rnn", attributes, inputs)


def _recurrent(kind: str, attributes: Mapping[str, Value], inputs: Sequence[Tensor]) -> Effect:
    """Attributes: in_features, hidden_size, return_sequences; in torch num_layers, bidirectional, proj_size too.

    MACs: per step, layer and direction, gates x hidden x (input + state), and the projection of the state.
    """
    tensor = inputs[0]
    sizes = {name: value for name, value in attributes.items() if isinstance(value, int)}
    features, hidden = sizes["in_features"], sizes["hidden_size"]
    if len(tensor.shape) not in (2, 3) or tensor.shape[-1] != features:
        raise InputError(f"expects sequences of {features} features, got {format_shape(tensor.shape)}")
    steps = Tensor(tensor.shape[:-1], tensor.dtype).size
    directions = 2 if attributes.get("bidirectional") else 1
    projected = sizes.get("proj_size", 0)
    state = projected or hidden
    macs = 0
    for layer in range(sizes.get("num_layers", 1)):
        reads = features if layer == 0 else state * directions
        macs += directions * steps * (_GATES[kind] * hidden * (reads + state) + hidden * projected)
    width = state * directions
    whole = attributes.get("return_sequences", True)
    shape = (*tensor.shape[:-1], width) if whole else (tensor.shape[0], width)
    return Effect(Tensor(shape, tensor.dtype), (), macs)
