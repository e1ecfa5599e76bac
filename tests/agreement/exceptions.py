"""The table of listed exceptions, asked for a network and a reader."""

from __future__ import annotations

from fnmatch import fnmatchcase

from . import exceptions_keras, exceptions_onnx, exceptions_savedmodel, exceptions_torch
from .comparison import Difference
from .listed import ANY, Listed

LISTED: tuple[Listed, ...] = (
    *exceptions_torch.LISTED,
    *exceptions_onnx.LISTED,
    *exceptions_keras.LISTED,
    *exceptions_savedmodel.LISTED,
)


def expected(network: str, reader: str) -> tuple[set[str], set[str]]:
    """What must differ in a network through a reader, and what may."""
    must: set[str] = set()
    may: set[str] = set()
    for listed in LISTED:
        for readers, networks, whats in listed.places():
            if reader in readers and network in networks:
                must.update(whats)
            elif reader in readers and networks == [ANY]:
                may.update(whats)
    return must, may


def general() -> list[tuple[str, str]]:
    """Reader and what differs, of the exceptions that stand for any network."""
    return [
        (reader, what)
        for listed in LISTED
        for readers, networks, whats in listed.places()
        for reader in readers
        for what in whats
        if networks == [ANY]
    ]


def fits(what: str, listed: str) -> bool:
    """Whether a difference is the one that is listed."""
    return fnmatchcase(what, listed)


def unlisted(network: str, reader: str, found: list[Difference]) -> list[str]:
    """Differences that nobody listed."""
    must, may = expected(network, reader)
    return [str(item) for item in found if not any(fits(item.what, listed) for listed in must | may)]


def outdated(network: str, reader: str, found: list[Difference]) -> list[str]:
    """Listed exceptions that no longer occur."""
    must, _ = expected(network, reader)
    return sorted(listed for listed in must if not any(fits(item.what, listed) for item in found))
