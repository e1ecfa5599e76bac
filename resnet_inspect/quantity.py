"""Amounts as people write them: ``26M``, ``4.2G``, ``200MiB``, ``1008GB/s``."""

from __future__ import annotations

import re
from fractions import Fraction

from .errors import BadRequestError

_UNITS = {
    "": 1,
    **{letter: 1000**power for power, letter in enumerate("kMGTP", start=1)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", start=1)},
}
_UNITS["K"] = _UNITS["k"]


def parse_count(text: str) -> int:
    """The exact number of things that aren't bytes: ``26M``, and ``0.1B``, as people say of parameters, is 100,000,000.

    Raises:
        BadRequestError: the text is not a number, or one of bytes.
    """
    plain = text.strip()
    if re.fullmatch(r".*[0-9]\s*([kKMGTP]i?B|[KMGTP]i)", plain):
        raise BadRequestError(f"{text!r:.60} is a number of bytes, and this is a count: give 26M, 4.2G or 25557032")
    return parse(re.sub(r"(?<=[0-9])\s*B$", "G", plain))


def parse(text: str) -> int:
    """The exact number: ``26M`` is 26,000,000, ``200MiB`` 209,715,200.

    Raises:
        BadRequestError: the text is not such an amount, or not a whole number.
    """
    found = len(text) < 100 and re.fullmatch(r"([0-9][0-9_,]*(?:\.[0-9]+)?)\s*([kKMGTP]?i?)B?", text.strip())
    if found and found[2] in _UNITS:
        amount = Fraction(re.sub("[_,]", "", found[1])) * _UNITS[found[2]]
        if amount.denominator == 1:
            return int(amount)
    raise BadRequestError(f"{text!r:.60} is not an amount: give 26M, 4.2G, 25557032 or 200MiB")


def parse_memory(text: str) -> int:
    """The bytes of a memory: ``24GiB`` is 25,769,803,776, ``24GB`` 24,000,000,000.

    Raises:
        BadRequestError: the text is not such an amount, or there is none.
    """
    try:
        amount = parse(text)
    except BadRequestError:
        amount = 0
    if not amount:
        raise BadRequestError(f"{text!r:.60} is not an amount of memory: give 8GiB, 24GB or 512MiB")
    return amount


def parse_rate(text: str) -> int:
    """The bytes a second: ``1008GB/s`` is 1,008,000,000,000.

    Raises:
        BadRequestError: the text is not such a rate, or there is none.
    """
    amount, _, second = text.strip().partition("/")
    try:
        rate = parse(amount) if second in ("", "s") else 0
    except BadRequestError:
        rate = 0
    if not rate:
        raise BadRequestError(f"{text!r:.60} is not bytes a second: give 1008GB/s")
    return rate
