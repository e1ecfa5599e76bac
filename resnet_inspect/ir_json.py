"""Summary <-> JSON. The same summary gives the same bytes, and reading them back gives the same summary.

History of ``schema_version`` (the JSON Schema of each stands in ``schemas/``; a change of what is counted, say of the
MACs' convention, is a new version too: such files can't be compared):

1. first version
2. ``training``, the memory of a training step over time, where somebody asked for it; other documents have version 1
"""

from __future__ import annotations

import json
from typing import Any

from .ir import Decoding, Layer, Summary, Tensor
from .visible import in_json

SCHEMA_VERSION = 1
#: The version of a document with the memory of training.
WITH_TRAINING = 2
#: Bytes of a summary that is read: one of 10,000 layers has 10 MB.
MOST_BYTES = 2**26
#: One for all: ``json.dumps`` makes one a call.
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def dumps(summary: Summary, training: dict[str, Any] | None = None) -> str:
    """The summary as a JSON document: one layer a line, so that line-based tools can compare two of them.

    ``training`` is what a training step holds, which nobody reads back: it follows from the summary.
    """
    document = to_dict(summary)
    if training is not None:
        document = {**document, "schema_version": WITH_TRAINING, "training": training}
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
        ModelError: the text is not JSON, or not a summary of a schema version that this program reads.
    """
    from . import ir_from_json  # who only writes a summary needs none of it

    return ir_from_json.loads(text, ours)


def to_dict(summary: Summary) -> dict[str, Any]:
    """The JSON document as plain dicts and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        **outline(summary),
        "layers": [_layer_dict(layer) for layer in summary.layers],
        "modules": dict(summary.modules),
        **({} if summary.inactive is None else {"inactive_params": dict(summary.inactive)}),
        **({} if summary.decoding is None else {"decoding": _decoding_dict(summary.decoding)}),
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
        "trace": {
            "method": summary.trace.method,
            "reason": summary.trace.reason,
            **({"mode": "train"} if summary.trace.training else {}),
        },
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
            **({} if summary.inactive is None else {"active_params": totals.active_params}),
            **({} if summary.decoding is None else {"kv_cache_bytes": totals.kv_cache_bytes}),
        },
    }


def _decoding_dict(decoding: Decoding) -> dict[str, Any]:
    return {"tokens": decoding.tokens, "cache": [_tensor_dict(tensor) for tensor in decoding.cache]}


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
        **({"macs_at_least": layer.macs_at_least} if layer.macs_at_least else {}),
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
