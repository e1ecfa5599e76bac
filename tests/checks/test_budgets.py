"""Budgets, the settings that make them and the amounts that people write, by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resnet_inspect import quantity
from resnet_inspect.analysis import metrics
from resnet_inspect.analysis.facts import Facts
from resnet_inspect.checks import BUDGETS, RULES, Rule
from resnet_inspect.checks.budgets import TOTALS
from resnet_inspect.checks.settings import rules
from resnet_inspect.errors import BadRequestError
from resnet_inspect.ir import Decoding, Parameter, Summary
from tests.support.toys import IMAGE, network, tensor, toy

#: 1,200 parameters and 700 MACs; three outputs of 4 x 8 x 8 floats.
NET = network(
    IMAGE,
    toy("a.conv", "conv2d", "x", params=700, macs=400),
    toy("a.relu", "relu", "a.conv"),
    toy("ab", "conv2d", "a.relu", params=500, macs=300),
)

BY_NAME = {rule.name: rule for rule in BUDGETS}
MaxParams, MaxMacs, MaxLayers = (BY_NAME[f"max-{amount}"] for amount in ("params", "macs", "layers"))
MaxActivationMemory = BY_NAME["max-activation-memory"]

OUTPUT = 4 * 8 * 8 * 4


KIBIBYTES = "3,072 bytes (3.00 KiB)"


def said(rule: Rule, summary: Summary = NET) -> list[tuple[str, str, str | None]]:
    return [(finding.level, finding.message, finding.layer) for finding in rule.check(summary)]


@pytest.mark.parametrize(
    ("rule", "level", "message"),
    [
        (MaxParams(1200), "note", "1,200 of 1,200 parameters"),
        (MaxParams(1199), "fail", "the model has 1,200 parameters, 1 over the limit of 1,199"),
        (MaxParams(1300, warn=1000), "warn", "the model has 1,200 parameters, 200 over the warning level of 1,000"),
        (MaxParams(warn=2000), "note", "1,200 of 2,000 parameters"),
        (MaxParams(1300, warn=1250), "note", "1,200 of 1,300 parameters"),
        (MaxParams(0, "a.relu"), "note", "0 of 0 parameters"),
        # A part is a module: what only begins with its name is none of it.
        (MaxParams(500, "a"), "fail", "a has 700 parameters, 200 over the limit of 500"),
        (MaxParams(500, "ab"), "note", "500 of 500 parameters"),
        (
            MaxParams(1, "c"),
            "error",
            "the model has no part c, so its budget can't be checked; paths start with x, a, ab",
        ),
        (MaxMacs(700), "note", "700 of 700 MACs"),
        (MaxMacs(600, warn=1), "fail", "the model has 700 MACs, 100 over the limit of 600"),
        (MaxLayers(4), "note", "4 of 4 layers"),
        (MaxLayers(1, "a"), "fail", "a has 2 layers, 1 over the limit of 1"),
        # The input is not an activation.
        (
            MaxActivationMemory(3 * OUTPUT),
            "note",
            f"{KIBIBYTES} of {KIBIBYTES} of activations",
        ),
        (
            MaxActivationMemory(3 * OUTPUT - 1),
            "fail",
            f"the model has {KIBIBYTES} of activations, 1 byte (1 B) over the limit of 3,071 bytes (3.00 KiB)",
        ),
    ],
)
def test_a_budget(rule: Rule, level: str, message: str) -> None:
    assert said(rule) == [(level, message, None)]


def test_what_isnt_counted_only_fails_a_budget_that_might_be_kept() -> None:
    unknown = network(*NET.layers, toy("u", "other", "ab", macs=None), toy("v", "other", "u", macs=None))
    assert said(MaxMacs(700), unknown) == [
        ("error", "the model has at least 700 MACs: u and 1 more isn't counted", None),
    ]
    assert said(MaxMacs(600), unknown)[0][0] == "fail"
    one = network(*NET.layers, toy("u", "other", "ab", macs=None))
    assert said(MaxMacs(700), one)[0][1] == "the model has at least 700 MACs: u isn't counted"
    strange = network(*NET.layers, toy("u", "other", "ab", None, output_tensors=(tensor(2, dtype="float3"),)))
    assert said(MaxActivationMemory(10**6), strange)[0][:1] == ("error",)
    assert "at least 3,072 bytes" in said(MaxActivationMemory(10**6), strange)[0][1]


def test_every_total_has_a_budget() -> None:
    """By the name of its file, where bytes are called memory."""
    named = {f"max-{key.replace('bytes', 'memory').replace('_', '-')}": key for key in metrics.TOTALS}
    assert named.keys() == {rule.name for rule in TOTALS} - {"max-layers"}
    summary = Facts(MANY)
    for name, key in named.items():
        amount = metrics.total(key).of(summary)
        assert amount, key
        assert [finding.level for finding in BY_NAME[name](amount).check(MANY)] == ["note"], name
        assert [finding.level for finding in BY_NAME[name](amount - 1).check(MANY)] == ["fail"], name


#: Of the experts' 40 numbers a token uses half; the cache is 2 x 5 numbers of half precision.
MANY = network(
    IMAGE,
    toy("experts", "other", "x", params=40, macs=20),
    toy("norm", "batch_norm", "experts", parameters=(
        Parameter("norm.weight", (4,), "float32", "frozen"),
        Parameter("norm.mean", (3,), "float32", "statistics", counted=False),
        Parameter("norm.table", (2,), "float32", "buffer", counted=False),
    )),
    inactive=(("experts.weight", 20),),
    decoding=Decoding(7, (tensor(2, 5, dtype="float16"),)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "part", "value", "words"),
    [
        ("active-params", "", 24, "24 active parameters"),
        ("active-params", "experts", 20, "20 active parameters"),
        ("trainable", "experts", 40, "40 trainable parameters"),
        ("frozen", "norm", 4, "4 frozen parameters"),
        ("statistics", "", 3, "3 statistics"),
        ("buffers", "", 2, "2 elements of buffers"),
        ("flops", "experts", 40, "40 FLOPs"),
        ("param-memory", "", 176, "176 bytes (176 B) of parameters"),
        ("kv-cache-memory", "", 20, "20 bytes (20 B) of KV cache"),
        # The input and what the experts give; and what the norm gives.
        ("live-memory", "experts", 2048, "2,048 bytes (2.00 KiB) of live outputs"),
        ("live-memory", "", 3072, "3,072 bytes (3.00 KiB) of live outputs"),
    ],
)
def test_what_a_budget_counts(amount: str, part: str, value: int, words: str) -> None:
    (fine,) = BY_NAME[f"max-{amount}"](value, part).check(MANY)
    (over,) = BY_NAME[f"max-{amount}"](value - 1, part).check(MANY)
    assert (fine.level, over.level) == ("note", "fail")
    assert over.message.startswith(f"{part or 'the model'} has {words}, 1 ")


def test_what_nobody_knows_is_said() -> None:
    assert said(BY_NAME["max-kv-cache-memory"](10)) == [
        ("error", "it is not known how many bytes of KV cache the model has", None)
    ]
    assert said(BY_NAME["max-active-params"](10**9)) == [
        ("error", "it is not known how many active parameters the model has", None)
    ]
    with pytest.raises(BadRequestError, match="max-kv-cache-memory is for the whole model: give an amount without a"):
        rules({"max-kv-cache-memory": {"a": "1GiB"}})
    # A leaf of which a part is known counts by that.
    half = network(*NET.layers, toy("u", "other", "ab", macs=None, macs_at_least=50))
    assert said(MaxMacs(749), half)[0][:2] == ("fail", "the model has 750 MACs, 1 over the limit of 749")
    assert said(MaxMacs(750), half)[0][:2] == ("error", "the model has at least 750 MACs: u isn't counted")
    assert said(BY_NAME["max-flops"](1500), half)[0][1] == "the model has at least 1,500 FLOPs: u isn't counted"


def test_labels_and_names() -> None:
    assert [rule(1).label for rule in (MaxParams, MaxMacs, MaxActivationMemory, MaxLayers)] == [
        *("max-params", "max-macs", "max-activation-memory", "max-layers"),
    ]
    assert MaxParams(1, "layer4").label == "max-params layer4"
    assert sorted(RULES) == sorted(
        [
            *("base", "baseline", "counted", "dead-branch", "equal-skips", "fits", "unused-parameters"),
            *(rule.name for rule in BUDGETS),
        ]
    )
    # Edges are looked at where there are some.
    assert {name for name, rule in RULES.items() if rule.on_edges} == {
        *("equal-skips", "unused-parameters", "dead-branch"),
    }


STRUCTURE = ["equal-skips", "unused-parameters", "dead-branch"]


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({}, STRUCTURE),
        ({"max-params": "1k"}, ["max-params", *STRUCTURE]),
        ({"warn-macs": 5, "max-layers": 3}, ["max-macs", "max-layers", *STRUCTURE]),
        ({"max-params": {"b": 1, "a": "2k"}, "warn-params": {"c": 1}}, [f"max-params {p}" for p in "bac"] + STRUCTURE),
        ({"ignore": ["dead-branch"]}, STRUCTURE[:2]),
        ({"ignore": ["max-params"], "max-params": 1}, STRUCTURE),
        ({"strict": True}, [*STRUCTURE, "counted"]),
        ({"strict": False}, STRUCTURE),
        ({"strict": True, "ignore": ["counted"]}, STRUCTURE),
    ],
)
def test_settings_make_rules(settings: dict[str, Any], labels: list[str]) -> None:
    assert [rule.label for rule in rules(settings)] == labels


def test_limits_and_warnings_of_a_part_are_one_rule() -> None:
    (rule, *_) = rules({"max-macs": {"a": "2k"}, "warn-macs": {"a": 7}})
    assert rule == MaxMacs(2000, "a", 7)
    with pytest.raises(BadRequestError, match=r"no such rule: a\. There are max-params, max-active-params"):
        rules({"ignore": ["z", "a", "counted"]})
    with pytest.raises(BadRequestError, match="leave --baseline out to ignore it"):
        rules({"ignore": ["baseline"]})
    with pytest.raises(BadRequestError, match="is not an amount"):
        rules({"max-macs": "many"})


@pytest.mark.parametrize(("power", "letters"), list(enumerate("kMGTP", 1)))
def test_every_unit_of_an_amount(power: int, letters: str) -> None:
    assert quantity.parse(f"3{letters}") == quantity.parse(f"3 {letters}B") == 3 * 1000**power
    assert quantity.parse(f"3{letters.upper()}iB") == 3 * 1024**power
    assert quantity.parse("2K") == 2000


def test_amounts_of_any_length_are_refused_in_one_line() -> None:
    assert quantity.parse("1" * 99) == int("1" * 99)
    assert quantity.parse(" 5 ") == 5
    for text in ("1" * 100, "5i", "5ki"):
        with pytest.raises(BadRequestError) as found:
            quantity.parse(text)
        assert str(found.value) == f"{text!r:.60} is not an amount: give 26M, 4.2G, 25557032 or 200MiB"


def test_a_network_without_layers_has_no_amount() -> None:
    nothing = replace(NET, layers=())
    assert said(MaxParams(1), nothing) == [("error", "the model has no layers, so its budget can't be checked", None)]
