"""Devices: what is listed of them, what one says of one's own, and names that nobody knows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from resnet_inspect import devices
from resnet_inspect.devices import PEAKS, device
from resnet_inspect.errors import BadRequestError


def test_every_number_has_a_source_and_a_date() -> None:
    assert len(devices.names()) >= 40
    for name in devices.names():
        found = device(name)
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert found.memory >= 2**18
        assert found.source
        assert re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", found.date or "")
        assert {kind for kind, _ in found.peaks} <= {*PEAKS}


@pytest.mark.parametrize("name", devices.names())
def test_narrower_elements_are_never_slower(name: str) -> None:
    peaks = dict(device(name).peaks)
    for narrow, wide in (("tf32", "fp32"), ("fp16", "fp32"), ("bf16", "tf32"), ("fp8", "fp16"), ("int8", "fp16")):
        if narrow in peaks and wide in peaks:
            assert peaks[narrow] >= peaks[wide]


def test_published_numbers() -> None:
    # NVIDIA's Ada whitepaper, appendix A: 24 GB, 1008 GB/s, 82.6 and 165.2 dense teraflops.
    card = device("RTX 4090")
    assert (card.name, card.memory, card.bandwidth) == ("rtx-4090", 24 * 2**30, 1_008_000_000_000)
    assert card.peak("float32") == 82_600_000_000_000
    assert card.peak("bfloat16") == card.peak("float16") == 165_200_000_000_000
    assert card.peak("complex64") is None
    # Of float32, the faster of the two ways that torch may take.
    assert device("a100_80gb").peak("float32") == 156_000_000_000_000


def test_ones_own() -> None:
    own: dict[str, dict[str, Any]] = {
        "lab": {"memory": "6 GiB", "bandwidth": "2GB/s", "peaks": {"fp32": "1.5T"}},
        "t4": {"memory": "1GiB"},
    }
    found = device("lab", own)
    assert (found.title, found.memory, found.bandwidth) == ("lab", 6 * 2**30, 2 * 10**9)
    assert found.peaks == (("fp32", 1_500_000_000_000),)
    # One's own of the same name is meant.
    assert device("t4", own).memory == 2**30


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "device mine: memory is missing"),
        ({"memory": "0"}, "device mine: '0' is not an amount of memory"),
        ({"memory": "8 G B"}, "device mine: '8 G B' is not an amount of memory"),
        ({"memory": "1GiB", "bandwidth": "5GB/min"}, "device mine: '5GB/min' is not bytes a second"),
        ({"memory": "1GiB", "peaks": {"fp16": "fast"}}, "device mine: 'fast' is not an amount"),
    ],
)
def test_what_makes_no_sense_is_refused(said: dict[str, object], message: str) -> None:
    with pytest.raises(BadRequestError, match=re.escape(message)):
        device("mine", {"mine": said})


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(BadRequestError, match="no such device: 'rtx 4091'; did you mean rtx-4090"):
        device("rtx 4091")
    with pytest.raises(BadRequestError, match=r"there are [0-9]+ \(--device list shows all\)"):
        device("#")
