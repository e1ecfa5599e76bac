"""Formulas as people write them: the text that is shown is the text that is computed.

A ``Law`` is all that the rule of an operator says in numbers: of its result's sizes, its weights, its multiply-adds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
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
    """The formulas of an operator. ``sizes`` are those that it makes anew, by the letter of the dimension.

    ``params`` are all of its weights, those too that a framework doesn't count. None: it isn't computed that way.
    """

    params: Formula | None = None
    macs: Formula | None = None
    sizes: tuple[tuple[str, Formula], ...] = ()


def axes(rank: int) -> tuple[str, ...]:
    """The letters of ``rank`` spatial dimensions."""
    return _SPATIAL[rank]


#: What each symbol of a formula is.
SYMBOLS = {
    "N": "images or rows in the batch",
    "C": "channels",
    "C_in": "input channels",
    "C_out": "output channels",
    "groups": "groups, which share no channels",
    "bias": "one number for each output if there is a bias, else 0",
    "D": "depth of the input",
    "H": "height of the input",
    "W": "width of the input",
    "D_out": "depth of the output",
    "H_out": "height of the output",
    "W_out": "width of the output",
    "k_d": "depth of the kernel",
    "k_h": "height of the kernel",
    "k_w": "width of the kernel",
    "s_d": "stride in depth",
    "s_h": "stride in height",
    "s_w": "stride in width",
    "p_d": "padding on each side in depth",
    "p_h": "padding above and below",
    "p_w": "padding left and right",
    "p_front": "padding in front",
    "p_back": "padding behind",
    "p_top": "padding above",
    "p_bottom": "padding below",
    "p_left": "padding on the left",
    "p_right": "padding on the right",
    "d_d": "dilation in depth",
    "d_h": "dilation in height",
    "d_w": "dilation in width",
    "in_features": "numbers read for each output",
    "out_features": "numbers in each result",
    "rows": "vectors that are multiplied: batch and positions",
    "columns": "columns of the product",
    "shared": "numbers in each sum of products",
    "vectors": "vectors of one number for each channel",
    "features": "numbers that are normalised together and have a weight each",
    "num_embeddings": "entries of the table",
    "embedding_dim": "numbers in each entry",
    "depth_multiplier": "outputs of the depthwise kernel for each channel",
    "gates": "products at each step: 4 of an LSTM, 3 of a GRU, 1 of a plain recurrence",
    "steps": "steps of all sequences",
    "hidden": "size of the state",
    "state": "numbers of the state that the next step reads",
    "biases": "vectors of biases for each gate",
    "directions": "2 if the sequence is read backwards too, else 1",
    "layers": "recurrent layers, one after the other",
    "queries": "positions that ask, in each item of the batch",
    "keys": "positions that are asked",
    "heads": "heads",
    "kv_heads": "heads of keys and values, which several heads of queries may share",
    "key_dim": "width of a head's queries and keys",
    "value_dim": "width of a head's values",
    "query_width": "width of the queries that come in",
    "key_width": "width of the keys that come in",
    "value_width": "width of the values that come in",
    "d_1": "first dimension of its own tensor",
    "d_2": "second dimension of its own tensor",
    "d_3": "third dimension of its own tensor",
    "d_4": "fourth dimension of its own tensor",
}
