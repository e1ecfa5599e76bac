"""Recurrent layers: the same matrix products at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from ..errors import InputError
from ..ir import Tensor, Value
from ..shape import format_shape
from .effect import Effect
from .formula import Formula, Law

#: Matrix products with the input, and with the state, per step: the gates (Hochreiter 1997; Cho et al. 2014).
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
_SOURCE = "Hochreiter and Schmidhuber 1997; Cho et al. 2014; with a projection, Sak et al. 2014"


@cache
def _law(stacked: bool, projected: bool) -> Law:
    """Each gate multiplies what is read and the state; a projection makes the state smaller than the hidden vector.

    ``biases``, the vectors of biases for each gate, are 2 in torch and 0 to 2 in Keras, which the rule isn't told.
    """

    def one(reads: str, biases: str) -> str:
        products = f"gates*hidden*({reads} + state{biases})"
        return f"directions*({products} + hidden*state)" if projected else f"directions*{products}"

    def both(biases: str) -> str:
        first = one("in_features", biases)
        return f"{first} + (layers-1)*{one('directions*state', biases)}" if stacked else first

    weights = both("")
    return Law(
        Formula(both(" + biases"), _SOURCE), Formula(f"steps*({weights})" if stacked else f"steps*{weights}", _SOURCE)
    )


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
    layers = sizes.get("num_layers", 1)
    law = _law(layers != 1, bool(projected))
    symbols = {"steps": steps, "directions": directions, "gates": _GATES[kind], "hidden": hidden, "layers": layers}
    symbols |= {"in_features": features, "state": state}
    width = state * directions
    whole = attributes.get("return_sequences", True)
    shape = (*tensor.shape[:-1], width) if whole else (tensor.shape[0], width)
    return Effect(Tensor(shape, tensor.dtype), (), law.macs.value(symbols), law, symbols)
