"""Questions about the numbers of a network, each answered by its derivation."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ..ir import Layer
from ..shape import format_shape
from .derivation import derivations
from .explanation import Derivation
from .known import Known

#: What is asked about; sizes of outputs along one dimension only, as the other is mostly the same.
_ASKED = ("params", "macs", "output_height", "output_width", "rf")
_SETTINGS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
_OF_DENSE = ("in_features", "out_features", "bias")


@dataclass(frozen=True, slots=True)
class Question:
    """A number that is hidden, and how it comes about."""

    layer: Layer
    answer: Derivation

    @property
    def text(self) -> str:
        """What is asked, with all that the answer follows from."""
        names = _OF_DENSE if self.layer.op == "dense" else _SETTINGS
        given = {name: self.layer.attribute(name) for name in names}
        settings = [f"{name} {_value(value)}" for name, value in given.items() if value is not None]
        read = ", ".join(format_shape(tensor.shape) for tensor in self.layer.input_tensors)
        about = (
            f"{self.layer.path}, {self.layer.type}, reads {read}" if read else f"{self.layer.path}, {self.layer.type}"
        )
        return f"{self.answer.title} of {about}" + (f": {', '.join(settings)}" if settings else "")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def questions(known: Known, number: int, seed: int) -> list[Question]:
    """Up to ``number`` different questions; the same ``seed`` asks the same ones everywhere."""
    pool = []
    for layer in known.summary.layers:
        if layer.called and (layer.parameters or layer.macs):
            found = [d for d in derivations(layer, known.fields) if d.quantity in _ASKED and d.formula is not None]
            pool += [Question(layer, each) for each in found]
    chosen = random.Random(seed)
    return chosen.sample(pool, min(number, len(pool)))


def read(text: str) -> int | None:
    """A whole number as people type it: 147456, 147,456, 147_456; None if it isn't one."""
    digits = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 40 else None
