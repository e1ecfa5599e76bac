"""The identity experiment in Keras: on a lowered block, and on the ResNets of ``keras.applications``."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy

from ...activity import doing
from ...blocks.residual import BlockSpec, residual_block
from ...errors import ModelError
from ..chatter import held_back
from ..identity import INPUTS, Experiment, Variant, measured, measured_network, spread_over
from ..local.reader import resolve_block
from ..request import Request
from . import reader as from_keras
from .lower import lower
from .object import summarize_object

#: The layers of a residual branch, one behind the other. Both variants of a network, with and without the shortcut,
#: are made of the same.
Branch = list[Any]
_STAGE_END = re.compile(r"conv(\d)_block\d+_out")


def block(spec: BlockSpec, request: Request, seed: int) -> Experiment:
    """As ``torch_identity.block``, with Keras' initialisers.

    Raises:
        InputError: shapes differ, so that the shortcut can't be the identity.
    """
    spec, resolved = resolve_block(replace(spec, shortcut="identity", flavor="keras"), request)
    graph = residual_block(spec)
    cases = []
    with held_back(), from_keras.defaults("float32"), _seeded(seed):
        x = numpy.random.standard_normal(resolved.shape).astype("float32")
        expected = x if spec.kind == "preactivation" else _array(keras.ops.relu(x))
        for name in ("branch at zero", "usual initialisation", "last gamma at zero"):
            keras.utils.set_random_seed(seed)
            model = lower(graph, resolved.shape[1:])
            if name == "branch at zero":
                _set_to_zero(model.trainable_variables)
            elif name == "last gamma at zero":
                _set_to_zero([[x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)][-1].gamma])
            cases.append(measured(name, expected, _array(model(x, training=False))))
    return Experiment("keras", f"block, {spec.kind}", seed, resolved.shape, tuple(cases))


def network(request: Request, insert: int, seed: int) -> Experiment:
    """As ``torch_identity.network``. Logits are what the classifier gives before its softmax.

    Raises:
        ModelError: the model isn't one of Keras' ResNets.
        InputError: the input doesn't fit.
    """
    arguments = (*request.arguments, ("classifier_activation", None))
    with held_back(), from_keras.defaults("float32"), _seeded(seed):
        name, base, resolved = from_keras.application(replace(request, arguments=arguments))
        ends: dict[str, str] = {}
        for layer in base.layers:
            if found := _STAGE_END.fullmatch(layer.name):
                ends[found[1]] = layer.name
        if len(ends) != 4:
            raise ModelError(f"keras:{name} has no stages to insert blocks into; take ResNet50, 101 or 152, or a V2")
        counts = dict(zip(ends.values(), spread_over(insert, len(ends)), strict=True))
        shape = (INPUTS, *resolved.shape[1:])
        x = numpy.random.standard_normal(shape).astype("float32")
        expected = _array(base(x, training=False))
        cases = [_case(name, base, x, expected)]
        is_preactivated = name.endswith("V2")
        branch = _preactivation if is_preactivated else _bottleneck
        for words, usual in (("branch at zero", False), ("usual initialisation", True)):
            keras.utils.set_random_seed(seed + 1)
            branches = {
                end: [branch(base.get_layer(end).output.shape[-1]) for _ in range(count)]
                for end, count in counts.items()
            }
            for shortcut in (True, False):
                ending = "" if shortcut else ", no shortcut"
                with doing(f"network {len(cases) + 1} of 5, {words}{ending}"):
                    deeper = _deeper(base, branches, usual, shortcut, is_preactivated)
                    cases.append(_case(f"+{insert} blocks, {words}{ending}", deeper, x, expected))
    return Experiment("keras", name, seed, shape, tuple(cases))


def _deeper(base: Any, branches: dict[str, list[Branch]], usual: bool, shortcut: bool, is_preactivated: bool) -> Any:
    """The same layers on the same weights, with blocks of these branches between them."""
    layers = keras.layers

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        x = layer(*args, **kwargs)
        for branch in branches.get(layer.name, ()):
            y = x
            for each in branch:
                y = each(y)
            y = layers.Add()([x, y]) if shortcut else y
            x = y if is_preactivated else layers.ReLU()(y)
        return x

    deeper = keras.models.clone_model(base, clone_function=lambda layer: layer, call_function=call)
    if not usual:
        inserted = (layer for blocks in branches.values() for branch in blocks for layer in branch)
        _set_to_zero(variable for layer in inserted for variable in layer.trainable_variables)
    return deeper


def _bottleneck(channels: int) -> Branch:
    """As in the blocks of ``ResNet50``: 1x1 - 3x3 - 1x1, each with a bias and normalised. A ReLU ends the block."""
    layers = keras.layers
    branch: Branch = []
    for filters, kernel in ((channels // 4, 1), (channels // 4, 3)):
        branch += [
            layers.Conv2D(filters, kernel, padding="same"),
            layers.BatchNormalization(epsilon=1.001e-5),
            layers.ReLU(),
        ]
    return [*branch, layers.Conv2D(channels, 1), layers.BatchNormalization(epsilon=1.001e-5)]


def _preactivation(channels: int) -> Branch:
    """As in the blocks of ``ResNet50V2``: normalised and rectified before every convolution, nothing after the sum."""
    layers = keras.layers
    branch: Branch = []
    for filters, kernel, bias in ((channels // 4, 1, False), (channels // 4, 3, False), (channels, 1, True)):
        branch += [
            layers.BatchNormalization(epsilon=1.001e-5),
            layers.ReLU(),
            layers.Conv2D(filters, kernel, padding="same", use_bias=bias),
        ]
    return branch


def _set_to_zero(variables: Iterable[Any]) -> None:
    for variable in variables:
        variable.assign(keras.ops.zeros_like(variable))


def _case(name: str, model: Any, x: Any, expected: Any) -> Variant:
    summary = summarize_object(model, [(1, *x.shape[1:])])
    macs = None if summary.totals.uncounted else summary.totals.macs
    return measured_network(name, expected, _array(model(x, training=False)), model.count_params(), macs)


def _array(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(tensor)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Python's and NumPy's random numbers start from ``seed`` inside, and go on outside as if nothing had been."""
    kept = random.getstate(), numpy.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(kept[0])
        numpy.random.set_state(kept[1])
