"""Recurrent layers, and those that run one in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from .... import ops
from ....ir import Shape, Tensor
from ..layers import described
from .kind import ACTIVITY, Kind, Weight, Weights, variables
from .settings import Check, Unknown, activation, count, flag, known, layer_name, only, policy, rate, read, seed


def _steps(settings: Any, shapes: Sequence[Shape]) -> Shape:
    batch, steps, _ = shapes[0]
    return (batch, steps, settings.units) if settings.return_sequences else (batch, settings.units)


def _gates(cell: str, gates: int) -> Weights:
    def weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
        units, wide = settings.units, gates * settings.units
        kernel = Weight(f"{cell}/kernel", (shapes[0][-1], wide))
        of_state = Weight(f"{cell}/recurrent_kernel", (units, wide))
        # A GRU that resets after its product has two, of the input and of the state.
        sizes = (2, wide) if getattr(settings, "reset_after", False) else (wide,)
        return [kernel, of_state, *([Weight(f"{cell}/bias", sizes)] if settings.use_bias else [])]

    return weights


def _recurrent(cell: str, gates: int, **more: Check) -> Kind:
    settings: dict[str, Check] = {
        **dict.fromkeys(("return_sequences", "go_backwards", "zero_output_for_mask", "use_bias"), flag),
        **dict.fromkeys(("return_state", "stateful", "unroll"), only(False)),
        **dict.fromkeys(("dropout", "recurrent_dropout"), rate),
        "units": count,
        "activation": activation,
        **variables("kernel", "recurrent", "bias"),
        **ACTIVITY,
        **more,
    }
    return Kind(settings, _steps, _gates(cell, gates), arguments=("training", "mask"), ranks=(3,))


_GATE = {"recurrent_activation": activation, "seed": seed}
_RECURRENT: Mapping[str, Kind] = {
    "SimpleRNN": _recurrent("simple_rnn_cell", 1),
    "LSTM": _recurrent("lstm_cell", 4, **_GATE, unit_forget_bias=flag),
    "GRU": _recurrent("gru_cell", 3, **_GATE, reset_after=flag),
}


def _direction(value: Any) -> SimpleNamespace:
    """The layer of one direction, as Keras writes one in another."""
    known(isinstance(value, dict), "a layer in another")
    known(value.keys() == {"module", "class_name", "config", "registered_name", "build_config"}, "a layer in another")
    made_as, config, built = str(value["class_name"]), value["config"], value["build_config"]
    known(
        value["module"] == "keras.layers" and value["registered_name"] in (None, made_as), "a class of another module"
    )
    kind = _RECURRENT.get(made_as)
    if kind is None:
        raise Unknown(f"a layer of class {made_as:.80} in another")
    known(isinstance(built, dict) and built.keys() == {"input_shape"}, "what it is built for")
    known(isinstance(config, dict), "a layer in another")
    made = read(config, {"name": layer_name, "trainable": flag, "dtype": policy, **kind.settings})
    return SimpleNamespace(**made, get_config=lambda: config, type=made_as, kind=kind, built=built["input_shape"])


def _directions(settings: Any, shape: Shape) -> list[SimpleNamespace]:
    """The two layers, forwards first, of which one is the other but for its direction."""
    both = [settings.layer, settings.backward_layer]
    for word in ("type", "units", "return_sequences", "trainable"):
        known(len({getattr(layer, word) for layer in both}) == 1, "two directions that differ")
    known(both[0].trainable == settings.trainable, "a layer that isn't trained as the one in it")
    known([layer.go_backwards for layer in both] == [False, True], "two directions")
    names = [layer.name for layer in both]
    known(names[0].startswith("forward_") and names[1].startswith("backward_"), "names of two directions")
    for layer in both:
        known(isinstance(layer.built, list) and len(layer.built) == 3, "what it is built for")
        batch, steps, features = layer.built
        known(batch is None and (steps is None or (type(steps) is int and steps > 0)), "what it is built for")
        known(type(features) is int and features == shape[-1], "what it is built for")
    return both


def _both_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    return [
        weight._replace(name=f"{layer.name}/{weight.name}")
        for layer in _directions(settings, shapes[0])
        for weight in layer.kind.weights(layer, shapes)
    ]


def _both_outputs(settings: Any, shapes: Sequence[Shape]) -> Shape:
    *sizes, units = _steps(settings.layer, shapes)
    return (*sizes, 2 * units if settings.merge_mode == "concat" else units)


def _both_macs(settings: Any, inputs: Sequence[Tensor]) -> int:
    total = 0
    for layer in _directions(settings, inputs[0].shape):
        op, attributes = described(layer.type, layer, inputs, [], "channels_last")
        total += ops.apply(op, attributes, inputs).macs
    return total


_BOTH: Mapping[str, Check] = {
    "merge_mode": only("concat", "sum", "mul", "ave"),
    "layer": _direction,
    "backward_layer": _direction,
}

KINDS: Mapping[str, Kind] = {
    **_RECURRENT,
    "Bidirectional": Kind(
        _BOTH, _both_outputs, _both_weights, arguments=("training", "mask"), ranks=(3,), macs=_both_macs
    ),
}
