"""What reading a summary takes of memory, by counting what is allocated: the same on every machine."""

from __future__ import annotations

import copy
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import ir_json
from resnet_inspect.errors import ModelError
from resnet_inspect.ir import Layer

REAL: dict[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "block-1.json").read_text())
CONV: dict[str, Any] = next(layer for layer in REAL["layers"] if layer["op"] == "conv2d")


def many(count: int, **settings: Any) -> str:
    """A document of convolutions, one behind the other."""
    layers = [REAL["layers"][0]]
    for number in range(count):
        layers.append({**copy.deepcopy(CONV), "id": f"c{number}", "path": f"c{number}", "inputs": [layers[-1]["id"]]})
        layers[-1]["attributes"] |= settings
    totals = {key: sum(layer[key] for layer in layers) for key in ("params", "macs")}
    return json.dumps({**REAL, "layers": layers, "totals": {**REAL["totals"], **totals}})


def peak(run: Callable[[], object]) -> int:
    tracemalloc.start()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_a_summary_takes_less_memory_than_its_plain_document_would() -> None:
    text = many(2_000)
    assert peak(lambda: ir_json.loads(text)) < peak(lambda: json.loads(text)) * 2 / 3


def test_what_layers_have_in_common_is_there_once() -> None:
    layers = ir_json.loads(many(2)).layers
    first, second = layers[-2:]
    assert second.output_tensors is first.output_tensors
    assert second.inputs[0] is first.id
    assert second.parameters[0].shape is first.parameters[0].shape


def test_settings_that_python_calls_equal_stay_what_they_are() -> None:
    document = json.loads(many(3))
    for layer, value in zip(document["layers"][1:], (1, True, 1.0), strict=True):
        layer["attributes"] = {"value": value, "values": [value]}
    read = json.loads(ir_json.dumps(ir_json.loads(json.dumps(document))))
    assert [repr(layer["attributes"]["values"]) for layer in read["layers"][1:]] == ["[1]", "[True]", "[1.0]"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (CONV, r"layer 2 \(c0\)"),
        ([[CONV]], r"layer 2 \(c0\)"),
        ("\ud800", "surrogates"),
        (json.loads("[" * 120 + "]" * 120), "nested"),
    ],
)
def test_what_no_setting_can_be_is_refused_within_a_layer_too(value: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        ir_json.loads(many(1, odd=value))


def test_layers_within_layers_are_refused_at_once() -> None:
    inner = CONV
    for _ in range(40):
        inner = {**CONV, "attributes": {"inner": inner}}
    with pytest.raises(ModelError) as refused:
        ir_json.loads(many(1, inner=inner))
    assert len(str(refused.value)) < 300


def test_a_layer_in_another_place_is_damage() -> None:
    for place in ("model", "trace", "totals", "environment", "modules"):
        with pytest.raises(ModelError, match=r"damaged|changed by hand"):
            ir_json.loads(json.dumps({**json.loads(many(1)), place: CONV}))
    assert isinstance(ir_json.loads(many(1)).layers[1], Layer)
