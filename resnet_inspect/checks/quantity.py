"""Amounts as people write budgets: ``26M``, ``4.2G``, ``200MiB``."""

from __future__ import annotations

import re
from fractions import Fraction

from ..errors import BadRequestError

_UNITS = {
    "": 1,
    **{letter: 1000**power for power, letter in enumerate("kMGTP", start=1)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", start=1)},
}
_UNITS["K"] = _UNITS["k"]


def parse(text: str) -> int:
    """The exact number: ``26M`` is 26,000,000, ``200MiB`` 209,715,200.

    Raises:
        BadRequestError: the text is no such amount, or no whole number.
    """
    found = len(text) < 100 and re.fullmatch(r"([0-9][0-9_,]*(?:\.[0-9]+)?)\s*([kKMGTP]?i?)B?", text.strip())
    if found and found[2] in _UNITS:
        amount = Fraction(re.sub("[_,]", "", found[1])) * _UNITS[found[2]]
        if amount.denominator == 1:
            return int(amount)
    raise BadRequestError(f"{text!r:.60} is no amount: give 26M, 4.2G, 25557032 or 200MiB")
