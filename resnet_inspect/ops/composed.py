"""Layers that torch makes of several operators by element: which, and what each of these reads.

Their parts have words of their own, from which follows what the backward pass needs of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..ir import DTYPE_BITS, Layer, Value
from . import vocabulary


class Part(NamedTuple):
    """An operator. It ``reads`` the layer's input, which is 0, or what earlier parts give: 1 is the first part's."""

    word: str
    reads: tuple[int, ...]
    #: Whether its result has one number where the input has a last dimension.
    reduces: bool = False
    #: The name of a weight that it reads, too.
    weight: str | None = None
    #: The element type of its result, where it isn't that of the layer's.
    dtype: str | None = None


#: 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) (Hendrycks and Gimpel 2016), as transformers writes it.
_CUBIC = (
    Part("mul", (0,)),
    Part("pow", (0,)),
    Part("mul", (2,)),
    Part("add", (0, 3)),
    Part("mul", (4,)),
    Part("tanh", (5,)),
    Part("add", (6,)),
    Part("mul", (1, 7)),
)
#: 0.5 * x * (1 + tanh(x * 0.79788 * (1 + 0.044715 * x * x))).
_SQUARED = (
    Part("mul", (0,)),
    Part("mul", (0,)),
    Part("mul", (0,)),
    Part("mul", (3, 0)),
    Part("add", (4,)),
    Part("mul", (2, 5)),
    Part("tanh", (6,)),
    Part("add", (7,)),
    Part("mul", (1, 8)),
)
#: What the types below are, all of them classes of transformers.
_WORD = "gelu"
_BY_TYPE = {
    "NewGELUActivation": _CUBIC,
    "AccurateGELUActivation": _CUBIC,
    "FastGELUActivation": _SQUARED,
    "QuickGELUActivation": (Part("mul", (0,)), Part("sigmoid", (1,)), Part("mul", (0, 2))),
    "ClippedGELUActivation": (Part(_WORD, (0,)), Part("clamp", (1,))),
}
_BY_WORD = {
    # x / max(|x|, eps), as torch.nn.functional.normalize does it.
    "unit_norm": (Part("vector_norm", (0,), True), Part("clamp", (1,), True), Part("div", (0, 2))),
}
#: The types that are known here, and the word for each.
TYPES = dict.fromkeys(_BY_TYPE, _WORD)


def parts(layer: Layer) -> tuple[Part, ...]:
    """What a layer is made of; nothing where it is one operator, or nobody knows."""
    if layer.op == "other":
        return _steps(layer.attribute("steps"))
    return _BY_TYPE.get(layer.type, ()) if layer.op == _WORD else _BY_WORD.get(layer.op, ())


def _steps(said: Value) -> tuple[Part, ...]:
    """The parts of a leaf that its user wrote, as torch's reader heard them: ``pow 0 float32``, ``mul 4 weight``."""
    found: list[Part] = []
    reduced = {0: False}
    for place, step in enumerate(said if isinstance(said, tuple) else (), 1):
        word, *names = str(step).split()
        reads = tuple(int(name) for name in names if name.isdigit())
        dtype = next((name for name in names if name in DTYPE_BITS), None)
        weights = [name for name in names if not name.isdigit() and name != dtype]
        if len(weights) > 1 or not set(reads) <= reduced.keys():
            return ()
        is_line = vocabulary.of(word).family == "reduction" or all(reduced[read] for read in reads)
        reduced[place] = is_line and not weights
        found.append(Part(word, reads, reduced[place], weights[0] if weights else None, dtype))
    return tuple(found)


def input_saved(layer: Layer) -> str | None:
    """Whether the backward pass of such a leaf needs its input."""
    return "inputs" if 0 in _needed(parts(layer)) else None


def kept(layer: Layer) -> tuple[Part, ...]:
    """The parts whose results the backward pass needs."""
    made = parts(layer)
    needed = _needed(made)
    return tuple(part for place, part in enumerate(made, 1) if place in needed)


def _needed(made: Sequence[Part]) -> set[int]:
    needed: set[int] = set()
    for place, part in enumerate(made, 1):
        saves = None if is_by_number(part) else vocabulary.of(part.word).saves
        if saves in ("inputs", "both"):
            needed.update(part.reads)
        if saves in ("output", "both"):
            needed.add(place)
    return needed


def is_by_number(part: Part) -> bool:
    """Whether a product's other factor is a number, which nobody has to keep."""
    return part.word in ("mul", "div") and len(part.reads) == 1 and part.weight is None
