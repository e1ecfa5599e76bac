"""The identity experiment in Keras: on a lowered block, and on the ResNets of ``keras.applications``."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy

from ...blocks.residual import BlockSpec, residual_block
from ...errors import ModelError
from ..chatter import held_back
from ..identity import INPUTS, Case, Experiment, measured, measured_network, spread_over
from ..local.reader import resolve_block
from ..request import Request
from . import reader as from_keras
from .lower import lower
from .object import summarize_object

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
        form = _preactivation if name.endswith("V2") else _bottleneck
        for words, usual in (("branch at zero", False), ("usual initialisation", True)):
            for shortcut in (True, False):
                keras.utils.set_random_seed(seed + 1)
                deeper = _deeper(base, counts, form, usual, shortcut)
                ending = "" if shortcut else ", no shortcut"
                cases.append(_case(f"+{insert} blocks, {words}{ending}", deeper, x, expected))
    return Experiment("keras", name, seed, shape, tuple(cases))


def _deeper(base: Any, counts: dict[str, int], form: Callable[[Any, bool], Any], usual: bool, shortcut: bool) -> Any:
    """The same layers on the same weights, with blocks between them."""
    own = {variable.path for variable in base.variables}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        y = layer(*args, **kwargs)
        for _ in range(counts.get(layer.name, 0)):
            y = form(y, shortcut)
        return y

    deeper = keras.models.clone_model(base, clone_function=lambda layer: layer, call_function=call)
    if not usual:
        _set_to_zero(variable for variable in deeper.trainable_variables if variable.path not in own)
    return deeper


def _bottleneck(x: Any, shortcut: bool) -> Any:
    """As the blocks of ``ResNet50``: 1x1 - 3x3 - 1x1, each with a bias and normalised, then the addition and a ReLU."""
    layers, channels = keras.layers, x.shape[-1]
    y = x
    for filters, kernel in ((channels // 4, 1), (channels // 4, 3)):
        y = layers.ReLU()(
            layers.BatchNormalization(epsilon=1.001e-5)(layers.Conv2D(filters, kernel, padding="same")(y))
        )
    y = layers.BatchNormalization(epsilon=1.001e-5)(layers.Conv2D(channels, 1)(y))
    return layers.ReLU()(layers.Add()([x, y]) if shortcut else y)


def _preactivation(x: Any, shortcut: bool) -> Any:
    """As the blocks of ``ResNet50V2``: normalised and rectified before every convolution, nothing after the sum."""
    layers, channels = keras.layers, x.shape[-1]
    y = x
    for filters, kernel, bias in ((channels // 4, 1, False), (channels // 4, 3, False), (channels, 1, True)):
        y = layers.ReLU()(layers.BatchNormalization(epsilon=1.001e-5)(y))
        y = layers.Conv2D(filters, kernel, padding="same", use_bias=bias)(y)
    return layers.Add()([x, y]) if shortcut else y


def _set_to_zero(variables: Iterable[Any]) -> None:
    for variable in variables:
        variable.assign(keras.ops.zeros_like(variable))


def _case(name: str, model: Any, x: Any, expected: Any) -> Case:
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
