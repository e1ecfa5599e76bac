"""The JSON of a torch module, as CI keeps it: strict, and the same under every version of what made it."""

from __future__ import annotations

import json

from resnet_inspect import summarize
from tests.support.command import in_child


@in_child("torch")
def test_json_is_strict_whatever_a_layer_is_set_to() -> None:
    from torch import nn

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON: jq and every strict reader refuse it")

    model = nn.Sequential(nn.Hardtanh(float("-inf"), float("inf")), nn.LayerNorm(4, eps=float("nan")))
    text = summarize(model, ["2x4:float32"]).to_json()
    first = json.loads(text, parse_constant=refuse)["layers"][1]["attributes"]
    assert (first["min"], first["max"]) == ("-inf", "inf")


@in_child("torch")
def test_versions_stand_in_one_place_that_no_comparison_reads() -> None:
    from dataclasses import replace

    import torch
    from torch import nn

    from resnet_inspect import diff

    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    now = summarize(model, ["2x4:float32"])
    torch.__version__ = "99.0"
    later = summarize(model, ["2x4:float32"])
    assert now != later
    assert replace(now, environment=()) == replace(later, environment=())
    assert not diff(now, later).kinds
