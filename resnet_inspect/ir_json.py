"""Summary <-> JSON. The same summary gives the same bytes, and reading them back gives the same summary.

History of ``schema_version`` (the JSON Schema of each stands in ``schemas/``; a change of what is counted, say of the
MACs' convention, is a new version too: such files can't be compared):

1. first version
"""

from __future__ import annotations

import json
from math import prod
from typing import Any

from . import stranger_json
from .errors import ModelError
from .ir import UNKNOWN, Attributes, Layer, Model, Parameter, Shape, Summary, Tensor, Trace, Value, frozen_value
from .visible import in_json

SCHEMA_VERSION = 1
#: Bytes of a summary that is read: one of 10,000 layers has 10 MB.
MOST_BYTES = 2**26
#: No size, no tensor and no layer's MACs reach so many; sums of them are still printed and divided.
_MOST = 10**90
#: Dimensions of a tensor: frameworks have 64 at most.
_MOST_SIZES = 64
#: Characters of all layers' paths, together with those of the modules that they stand in: a tree has a line for each.
_MOST_PATHS = 2**27
#: One for all: ``json.dumps`` makes one a call.
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def dumps(summary: Summary) -> str:
    """The summary as a JSON document: one layer a line, so that line-based tools can compare two of them."""
    document = to_dict(summary)
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = ",\n".join("    " + _compact(item) for item in value)
            lines.append(f"  {_compact(key)}: [\n{items}\n  ]")
        elif key == "modules" and value:
            items = ",\n".join(f"    {_compact(path)}: {_compact(kind)}" for path, kind in value.items())
            lines.append(f"  {_compact(key)}: {{\n{items}\n  }}")
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}")
    return in_json("{\n" + ",\n".join(lines) + "\n}\n")


def loads(text: str | bytes, ours: bool = False) -> Summary:
    """The summary in a JSON document; ``ours`` says that this program wrote it, and nobody else can have.

    Raises:
        ModelError: the text is no JSON, or not a summary of a schema version that this program reads.
    """
    try:
        document = json.loads(text) if ours else stranger_json.loads(text, MOST_BYTES)
    except ValueError as error:
        raise ModelError(f"this is no JSON that can be read: {error}") from error
    if not isinstance(document, dict) or "schema_version" not in document:
        raise ModelError("this JSON is no summary: it has no schema_version")
    if document["schema_version"] != SCHEMA_VERSION:
        raise ModelError(
            f"this summary has schema version {document['schema_version']!r:.40}; "
            f"this program reads version {SCHEMA_VERSION}. A newer resnet-inspect wrote it: update this one"
        )
    try:
        return _from_dict(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(f"this summary is damaged: {error!r:.200} is missing or of the wrong kind") from error


def to_dict(summary: Summary) -> dict[str, Any]:
    """The JSON document as plain dicts and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        **outline(summary),
        "layers": [_layer_dict(layer) for layer in summary.layers],
        "modules": dict(summary.modules),
        **({"reasons": list(summary.reasons)} if summary.reasons else {}),
        "environment": dict(summary.environment),
    }


def outline(summary: Summary) -> dict[str, Any]:
    """The part of the document that isn't about single layers."""
    totals = summary.totals
    return {
        "model": {
            "name": summary.model.name.encode(errors="backslashreplace").decode(),  # a file's may be no UTF-8
            "backend": summary.model.backend,
            "builder": summary.model.builder,
            "arguments": dict(summary.model.arguments),
            "weights": summary.model.weights,
        },
        "trace": {"method": summary.trace.method, "reason": summary.trace.reason},
        "inputs": [_tensor_dict(t) for t in summary.inputs],
        "outputs": [_tensor_dict(t) for t in summary.outputs],
        "totals": {
            "layers": totals.layers,
            "params": totals.params,
            "trainable_params": totals.trainable_params,
            "frozen_params": totals.frozen_params,
            "statistics": totals.statistics,
            "macs": totals.macs,
            "param_bytes": totals.param_bytes,
            "activation_bytes": totals.activation_bytes,
            "uncounted": list(totals.uncounted),
            "unused_params": list(totals.unused_params),
        },
    }


def _layer_dict(layer: Layer) -> dict[str, Any]:
    return {
        "id": layer.id,
        "path": layer.path,
        "type": layer.type,
        "op": layer.op,
        "called": layer.called,
        "inputs": list(layer.inputs),
        "input_shapes": [t.shape for t in layer.input_tensors],
        "output_shapes": [t.shape for t in layer.output_tensors],
        "params": layer.params,
        "trainable_params": layer.count("trainable"),
        "frozen_params": layer.count("frozen"),
        "statistics": layer.count("statistics"),
        "macs": layer.macs,
        "attributes": dict(layer.attributes),
        "parameters": [
            {
                "name": p.name,
                "shape": p.shape,
                "dtype": p.dtype,
                "role": p.role,
                "counted": p.counted,
                **({} if p.stored_bytes is None else {"stored_bytes": p.stored_bytes}),
            }
            for p in layer.parameters
        ],
        "shared": list(layer.shared),
        "input_dtypes": [t.dtype for t in layer.input_tensors],
        "output_dtypes": [t.dtype for t in layer.output_tensors],
        "input_layouts": [t.layout for t in layer.input_tensors],
        "output_layouts": [t.layout for t in layer.output_tensors],
    }


def _tensor_dict(tensor: Tensor) -> dict[str, Any]:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "layout": tensor.layout}


def _from_dict(document: dict[str, Any]) -> Summary:
    model = document["model"]
    trace = document["trace"]
    layers = tuple(_layer(layer) for layer in document["layers"])
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
        trace=Trace(_text(trace["method"]), _text_or_none(trace["reason"])),
        unused=_texts(document["totals"]["unused_params"]),
        reasons=_texts(document.get("reasons", [])),
        environment=tuple((name, _text(version)) for name, version in document["environment"].items()),
    )


def _layer(layer: dict[str, Any]) -> Layer:
    inputs, tensors = _texts(layer["inputs"]), _tensors(layer, "input")
    if len(tensors) > len(inputs):
        raise ValueError(f"{len(tensors)} input_shapes for {len(inputs)} inputs")
    return Layer(
        id=_text(layer["id"]),
        path=_text(layer["path"]),
        type=_text(layer["type"]),
        op=_text(layer["op"]),
        inputs=inputs,
        # An earlier version left out of SavedModels' what isn't known.
        input_tensors=(*tensors, *[UNKNOWN] * (len(inputs) - len(tensors))),
        output_tensors=_tensors(layer, "output"),
        parameters=tuple(
            Parameter(
                _text(p["name"]),
                _shape(p["shape"]),
                _text(p["dtype"]),
                _text(p["role"]),
                _switch(p["counted"]),
                _integer(p["stored_bytes"]) if "stored_bytes" in p else None,
            )
            for p in layer["parameters"]
        ),
        shared=_texts(layer["shared"]),
        macs=None if layer["macs"] is None else _integer(layer["macs"]),
        attributes=_attributes(layer["attributes"]),
        called=_switch(layer["called"]),
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
    return tuple((name, frozen_value(value)) for name, value in attributes.items())
