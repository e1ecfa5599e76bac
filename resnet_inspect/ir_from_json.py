"""A summary made of its JSON document, which a stranger may have written: each part is checked as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from typing import Any, TypeVar

from . import stranger_json
from .errors import ModelError
from .ir import (
    UNKNOWN,
    Attributes,
    Decoding,
    Layer,
    Model,
    Parameter,
    Shape,
    Summary,
    Tensor,
    Trace,
    Value,
    frozen_value,
)
from .ir_json import MOST_BYTES, SCHEMA_VERSION, WITH_TRAINING
from .ops.vocabulary import is_view

T = TypeVar("T")

#: No size, no tensor and no layer's MACs reach so many; sums of them are still printed and divided.
_MOST = 10**90
#: Dimensions of a tensor: frameworks have 64 at most.
_MOST_SIZES = 64
#: Characters of all layers' paths, together with those of the modules that they stand in: a tree has a line for each.
_MOST_PATHS = 2**27
#: What reading a document of another build ends in.
_DAMAGES = (KeyError, TypeError, AttributeError, ValueError)


def loads(text: str | bytes, ours: bool = False) -> Summary:
    """As ``ir_json.loads``."""
    part = stranger_json.Part("output_layouts", _Layers().made)
    try:
        document = json.loads(text, object_hook=part.hook()) if ours else stranger_json.loads(text, MOST_BYTES, part)
    except ValueError as error:
        raise ModelError(f"this is not JSON that can be read: {error}") from error
    if not isinstance(document, dict) or "schema_version" not in document:
        raise ModelError("this JSON is not a summary: it has no schema_version")
    if document["schema_version"] not in (SCHEMA_VERSION, WITH_TRAINING):
        raise ModelError(
            f"this summary has schema version {document['schema_version']!r:.40}; "
            f"this program reads versions {SCHEMA_VERSION} and {WITH_TRAINING}. "
            "A newer resnet-inspect wrote it: update this one"
        )
    try:
        found = _from_dict(document)
    except _DAMAGES as error:
        raise ModelError(f"this summary is damaged: {_said(error, document)}") from error
    if not ours:
        _check_totals(document["totals"], found)
    return found


def _said(error: Exception, place: Any) -> str:
    """What is wrong with a part of the document, and with which of its keys if that is seen."""
    (value,) = error.args[:1] or ("",)
    if isinstance(error, KeyError):
        return f"it has no {value!r:.60}"
    if isinstance(error, ValueError):
        return f"{error}"[:200]
    keys = [key for key, item in place.items() if item is value] if isinstance(place, dict) else []
    return f"{f'its {keys[0]}, ' if keys else ''}{value!r:.60} is of the wrong kind"


def _check_totals(said: Any, summary: Summary) -> None:
    """Raises ModelError for totals that aren't the layers': somebody changed one or the other by hand."""
    for key, amount in (("params", summary.totals.params), ("macs", summary.totals.macs)):
        if not isinstance(said, dict) or said.get(key) != amount:
            told = said.get(key) if isinstance(said, dict) else said
            raise ModelError(
                f"this summary was changed by hand: its totals say {told!r:.40} {key}, its layers have {amount:,}"
            )


def _from_dict(document: dict[str, Any]) -> Summary:
    model = document["model"]
    trace = document["trace"]
    layers = tuple(_layers(document["layers"]))
    if sum(len(layer.path) * layer.path.count(".") for layer in layers) > _MOST_PATHS:
        raise ModelError("this summary has modules that are nested too deeply")
    seen: set[str] = set()
    for layer in layers:
        if layer.id in seen or not seen.issuperset(layer.inputs):
            raise ValueError(f"layer {layer.id}: an edge that doesn't run forward, or an id that occurs twice")
        seen.add(layer.id)
    return Summary(
        model=Model(
            name=_text(model["name"]),
            backend=_text(model["backend"]),
            builder=_text(model["builder"]),
            arguments=_attributes(model["arguments"]),
            weights=_text_or_none(model["weights"]),
        ),
        inputs=tuple(_tensor(t) for t in document["inputs"]),
        outputs=tuple(_tensor(t) for t in document["outputs"]),
        layers=layers,
        modules=tuple((path, _text(kind)) for path, kind in document["modules"].items()),
        trace=Trace(
            _text(trace["method"]), _text_or_none(trace["reason"]), training=_text(trace.get("mode", "eval")) == "train"
        ),
        unused=_texts(document["totals"]["unused_params"]),
        inactive=_inactive(document["inactive_params"], layers) if "inactive_params" in document else None,
        decoding=_decoding(document["decoding"]) if "decoding" in document else None,
        reasons=_texts(document.get("reasons", [])),
        environment=tuple((name, _text(version)) for name, version in document["environment"].items()),
    )


def _inactive(found: dict[str, Any], layers: tuple[Layer, ...]) -> tuple[tuple[str, int], ...]:
    sizes = {p.name: p.size for layer in layers for p in layer.parameters if p.counted}
    for name, size in found.items():
        if _integer(size) > sizes.get(name, 0):
            raise ValueError(f"inactive_params: a token can't leave out {size} elements of {name:.60}")
    return tuple(found.items())


def _decoding(found: dict[str, Any]) -> Decoding:
    return Decoding(_integer(found["tokens"]), tuple(_tensor(tensor) for tensor in found["cache"]))


class _Layers:
    """Makes the layers of a document while it is read, so that it never stands in memory as plain objects.

    Of what many layers have in common (shapes, types, the ids that they read) there is one, as in the model itself.
    """

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def made(self, found: dict[str, Any]) -> Any:
        """The layer that an object of the document is. ``_layers`` says what is wrong with a damaged one, and where."""
        try:
            return _layer(found, self)
        except _DAMAGES:
            return _Damaged(found)

    def one(self, part: T) -> T:
        """The first of all equal parts. Only for parts of checked types, as 1, 1.0 and True are equal."""
        first: T = self._known.setdefault(part, part)
        return first


class _Damaged:
    """An object that should be a layer. What stands in it isn't looked through again, nor printed."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found

    def __repr__(self) -> str:
        return "{...}"


