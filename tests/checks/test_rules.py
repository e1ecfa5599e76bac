"""Rules, amounts and sizes, by arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import quantity
from resnet_inspect.checks import RULES, Case, Checked, Finding, Outcome, accept, exit_code, judge, smallest
from resnet_inspect.checks.rule import layer, network
from resnet_inspect.checks.settings import rules
from resnet_inspect.checks.sizes import drops
from resnet_inspect.errors import BadRequestError, InputError
from resnet_inspect.ir import Layer, Summary, Tensor
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render.check import rules as rules_page

CASES = [
    (name, case, kind) for name, rule in RULES.items() for kind in ("valid", "invalid") for case in getattr(rule, kind)
]


@pytest.mark.parametrize(("name", "case", "kind"), CASES, ids=[f"{n}: {c.title}" for n, c, _ in CASES])
def test_a_rule_finds_its_invalid_cases_and_no_valid_one(name: str, case: Case, kind: str) -> None:
    (outcome,) = judge([RULES[name](**case.settings)], case.summary)
    assert (outcome.level == "pass") is (kind == "valid")


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_page_and_cases_of_both_kinds(name: str) -> None:
    rule = RULES[name]
    assert rule.valid
    assert rule.invalid
    assert f"## {name}\n\n{rule.explanation()}\n" in rules_page.page()


def test_the_page_of_the_rules_is_up_to_date() -> None:
    page = Path(rules_page.__file__).parents[2] / "checks" / "RULES.md"
    assert page.read_text() == rules_page.page(), "resnet-inspect check --rules > resnet_inspect/checks/RULES.md"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("26M", 26_000_000),
        ("4.2G", 4_200_000_000),
        ("200MiB", 200 * 1024 * 1024),
        ("25_557_032", 25_557_032),
        ("25,557,032", 25_557_032),
        ("0", 0),
        ("1.5KiB", 1536),
        ("1k", 1000),
        ("7B", 7),
    ],
)
def test_amounts_are_exact(text: str, amount: int) -> None:
    assert quantity.parse(text) == amount


@pytest.mark.parametrize("text", ["", "M", "-1", "1.5", "1e6", "26 Mi B", "0.0001k", "nan", "1.M"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="is not an amount"):
        quantity.parse(text)


@given(st.integers(0, 10**15))
def test_an_amount_is_the_number_that_it_says(number: int) -> None:
    assert quantity.parse(str(number)) == quantity.parse(f"{number:,}") == number
    assert quantity.parse(f"{number}k") == 1000 * number


def test_budgets_are_compared_exactly() -> None:
    summary = summarize(Request()).summary
    for limit, level in ((25_557_032, "pass"), (25_557_031, "fail")):
        (outcome,) = judge(rules({"max-params": limit})[:1], summary)
        assert outcome.level == level
    # layer4: 14,964,736 parameters of torchvision's ResNet50.
    (outcome,) = judge(rules({"max-params": {"layer4": "14964736"}})[:1], summary)
    assert (outcome.rule, outcome.level) == ("max-params layer4", "pass")
    (outcome,) = judge(rules({"max-params": {"layer4": "14964735"}})[:1], summary)
    assert outcome.level == "fail"
    (outcome,) = judge(rules({"max-params": "26M", "warn-params": "25M"})[:1], summary)
    assert outcome.level == "warn"


@pytest.mark.parametrize(
    ("levels", "errors", "code"),
    [
        ([], [], 0),
        (["note"], [], 0),
        (["warn"], [], 0),
        (["strict"], [], 5),
        (["strict", "fail"], [], 1),
        (["error"], [], 1),
        (["error"], [3], 3),
        (["fail"], [0, 4], 4),
    ],
)
def test_the_worst_decides_the_exit_code(levels: list[str], errors: list[int], code: int) -> None:
    outcomes = tuple(Outcome("rule", (Finding(level, "said"),)) for level in levels)
    found = [Checked("model", outcomes), *(Checked("other", (), error_code=error) for error in errors)]
    assert exit_code(found) == code


def convolution(before: int, after: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Summary:
    """A network of one convolution, with the sizes that it has."""
    tensors = (Tensor((1, 4, before, before), "float32", "NCHW"),), (Tensor((1, 4, after, after), "float32", "NCHW"),)
    attributes = (
        ("kernel_size", (kernel, kernel)),
        ("stride", (stride, stride)),
        ("padding", (padding, padding)),
        ("dilation", (dilation, dilation)),
    )
    source = Layer("input", "input", "Input", "input", output_tensors=tensors[0])
    conv = Layer("conv", "conv", "Conv2d", "conv2d", ("input",), *tensors, attributes=attributes)
    return Summary(network(layer("x", "relu")).model, tensors[0], tensors[1], (source, conv))


@given(st.integers(1, 60), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
def test_dropped_are_the_rows_behind_the_last_window(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    reach = dilation * (kernel - 1) + 1
    padded = size + 2 * padding
    if padded < reach:
        return
    starts = range(0, padded - reach + 1, stride)
    # A window stands for its stride too: a row between two windows is stepped over, not dropped.
    last = starts[-1] + max(reach, stride)
    real = [row for row in range(padding, padding + size) if row >= last]
    found = drops(convolution(size, len(starts), kernel, stride, padding, dilation))
    assert [drop.rows for drop in found] == ([len(real)] if real else [])
    assert [drop.columns for drop in found] == ([len(real)] if real else [])


def test_the_smallest_size_is_found_by_trying() -> None:
    """A network of four halvings that needs one row: 16 is the smallest, and multiples of 16 drop nothing."""

    def attempt(height: int, width: int) -> Summary:
        if min(height, width) < 16:
            raise InputError("too small")
        summaries = [convolution(height >> n, height >> n + 1, 2, 2, 0) for n in range(4)]
        dropping = [item for item in summaries if drops(item)]
        return (dropping or summaries)[0]

    found = smallest(attempt, (64, 48))
    assert (found.square, found.height, found.width, found.even) == (16, 16, 16, 16)


def test_a_baseline_keeps_the_reasons_and_what_doesnt_differ_stays() -> None:
    old = summarize(Request("resnet18")).summary
    new = summarize(Request("resnet18", arguments=(("num_classes", 2),))).summary
    first = accept(None, old, "first")
    assert accept(first, old, "again") is first
    assert accept(first, new, "two classes").reasons == ("first", "two classes")
