"""A request line of ``batch``, and what it asks a backend."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any

from ..answers.source import Source
from ..errors import BadRequestError
from ..ir import frozen_value
from ..shape import MOST_SIZE
from .building import OPTIONS, built
from .inputs import read_inputs

_TEXT = (lambda value: isinstance(value, str), "text")


def _one_or_more_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _choice(option: str) -> tuple[Callable[[Any], bool], str]:
    choices = OPTIONS[option]["type"].choices
    return (lambda value: isinstance(value, str) and value in choices), f"one of {', '.join(choices)}"


#: What a request may say: the options that build a model, with the values that they may have.
KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": _TEXT,
    "backend": _choice("backend"),
    "input": (_one_or_more_texts, "text or a list of texts"),
    "input-json": (lambda value: True, "JSON"),
    "input-from": _TEXT,
    "batch": (
        lambda value: type(value) is int and 0 < value <= MOST_SIZE,
        "a whole number from 1 on, of 18 digits at most",
    ),
    "dtype": _choice("dtype"),
    "layout": _choice("layout"),
    "arg": (lambda value: isinstance(value, dict), "an object"),
    "flavor": _choice("flavor"),
}


def read_request(fields: Mapping[str, Any]) -> Source:
    """What a request asks a backend; a value that is null says nothing.

    Raises:
        BadRequestError: a key is unknown, a value is of the wrong kind, or they contradict one another.
    """
    for key, value in fields.items():
        if key not in KEYS:
            nearest = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are id, {', '.join(KEYS)}"
            raise BadRequestError(f"a request has no key {key!r:.60}; {hint}")
        fits, words = KEYS[key]
        if value is not None and not fits(value):
            raise BadRequestError(f"{key} must be {words}, got {value!r:.60}")
    given = {key: value for key, value in fields.items() if value is not None}
    if "model" not in given:
        raise BadRequestError('the request names no model: {"model": "resnet50"}')
    if Source(given["model"]).is_saved:
        raise BadRequestError(f"{given['model']} is a saved summary: a request names a model to build")
    inputs = given.get("input", [])
    tree = json.dumps(given["input-json"]) if "input-json" in given else None
    return built(
        given["model"],
        backend=given.get("backend"),
        inputs=read_inputs([inputs] if isinstance(inputs, str) else inputs, tree, given.get("input-from")),
        batch=given.get("batch"),
        dtype=given.get("dtype"),
        layout=given.get("layout"),
        arguments=tuple((key, frozen_value(value)) for key, value in given.get("arg", {}).items()),
        flavor=given.get("flavor"),
    )
