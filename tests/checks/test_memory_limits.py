"""Limits of memory: peaks by arithmetic, and devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from resnet_inspect.checks import Checked, Outcome, judge
from resnet_inspect.checks.settings import rules
from resnet_inspect.devices import Device
from resnet_inspect.errors import BadRequestError
from tests.support.toys import IMAGE, network, toy

#: 100 weights; a convolution's and a sigmoid's output of 256 floats, as many as the image has.
NET = network(IMAGE, toy("c", "conv2d", "x", params=100, macs=10), toy("s", "sigmoid", "c"))
FLOATS = 4


def judged(settings: Mapping[str, Any]) -> dict[str, Outcome]:
    found = Checked("toy", judge(rules(settings), NET))
    return {outcome.rule: outcome for outcome in found.outcomes}


def level(settings: Mapping[str, Any], rule: str) -> str:
    return judged(settings)[rule].findings[0].level


def test_the_peak_of_inference() -> None:
    peak = FLOATS * (100 + 3 * 256)
    assert level({"max-peak-memory": peak}, "max-peak-memory") == "note"
    assert level({"max-peak-memory": peak - 1}, "max-peak-memory") == "fail"
    assert level({"warn-peak-memory": "3KiB"}, "max-peak-memory") == "warn"


def test_training_is_planned() -> None:
    # Adam's two moments are alive all the time, and more so are weights.
    least = FLOATS * 3 * 100
    assert level({"max-training-memory": least}, "max-training-memory") == "fail"
    texts = [
        judged({"max-training-memory": "1MiB", "train": train})["max-training-memory"].findings[0].message
        for train in ({"optimizer": "sgd"}, {"optimizer": "momentum"}, True)
    ]
    sizes = [int(text.partition(" ")[0].replace(",", "")) for text in texts]
    assert sizes[0] + FLOATS * 100 <= sizes[1] + FLOATS * 100 <= sizes[2]


def test_devices() -> None:
    tiny = Device("tiny", "Tiny", 2048)
    assert level({"fits": [tiny]}, "fits tiny") == "fail"
    assert level({"fits": ["rtx-4090"], "train": {"lora": 2, "lora-layers": ["c"]}}, "fits rtx-4090") == "note"
    with pytest.raises(BadRequestError, match="no such device: 'rtx-4091'"):
        rules({"fits": ["rtx-4091"]})
    with pytest.raises(BadRequestError, match="for the whole model"):
        rules({"max-peak-memory": {"layer1": 5}})
