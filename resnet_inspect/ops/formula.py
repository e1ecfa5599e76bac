"""Formulas as people write them: the text that is shown is the text that is computed.

A ``Law`` is what the rule of an operator says of its weights and its multiply-adds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import CodeType
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_]\w*")
_FUNCTIONS = {"floor": int, "min": min, "max": max}
_SPATIAL = {1: ("W",), 2: ("H", "W"), 3: ("D", "H", "W")}


class Formula(NamedTuple):
    """Whole numbers by name, ``+ - * /``, ``floor``, ``ceil``, ``min`` and ``max``; ``source`` is where it stands.

    A division outside of ``floor`` and ``ceil`` leaves no rest.
    """

    text: str
    source: str

    def value(self, symbols: Mapping[str, int]) -> int:
        """The result.

        Raises:
            NameError: a symbol isn't given.
            ZeroDivisionError: a divisor is 0.
        """
        found: int = eval(_compiled(self.text), {"__builtins__": _FUNCTIONS}, dict(symbols))
        return found

    def substituted(self, symbols: Mapping[str, int]) -> str:
        """The formula with its symbols' numbers: ``3*3*128*128/1 + 0``."""
        return _NAME.sub(lambda name: str(symbols.get(name[0], name[0])), self.text)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names in it, each once."""
        return tuple(dict.fromkeys(name for name in _NAME.findall(self.text) if name not in ("ceil", *_FUNCTIONS)))


@lru_cache(256)
def _compiled(text: str) -> CodeType:
    # Rounding up is rounding the negative down.
    return compile(text.replace("ceil(", "-floor(-").replace("/", "//"), "<formula>", "eval")


class Law(NamedTuple):
    """The formulas of an operator's weights and multiply-adds; None: it has none, or isn't computed that way."""

    params: Formula | None
    macs: Formula


def axes(rank: int) -> tuple[str, ...]:
    """The letters of ``rank`` spatial dimensions."""
    return _SPATIAL[rank]


@cache
def kernel_names(rank: int) -> tuple[str, ...]:
    """The symbols of a kernel's sizes."""
    return tuple([f"k_{letter.lower()}" for letter in axes(rank)])


@cache
def output_names(rank: int) -> tuple[str, ...]:
    """The symbols of an output's sizes."""
    return tuple([f"{letter}_out" for letter in axes(rank)])
