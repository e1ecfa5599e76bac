"""A comparison in Markdown, as a comment: the verdict first, the biggest change first, and the rest folded."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from itertools import chain
from typing import Any

from hypothesis import given

from resnet_inspect.diffs import compare
from resnet_inspect.ir import Layer, Summary
from resnet_inspect.render.comment import fitted, inert
from resnet_inspect.render.diff import DiffView, render
from tests.render.test_comment import assert_nothing_acts, page
from tests.support.examples import examples
from tests.support.summaries import summaries
from tests.support.toys import IMAGE, network, toy


def conv(name: str, reads: str, params: int, macs: int | None, width: int = 4) -> Layer:
    return toy(name, "conv2d", reads, params=params, macs=macs, attributes={"out_channels": width})


def net(*costs: tuple[int, int | None, int]) -> Summary:
    """Convolutions in a row, each with its parameters, MACs and width."""
    layers = [IMAGE]
    for number, (params, macs, width) in enumerate(costs):
        layers.append(conv(f"b{number // 2}.c{number}", layers[-1].id, params, macs, width))
    return network(*layers)


OLD = net((100, 1000, 4), (300, 2000, 4), (500, 6000, 4), (100, 1000, 4))


def markdown(old: Summary, new: Summary, **view: Any) -> str:
    return render(compare(old, new), "markdown", DiffView(**view))


def sections(text: str) -> dict[str, list[str]]:
    """The rows of the table in the open, by "", and of what is folded, by its title; each row by its layer."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"<details><summary>(.+)</summary>", line):
            title = match[1]
        elif line == "</details>":
            title = ""
        elif match := re.match(r"\| (?:[+~>-]) \| (\S+)", line):
            found.setdefault(title, []).append(match[1])
    return found


def test_the_verdict_and_the_biggest_change_first() -> None:
    # 1,000 parameters and 10,000 MACs. c1 is 9 % more of the parameters, c2 20 % more of the MACs, c3 1 % less of both.
    new = net((100, 1000, 4), (390, 2000, 6), (500, 8000, 6), (90, 900, 6))
    text = markdown(OLD, new, title="net: main → this branch")
    lines = text.splitlines()
    assert lines[0] == "### net: main → this branch"
    assert lines[2] == "**+80 parameters (+8.00 %), +1.90 k MACs (+19.0 %).** 3 layers changed, 2 equal."
    assert sections(text) == {"": ["b1.c2", "b0.c1", "b1.c3"]}
    assert "| ~ | b1.c2 | conv2d | out\\_channels 4 → 6 |  | +2.00&nbsp;k |" in lines
    assert "| ~ | b0.c1 | conv2d | out\\_channels 4 → 6 | +90 |  |" in lines
    assert "| ~ | b1.c3 | conv2d | out\\_channels 4 → 6 | -10 | -100 |" in lines
    assert "<details><summary>2 layers equal</summary>\n\nx, b0.c0\n\n</details>" in text


def test_what_is_smaller_than_the_threshold_is_folded() -> None:
    new = net((100, 1000, 4), (390, 2000, 6), (500, 8000, 6), (90, 900, 6))
    for threshold, folded in (
        (0.005, []),
        (0.05, ["b1.c3"]),
        (0.1, ["b0.c1", "b1.c3"]),
        (1, ["b1.c2", "b0.c1", "b1.c3"]),
    ):
        found = sections(markdown(OLD, new, threshold=threshold))
        smaller = [rows for title, rows in found.items() if "smaller change" in title]
        assert list(chain(*smaller)) == folded
        assert sum(map(len, found.values())) == 3


def test_what_only_follows_is_folded() -> None:
    # The second layer reads more channels because the first has more.
    reads = toy("b", "conv2d", "a", params=100, macs=10, attributes={"in_channels": 4})
    old = network(IMAGE, conv("a", "x", 100, 10), reads, conv("c", "b", 1, 1))
    wider = replace(reads, attributes=(("in_channels", 8),))
    new = network(IMAGE, conv("a", "x", 200, 20, width=8), wider, conv("c", "b", 1, 1))
    assert sections(markdown(old, new)) == {"": ["a"], "1 layer changed as a result": ["b"]}


def test_equal_modules_are_named_once_with_their_layers() -> None:
    new = net((100, 1000, 4), (300, 2000, 4), (500, 6000, 4), (200, 1000, 8))
    assert "x, b0 (2 layers), b1.c2\n" in markdown(OLD, new)


def test_no_difference_is_two_lines() -> None:
    assert markdown(OLD, OLD) == "### torch:toy → torch:toy\n\n**No difference.** 5 layers equal.\n"


def test_a_gate_is_in_the_verdict() -> None:
    new = net((100, 1000, 8), (300, 2000, 4), (500, 6000, 4), (100, 1000, 4))
    assert "**Fails on config: Parameters and MACs stay the same.**" in markdown(
        OLD, new, gates=frozenset(["config", "params"])
    )


def test_unknown_macs_are_no_zero() -> None:
    new = net((100, None, 8), (300, 2000, 4), (500, 6000, 4), (100, 1000, 4))
    text = markdown(OLD, new)
    assert "without the MACs of 1 layer that can't be counted" in text
    assert "| ~ | b0.c0 | conv2d | out\\_channels 4 → 8 |  | n/a |" in text


@examples(60)
@given(summaries(), summaries())
def test_nothing_in_it_acts(old: Summary, new: Summary) -> None:
    text = render(compare(old, new, any_input=True), "markdown", DiffView())
    assert_nothing_acts(page(text))
    assert inert(text) == text


HOSTILE = (
    "@octocat",
    "#1",
    "<img src=x>",
    "</details>",
    "[x](https://evil.example)",
    "`a`|b",
    "**b**",
    "\u202egnp",
    "a\nb",
)


def test_hostile_names_are_text() -> None:
    old = network(IMAGE, *(toy(f"{name}{at}", "relu", "x", type=name) for at, name in enumerate(HOSTILE)))
    new = network(IMAGE, *(toy(f"{name}{at}", "gelu", "x", type=name) for at, name in enumerate(HOSTILE)))
    for pair in ((old, new), (OLD, new), (old, old)):
        text = markdown(*pair)
        assert_nothing_acts(page(text))
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in text.splitlines() if row.startswith("|")} <= {6, 7}
        assert inert(text) == text


#: Layers that change; a long run takes more of them.
MANY = 100_000 if os.environ.get("ZOO") == "all" else 4_000


def test_any_number_of_changed_layers_makes_a_comment() -> None:
    """Every layer says something of its own, so that no two share a row."""
    old, new = (net(*((number, step * number, step) for number in range(1, MANY + 1))) for step in (4, 5))
    diff = compare(old, new)
    begin = time.process_time()
    text = render(diff, "markdown", DiffView())
    comment = fitted(text, 65_536, "[The whole report](https://ci.example)")
    spent = time.process_time() - begin
    # 100,000 layers take 9 s, and to be compared 20 s.
    assert spent < MANY / 1500
    assert len(text) < 200_000
    assert len(comment) <= 65_536
    assert comment.count("<details>") == comment.count("</details>")
    assert f"{MANY:,} layers changed" in text
