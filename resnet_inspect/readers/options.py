"""The options that build a model, each said once.

The command line, a file of settings, a request line of ``batch`` and ``Request.from_options`` derive theirs from
``OPTIONS``; what Python's functions take is held against it by a test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, SupportsIndex

from ..errors import BadRequestError, unknown
from ..shape import MOST_SIZE
from . import DTYPES, NAMED
from .backend import CALLED


class Kind(NamedTuple):  # made by every command, for which a dataclass takes five times as long
    """What the value of an option must be, in words and as a test."""

    words: str
    fits: Callable[[Any], bool]
    choices: tuple[str, ...] = ()

    def check(self, name: str, value: Any) -> None:
        """Raises BadRequestError, with the ``name`` that the value was given under, if it isn't of this kind."""
        if not self.fits(value):
            raise BadRequestError(f"{name} must be {self.words}, got {value!r:.60}")


def _are_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _is_size(value: Any) -> bool:
    return isinstance(value, SupportsIndex) and not isinstance(value, bool) and 0 < value.__index__() <= MOST_SIZE


def one_of(*choices: str) -> Kind:
    """The kind of an option that is one of a few words."""
    return Kind(f"one of {', '.join(choices)}", lambda value: isinstance(value, str) and value in choices, choices)


#: A backend by its own name or by another that people give it.
BACKEND = Kind(one_of(*NAMED).words, lambda value: isinstance(value, str) and value in CALLED, NAMED)
TEXT = Kind("text", lambda value: isinstance(value, str))
LIST = Kind("a list of texts", _are_texts)
TEXTS = Kind("text or a list of texts", lambda value: isinstance(value, str) or _are_texts(value))
JSON = Kind("JSON", lambda value: True)
ARGUMENTS = Kind("names and their values", lambda value: isinstance(value, Mapping))
SIZE = Kind("a whole number from 1 on, of 18 digits at most", _is_size)


class Option(NamedTuple):
    """An option that builds a model. ``name`` is its name on the command line and its key in a request line.

    ``setting`` is its key in a file of settings, where that is a plural. ``backends`` are those that take it, empty for
    all. ``is_settled``: what it asks for has been decided in a file that holds a finished program. ``is_shared``: every
    command that builds a model takes it, and so do files and request lines; otherwise only ``summary`` does.
    """

    name: str
    kind: Kind
    help: str
    metavar: str | None = None
    setting: str = ""
    backends: tuple[str, ...] = ()
    is_settled: bool = False
    is_shared: bool = True

    @property
    def parameter(self) -> str:
        """Its name as a parameter in Python."""
        return self.name.replace("-", "_")


OPTIONS = {
    option.name: option
    for option in (
        Option("backend", BACKEND, "Default: local, which needs no framework."),
        Option(
            "input",
            TEXTS,
            "3x512x512, 512x512x3, 512 (square), 1x3x512x512; ids=1x128:int64 by name and type. Repeatable.",
            metavar="SHAPE",
            setting="inputs",
        ),
        Option("input-json", JSON, 'Nested inputs: {"image": "1x3x64x64", "boxes": ["1x4", null]}.', metavar="JSON"),
        Option(
            "input-from",
            TEXT,
            "A function of yours that returns real inputs.",
            metavar="MODULE:FUNCTION",
            is_settled=True,
        ),
        Option("batch", SIZE, "Batch size, if the shape has none. Default: 1."),
        Option(
            "dtype",
            one_of(*DTYPES),
            "Element type of inputs and weights. Default: float32.",
            is_settled=True,
        ),
        Option(
            "mode",
            one_of("eval", "train"),
            "Mode that the model runs in. train runs auxiliary heads, too. Default: eval.",
            is_settled=True,
        ),
        Option("layout", one_of("NCHW", "NHWC"), "Layout of --input. Default: the end with 1, 3 or 4 is the channels."),
        Option(
            "arg",
            ARGUMENTS,
            "Argument of the model's constructor: num_classes=10. Repeatable.",
            metavar="KEY=VALUE",
            setting="args",
            is_settled=True,
        ),
        Option(
            "decode",
            SIZE,
            "Summarise the next token after N, which reads their cache. transformers only.",
            metavar="N",
            backends=("transformers",),
            is_settled=True,
        ),
        Option(
            "flavor",
            one_of("torch", "keras"),
            "The framework whose network the local backend builds.",
            backends=("local",),
            is_settled=True,
        ),
        Option(
            "weights",
            TEXT,
            "default: the framework's own pretrained set; a NAME of it; or a file that must fit.",
            metavar="NAME|PATH",
            is_settled=True,
            is_shared=False,
        ),
    )
}
#: Those that every command takes, and files of settings and request lines too.
SHARED = tuple(option for option in OPTIONS.values() if option.is_shared)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, by the names of their parameters, that have a value other than None.

    Raises:
        BadRequestError: there is no such option, or a value isn't of its kind.
    """
    known = {option.parameter: option for option in OPTIONS.values()}
    for name, value in options.items():
        if name not in known:
            raise BadRequestError(unknown("option", name, known))
        if value is not None:
            known[name].kind.check(known[name].name, value)
    return {name: value for name, value in options.items() if value is not None}


def check_backend(backend: str, options: Mapping[str, Any]) -> None:
    """Raises BadRequestError for an option with a value that ``backend`` doesn't take."""
    for option in OPTIONS.values():
        if options.get(option.parameter) and option.backends and backend not in option.backends:
            raise BadRequestError(
                f"--{option.name} goes with the {' or '.join(option.backends)} backend, not {backend}"
            )


def command_line(options: Mapping[str, Any]) -> list[str]:
    """Options, by the names of their parameters, as the command line takes them."""
    words = []
    for option in OPTIONS.values():
        value = options.get(option.parameter)
        if isinstance(value, Mapping):
            texts = [f"{key}={json.dumps(item)}" for key, item in value.items()]
        else:
            texts = [str(item) for item in (value if isinstance(value, list) else [value]) if item is not None]
        words += [word for text in texts for word in (f"--{option.name}", text)]
    return words
