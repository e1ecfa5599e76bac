"""Numbers to text. The only place that rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from typing import Any

NOT_AVAILABLE = "n/a"

_SI = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def exact(value: int | None) -> str:
    """An exact integer with thousands separators: ``25,557,032``; unknown is ``n/a``, never 0."""
    return NOT_AVAILABLE if value is None else f"{value:,}"


def plain(value: Any) -> str:
    """A value as people read it: exact numbers with separators, words as they are, unknown as n/a."""
    return value if isinstance(value, str) else exact(value)


def si(value: int | None) -> str:
    """A count to three significant digits with an SI prefix: ``4.09 G``."""
    return NOT_AVAILABLE if value is None else _scaled(value, 1000, _SI)


def in_short(value: int | None) -> str:
    """What stands behind an exact number: ``(4.09 G)``; nothing where it is short itself."""
    return f" ({si(value)})" if value is not None and value >= 1000 else ""


def binary(value: int | None) -> str:
    """A number of bytes to three significant digits with a binary prefix: ``97.5 MiB``."""
    return NOT_AVAILABLE if value is None else _scaled(value, 1024, _BINARY)


def milliseconds(picoseconds: int | None) -> str:
    """A time to three significant digits: ``0.0342``; less than a nanosecond is ``0``."""
    if picoseconds is None:
        return NOT_AVAILABLE
    value = picoseconds / 10**9
    if value < 10**-6:
        return "0"
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.{2 - floor(log10(value))}f}"


def exact_milliseconds(picoseconds: int | None) -> str | None:
    """A time without rounding, as files have it: ``0.034217899``; None is unknown."""
    if picoseconds is None:
        return None
    whole, rest = divmod(picoseconds, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def signed(value: int | None, word: Callable[[int | None], str]) -> str:
    """A difference: ``+2.36 M``, ``-12``, ``0``."""
    return ("+" if value and value > 0 else "") + word(value)


def percent(old: int | None, new: int | None) -> str:
    """How much of ``old`` the difference is: ``+0.31 %``; n/a where there is nothing to compare with."""
    if not old or new is None:
        return NOT_AVAILABLE
    share = 100 * (new - old) / old
    return f"{share:+.{2 if abs(share) < 9.995 else 1 if abs(share) < 99.95 else 0}f} %"


def share(part: float | None) -> str:
    """A part of 1 in percent: ``12.3 %``."""
    return NOT_AVAILABLE if part is None else f"{100 * part:.1f} %"


def few(names: Sequence[str]) -> str:
    """The first three of many names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _scaled(value: int, step: int, prefixes: tuple[str, ...]) -> str:
    power = 0
    # What would round up to a whole step belongs to the next prefix: 999,500 is 1.00 M, not 1000 k.
    while abs(value) >= (step - 0.5) * step**power and power < len(prefixes) - 1:
        power += 1
    number = value / step**power
    decimals = 0 if power == 0 or abs(number) >= 99.95 else 1 if abs(number) >= 9.995 else 2
    return f"{number:.{decimals}f} {prefixes[power]}".rstrip()
