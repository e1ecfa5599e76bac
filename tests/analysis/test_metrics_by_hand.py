"""Every metric and every total of one small network, whose numbers are worked out here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_inspect.analysis.facts import Facts
from resnet_inspect.analysis.metrics import METRICS, ON_DEVICE, TOTALS, metric, total
from resnet_inspect.ir import Decoding, Parameter
from tests.support.toys import IMAGE, network, tensor, toy

ROLES = {"weight": ("trainable", 36), "bias": ("frozen", 4), "mean": ("statistics", 5), "table": ("buffer", 7)}
WEIGHTS = tuple(
    Parameter(f"m.conv.{name}", (size,), "float32", role, role in ("trainable", "frozen"))
    for name, (role, size) in ROLES.items()
)
WINDOW = {"kernel_size": (3, 5), "stride": (2, 2), "padding": (1, 2)}
CONV = toy("m.conv", "conv2d", "x", (1, 4, 4, 4), parameters=WEIGHTS, macs=1_500_000, attributes=WINDOW)
#: x, of 1,024 bytes; conv, of 256; a ReLU of it; an operation of unknown cost, a part of which is known.
NET = network(
    IMAGE,
    CONV,
    toy("m.relu", "relu", "m.conv", (1, 4, 4, 4)),
    toy("odd", "other", "m.relu", (1, 9), macs=None),
)
#: A token leaves out 6 elements of the weight, and finds a cache of 10 numbers of 4 bytes and 3 of 2.
DECODED = replace(
    NET, inactive=(("m.conv.weight", 6),), decoding=Decoding(3, (tensor(1, 10), tensor(1, 3, dtype="float16")))
)
FACTS = Facts(DECODED)


@pytest.mark.parametrize(
    ("key", "title", "module", "conv", "said"),
    [
        ("params", "Params", 40, 40, "40"),
        ("active_params", "Active params", 34, 34, "34"),
        ("trainable", "Trainable", 36, 36, "36"),
        ("frozen", "Frozen", 4, 4, "4"),
        ("statistics", "Statistics", 5, 5, "5"),
        ("macs", "MACs", 1_500_000, 1_500_000, "1.50 M"),
        ("flops", "FLOPs", 3_000_000, 3_000_000, "3.00 M"),
        ("activation_bytes", "Activations", 512, 256, "512 B"),
        ("param_bytes", "Param memory", 160, 160, "160 B"),
        ("statistics_bytes", "Statistics memory", 48, 48, "48 B"),
        # The input stays; the convolution's result is alive until the ReLU has read it.
        ("live_bytes", "Live memory", 1024 + 512, 1024 + 256, "1.50 KiB"),
        # The convolution keeps the input, the ReLU its result.
        ("saved_bytes", "Saved for backward", 1024 + 256, 1024, "1.25 KiB"),
        ("rf", "RF", "3x5", "3x5", "3x5"),
        ("rf_stride", "RF stride", 2, 2, "2"),
        ("rf_padding", "RF padding", "1x2", "1x2", "1x2"),
        ("rf_aligned", "RF aligned", "yes", "yes", "yes"),
    ],
)
def test_a_column(key: str, title: str, module: int | str, conv: int | str, said: str) -> None:
    found, layers = metric(key), NET.layers
    assert (found.key, found.title) == (key, title)
    assert found.of(layers[1:3], FACTS) == module
    assert found.of(layers[1:2], FACTS) == conv
    assert found.text(layers[1:3], FACTS) == said
    assert found.number is (key != "rf_aligned")


@pytest.mark.parametrize(
    ("key", "label", "name", "amount", "said"),
    [
        ("params", "Parameters", "params", 40, "40"),
        ("trainable", "  trainable", "trainable_params", 36, "36"),
        ("frozen", "  frozen", "frozen_params", 4, "4"),
        ("statistics", "Statistics", "statistics", 5, "5, buffers and no parameters"),
        ("buffers", "Buffers", None, 7, "7"),
        ("active_params", "  active", "active_params", 40 - 6, "34 (34), as one token uses"),
        ("kv_cache_bytes", "KV cache", "kv_cache_bytes", 4 * 10 + 2 * 3, "46 B of float32, float16, after this token"),
        ("macs", "MACs", "macs", 1_500_000, "1,500,000 (1.50 M), not counted: odd"),
        ("flops", "FLOPs", None, 3_000_000, "3,000,000 (3.00 M), two for each multiply-add; norms count 0"),
        ("param_bytes", "Parameter memory", "param_bytes", 160, "160 B"),
        ("activation_bytes", "Activation memory", "activation_bytes", 512 + 36, "548 B"),
        # The first layer of those with the most.
        ("live_bytes", "Inference peak", None, 1536, "1.50 KiB of outputs, at m.relu"),
    ],
)
def test_a_total(key: str, label: str, name: str | None, amount: int, said: str) -> None:
    found = total(key)
    assert (found.label, found.name, found.of(FACTS), found.text(FACTS)) == (label, name, amount, said)
    assert found.is_shown(FACTS)
    # A network without them has no line of them.
    assert found.is_shown(Facts(network(IMAGE))) is (key not in ("buffers", "active_params", "kv_cache_bytes"))


def test_columns_and_lines_stand_in_this_order() -> None:
    counts = ("params", "active_params", "trainable", "frozen", "statistics")
    memory = ("live_bytes", "saved_bytes")
    fields = ("rf", "rf_stride", "rf_padding", "rf_aligned")
    assert (
        *counts,
        "macs",
        "flops",
        "activation_bytes",
        "param_bytes",
        "statistics_bytes",
        *memory,
        *fields,
        *ON_DEVICE,
    ) == METRICS
    sizes = ("param_bytes", "activation_bytes", "kv_cache_bytes", "live_bytes")
    assert (*counts, "buffers", "macs", "flops", *sizes) == TOTALS


def test_of_an_unknown_amount_the_known_part_is_said() -> None:
    odd = NET.layers[3:]
    for key, known in (("macs", "1.50 M + n/a"), ("flops", "3.00 M + n/a")):
        assert metric(key).of(NET.layers, FACTS) is None
        assert metric(key).text(NET.layers, FACTS) == known
        assert metric(key).text(odd, FACTS) == "n/a"
        assert metric(key).text(NET.layers[2:3], FACTS) == "0"
    assert metric("rf").text(odd, FACTS) == metric("rf_aligned").text(odd, FACTS) == "n/a"


def test_what_is_read_as_a_whole_has_no_stride() -> None:
    layers = network(IMAGE, toy("g", "group_norm", "x"))
    found = [metric(key).of(layers.layers[1:], Facts(layers)) for key in METRICS[-6:-2]]
    assert found == ["all", None, None, None]


def test_a_network_of_which_all_is_counted_says_no_more() -> None:
    facts = Facts(network(IMAGE, CONV))
    assert total("macs").text(facts) == "1,500,000 (1.50 M)"
    assert total("live_bytes").text(Facts(network())) == "0 B"
    off_centre = {"kernel_size": 3, "stride": 1, "padding": ((0, 0), (0, 0))}
    shifted = network(IMAGE, toy("c", "conv2d", "x", attributes=off_centre), toy("s", "add", "c x"))
    assert metric("rf_aligned").of(shifted.layers, Facts(shifted)) == "no"


def test_what_is_never_called_keeps_nothing_alive() -> None:
    unused = network(IMAGE, toy("u", "dense", shape=None, called=False, params=3))
    assert metric("live_bytes").of(unused.layers[1:], Facts(unused)) == 0
    unknown = network(IMAGE, replace(toy("o", "other", "x"), output_tensors=(tensor(2, dtype="float3"),)))
    assert metric("live_bytes").of(unknown.layers, Facts(unknown)) is None
    assert total("live_bytes").text(Facts(unknown)) == "n/a"
