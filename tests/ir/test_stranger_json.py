"""JSON from strangers: a value, or a ValueError."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resnet_inspect import stranger_json
from resnet_inspect.stranger_json import MOST_LEVELS, Part, loads


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 700 + "]" * 700, "nested"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested"),
        ("[" * 100_000, "nested"),
        ("9" * 4300, "digits"),
        ("9" * 5000, "digits"),
        ('["\\ud800"]', "surrogates"),
        ('{"\\udfff": 1}', "surrogates"),
        (b"\xff\xfe\x00", "."),
        (b'"\xff"', "decode"),
        ("[1,", "."),
        ("", "."),
    ],
)
def test_what_cannot_be_used_is_a_value_error(text: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        loads(text)


@pytest.mark.parametrize("value", [[1, {"a": [None, "\U0001f600"]}], 10**99, {"1" * 200: 1.5}, []])
def test_honest_documents_are_read(value: object) -> None:
    assert loads(json.dumps(value)) == loads(json.dumps(value).encode()) == value


def test_the_deepest_and_the_largest() -> None:
    deepest = "[" * MOST_LEVELS + "]" * MOST_LEVELS
    assert json.dumps(loads(deepest)) == deepest
    with pytest.raises(ValueError, match="nested"):
        loads(f"[{deepest}]")
    with pytest.raises(ValueError, match="bytes"):
        loads("[1, 2]", most_bytes=5)


@pytest.mark.parametrize("item", ["[],", '{"":0},', "0,"])
def test_values_are_bounded_before_they_are_made(item: str) -> None:
    text = "[" + item * (2**26 // len(item) - 2) + "0]"
    with pytest.raises(ValueError, match="more values"):
        loads(text)


def test_a_document_is_looked_through_once_however_deep_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not again at each of the objects around: a stranger would choose how long that takes."""
    seen: list[Any] = []
    monkeypatch.setattr(stranger_json, "check_levels", seen.append)
    inner = '{"part": 1}'
    text = '{"a": ' * 90 + f"[{inner}, {inner}]" + "}" * 90
    made = loads(text, part=Part("part", lambda found: found["part"]))
    assert seen == [{"part": 1}, {"part": 1}, made]
