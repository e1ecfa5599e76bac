"""What a configuration says of one layer, each value held against what Keras surely takes there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from ....ops.vocabulary import VOCABULARY

#: A value as a layer has it, made of the one in a configuration.
Check = Callable[[Any], Any]

#: Channels, filters and sizes: of larger ones, Keras shall say what it thinks of them.
_LARGEST = 1 << 24
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.\-]{0,199}")


class Unknown(Exception):  # noqa: N818 - not an error: it says that Keras has to be asked
    """Something that only Keras knows how to read."""


def known(condition: object, what: str) -> None:
    """Raises Unknown, with ``what`` isn't known, unless the condition holds."""
    if not condition:
        raise Unknown(what)


def layer_name(value: Any) -> str:
    """A name that Keras and its backends take as it is. They may change others, or refuse them."""
    known(isinstance(value, str) and _NAME.fullmatch(value), "a name")
    return str(value)


def flag(value: Any) -> bool:
    """True or false."""
    known(isinstance(value, bool), "a flag")
    return bool(value)


def count(value: Any) -> int:
    """A size or number of things, at least 1."""
    known(type(value) is int and 1 <= value <= _LARGEST, "a count")
    return int(value)


def whole_or_not(value: Any) -> float:
    """A finite number, where Keras leaves an integer one."""
    known(type(value) in (int, float) and math.isfinite(value), "a number")
    return value


def number(value: Any) -> float:
    """A finite number, which Keras writes with a point."""
    known(type(value) is float and math.isfinite(value), "a number")
    return value


def positive(value: Any) -> float:
    """A number that isn't negative."""
    known(number(value) >= 0, "a negative number")
    return number(value)


def limit(value: Any) -> float:
    """A number that isn't negative, with a point or without."""
    known(whole_or_not(value) >= 0, "a negative number")
    return value


def above_zero(value: Any) -> float:
    """A number above zero."""
    known(number(value) > 0, "a number that isn't above zero")
    return number(value)


def to_one(value: Any) -> float:
    """A number from 0 to 1."""
    known(0 <= number(value) <= 1, "a number that isn't from 0 to 1")
    return number(value)


def rate(value: Any) -> float:
    """What part is dropped: Keras takes from 0 to 1."""
    known(0 <= number(value) < 1, "a rate")
    return number(value)


def nothing(value: Any) -> None:
    """None, where Keras could have something."""
    known(value is None, "an option")


def seed(value: Any) -> int | None:
    """A seed, or none."""
    known(value is None or (type(value) is int and 0 <= value < 1 << 31), "a seed")
    return value if value is None else int(value)


def only(*words: Any) -> Check:
    """One of a few values."""

    def check(value: Any) -> Any:
        known(any(value == word and type(value) is type(word) for word in words), f"{value!r:.80}")
        return value

    return check


def several(check: Check, *counts: int) -> Check:
    """A list of so many values, or of one of several ``counts``."""

    def each(value: Any) -> tuple[Any, ...]:
        known(isinstance(value, list) and (not counts or len(value) in counts), "a list of another length")
        return tuple(check(item) for item in value)

    return each


def optional(check: Check) -> Check:
    """None, or what ``check`` takes."""
    return lambda value: None if value is None else check(value)


#: Activations of ours that Keras has no function for, whose name says something else there, or that change a shape.
_NOT_IN_KERAS = {"activation", "clamp", "glu", "hard_swish", "prelu"}
#: Keras' functions whose name a configuration says as it is, and that change no shape.
ACTIVATIONS = {word for word, op in VOCABULARY.items() if op.family == "activation"} - _NOT_IN_KERAS | {
    *("exponential", "hard_silu", "linear"),
}
_one_of_them = only(*ACTIVATIONS)


def activation(value: Any) -> SimpleNamespace:
    """A function, which a layer has under its name."""
    return SimpleNamespace(__name__=_one_of_them(value))


_SEED = {"seed": seed}
_NORMAL = {"mean": number, "stddev": positive, **_SEED}
_SCALED = ("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform")
_DISTRIBUTIONS = ("normal", "truncated_normal", "untruncated_normal", "uniform")
#: What a variable starts with and how it is held, as Keras writes it: nobody sees it, but Keras may refuse it.
_OBJECTS: Mapping[str, Mapping[str, Mapping[str, Check]]] = {
    "keras.initializers": {
        "Zeros": {},
        "Ones": {},
        "Constant": {"value": number},
        "Orthogonal": {"gain": number, **_SEED},
        "RandomNormal": _NORMAL,
        "TruncatedNormal": _NORMAL,
        "RandomUniform": {"minval": number, "maxval": number, **_SEED},
        "VarianceScaling": {
            "scale": above_zero,
            "mode": only("fan_in", "fan_out", "fan_avg"),
            "distribution": only(*_DISTRIBUTIONS),
            **_SEED,
        },
        **dict.fromkeys(_SCALED, _SEED),
    },
    "keras.regularizers": {
        "L1": {"l1": positive},
        "L2": {"l2": positive},
        "L1L2": {"l1": positive, "l2": positive},
    },
    "keras": {"DTypePolicy": {"name": only("float32")}},
}
#: Of an initializer since Keras 3.13: which axes are a kernel's inputs and outputs.
_AXES = ("input_axes", "output_axes")


def object_of(module: str) -> Check:
    """One of Keras' small objects of a module, as it writes them."""

    def check(value: Any) -> None:
        known(isinstance(value, dict), "an object")
        known({"module", "class_name", "config"} <= value.keys(), "an object without a name")
        known(value.keys() <= {"module", "class_name", "config", "registered_name", "shared_object_id"}, "an object")
        known(value["module"] == module and value.get("registered_name") is None, "an object of another module")
        settings = _OBJECTS[module].get(value["class_name"] if isinstance(value["class_name"], str) else "")
        known(settings is not None and isinstance(value["config"], dict), "an object of another class")
        config = {key: item for key, item in value["config"].items() if key not in _AXES or item is not None}
        read(config, settings or {})

    return check


_POLICY = object_of("keras")


def policy(value: Any) -> None:
    """Plain float32."""
    if value != "float32":
        _POLICY(value)


def read(
    config: Mapping[str, Any], settings: Mapping[str, Check], missing: Mapping[str, Check] | None = None
) -> dict[str, Any]:
    """The values of a configuration that has all of ``settings`` and nothing else but those that may be ``missing``."""
    takes = {**settings, **(missing or {})}
    known(settings.keys() <= config.keys() <= takes.keys(), f"settings: {sorted(config.keys() ^ settings.keys())}")
    return {key: takes[key](value) for key, value in config.items()}