def _layers(layers: list[Any]) -> Iterator[Layer]:
    for number, layer in enumerate(layers, 1):
        if isinstance(layer, Layer):
            yield layer
            continue
        layer = layer.found if isinstance(layer, _Damaged) else layer
        try:
            yield _layer(layer, _Layers())
        except _DAMAGES as error:
            name = layer.get("id") if isinstance(layer, dict) else None
            where = f"layer {number}{f' ({name})' if isinstance(name, str) else ''}"
            raise ValueError(f"{where:.100}: {_said(error, layer)}") from error


def _layer(layer: dict[str, Any], common: _Layers) -> Layer:
    one = common.one
    inputs, tensors = _texts(layer["inputs"]), _tensors(layer, "input")
    if len(tensors) > len(inputs):
        raise ValueError(f"{len(tensors)} input_shapes for {len(inputs)} inputs")
    op, attributes = _text(layer["op"]), _attributes(layer["attributes"])
    return Layer(
        id=one(_text(layer["id"])),
        path=one(_text(layer["path"])),
        type=one(_text(layer["type"])),
        op=one(op),
        inputs=tuple(one(source) for source in inputs),
        # An earlier version left out of SavedModels' what isn't known.
        input_tensors=one((*tensors, *[UNKNOWN] * (len(inputs) - len(tensors)))),
        output_tensors=one(_tensors(layer, "output")),
        parameters=tuple(
            Parameter(
                _text(p["name"]),
                one(_shape(p["shape"])),
                one(_text(p["dtype"])),
                one(_text(p["role"])),
                _switch(p["counted"]),
                _integer(p["stored_bytes"]) if "stored_bytes" in p else None,
            )
            for p in layer["parameters"]
        ),
        shared=_texts(layer["shared"]),
        macs=None if layer["macs"] is None else _integer(layer["macs"]),
        attributes=attributes,
        called=_switch(layer["called"]),
        view=is_view(op, attributes),
        macs_at_least=_integer(layer.get("macs_at_least", 0)),
    )


def _tensors(layer: dict[str, Any], side: str) -> tuple[Tensor, ...]:
    columns = (layer[f"{side}_shapes"], layer[f"{side}_dtypes"], layer[f"{side}_layouts"])
    return tuple(
        Tensor(_shape(shape), _text(dtype), _text_or_none(layout))
        for shape, dtype, layout in zip(*columns, strict=True)
    )


def _tensor(tensor: dict[str, Any]) -> Tensor:
    return Tensor(_shape(tensor["shape"]), _text(tensor["dtype"]), _text_or_none(tensor["layout"]))


def _shape(sizes: list[Any]) -> Shape:
    if not isinstance(sizes, list):
        raise TypeError(sizes)
    if len(sizes) > _MOST_SIZES:
        raise ValueError(f"a shape of {len(sizes)} sizes")
    shape = tuple(_integer(size) for size in sizes)
    _integer(prod(shape))
    return shape


def _integer(value: Any) -> int:
    """A size, or a number of something: never negative, and small enough for what is worked out of it."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    if not 0 <= value < _MOST:
        raise ValueError(value)
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(values)
    return tuple(_text(value) for value in values)


def _attributes(attributes: dict[str, Value]) -> Attributes:
    for value in attributes.values():
        _check_plain(value)
    return tuple((name, frozen_value(value)) for name, value in attributes.items())


def _check_plain(value: Any) -> None:
    """Raises TypeError for what no attribute can be: a layer would be made of an object in it."""
    if isinstance(value, list):
        for item in value:
            _check_plain(item)
    elif value is not None and not isinstance(value, (str, int, float)):
        raise TypeError(value)
