"""Devices that networks run on: how much memory they have, how fast it is, and what they compute at most.

``devices.json`` has each number with its source and date. Peaks are for dense matrices: those with sparsity are twice
as high, and no network reaches them as it is trained. What a maker doesn't publish isn't there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import BadRequestError, closest, meant, unknown
from ..quantity import parse, parse_memory, parse_rate

#: What a device's peak is called for -> the element types that it holds for. A network of float32 may run in TF32,
#: which torch allows for convolutions from the start.
PEAKS = {
    "fp32": ("float32",),
    "tf32": ("float32",),
    "bf16": ("bfloat16",),
    "fp16": ("float16",),
    "fp8": ("float8_e4m3fn", "float8_e5m2"),
    "int8": ("int8", "uint8", "qint8", "quint8"),
}


@dataclass(frozen=True, slots=True)
class Device:
    """``memory`` in bytes, ``bandwidth`` in bytes a second, ``peaks`` in operations a second, two for each MAC.

    None, and no peak, where a number isn't known.
    """

    name: str
    title: str
    memory: int
    bandwidth: int | None = None
    peaks: tuple[tuple[str, int], ...] = ()
    source: str | None = None
    date: str | None = None

    def peak(self, dtype: str) -> int | None:
        """The most operations a second on elements of a type, in whichever mode; None if nobody says."""
        return max((most for name, most in self.peaks if dtype in PEAKS.get(name, ())), default=None)


@cache
def _published() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "devices.json").read_text())
    return found


def names() -> list[str]:
    """Of the devices that are listed here."""
    return list(_published())


def device(name: str, own: Mapping[str, Mapping[str, Any]] | None = None) -> Device:
    """A device by its name, one of somebody's ``own`` or a listed one; ``RTX 4090`` is ``rtx-4090``.

    Raises:
        BadRequestError: there is none of this name, with the nearest ones; or what is said of it makes no sense.
    """
    own = own or {}
    if name in own:
        return _made(name, own[name])
    key = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
    if key not in _published():
        nearest = closest(key, [*own, *names()], most=3)
        raise BadRequestError(
            f"no such device: {name!r:.60}; {meant(nearest, f'there are {len(_published())}')}"
            " (--device list shows all)"
        )
    return _made(key, _published()[key])


def _made(name: str, said: Mapping[str, Any]) -> Device:
    try:
        if "memory" not in said:
            raise BadRequestError("memory is missing: give 8GiB, 24GB or 512MiB")
        for kind in said.get("peaks", {}):
            if kind not in PEAKS:
                raise BadRequestError(unknown("peak", kind, PEAKS))
        return Device(
            name=name,
            title=said.get("title", name),
            memory=parse_memory(str(said["memory"])),
            bandwidth=parse_rate(str(said["bandwidth"])) if "bandwidth" in said else None,
            peaks=tuple((kind, parse(str(most))) for kind, most in said.get("peaks", {}).items()),
            source=said.get("source"),
            date=said.get("date"),
        )
    except BadRequestError as error:
        raise BadRequestError(f"device {name}: {error}") from error
