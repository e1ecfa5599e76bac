"""The inputs of a request: shapes, a call written as JSON, or a function of the user's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import BadRequestError
from ..shape import parse_shape


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes as a person types them: the reader adds a batch and finds the layout. Empty for the model's own input."""

    sizes: tuple[tuple[int, ...], ...] = ()


#: What a model reads where nothing is given.
OWN_INPUT = Shapes()


@dataclass(frozen=True, slots=True)
class CallJson:
    """Inputs with names, element types or structure: the JSON text of a ``call.Call``, which is used as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class UserFunction:
    """``module:function`` of the user's that returns real inputs."""

    reference: str


RequestInputs = Shapes | CallJson | UserFunction


def from_fields(fields: Mapping[str, Any]) -> RequestInputs:
    """The inputs whose fields have been through JSON, as ``dataclasses.asdict`` gives them."""
    if "sizes" in fields:
        return Shapes(tuple(tuple(sizes) for sizes in fields["sizes"]))
    return CallJson(**fields) if "text" in fields else UserFunction(**fields)


def read_inputs(texts: Sequence[str] = (), tree: Any = None, function: str | None = None) -> RequestInputs:
    """The options ``input``, ``input-json`` and ``input-from``, of which at most one may be given.

    ``tree`` is JSON text or the value of one. Plain shapes stay shapes; with a name or an element type in any of
    ``texts``, all of them are a call.

    Raises:
        BadRequestError: one of them can't be read, or two of the options were given.
    """
    if tree is not None and not isinstance(tree, str):
        tree = json.dumps(tree)
    given = [name for name, value in (("--input", texts), ("--input-json", tree), ("--input-from", function)) if value]
    if len(given) > 1:
        raise BadRequestError(f"{' and '.join(given)} both describe the model's inputs: give one of them")
    if function:
        return UserFunction(function)
    if tree:
        from ..call import Call

        return CallJson(Call.from_json(tree).to_json())
    if any("=" in text or ":" in text for text in texts):
        from ..call import of_inputs

        return CallJson(of_inputs(texts).to_json())
    return Shapes(tuple(map(parse_shape, texts)))
