"""A listed exception: a difference between readers that is known, with its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: In place of networks: wherever it occurs.
ANY = "*"


@dataclass(frozen=True, slots=True)
class Listed:
    """Differences with one of the ``causes``.

    ``where`` has readers and networks, ``traced scripted: pools shapes``, each with what differs in every one of these
    networks through every one of these readers. A ``*`` at the end of what differs stands for any end.
    """

    cause: str
    where: Mapping[str, tuple[str, ...]]

    def places(self) -> Iterator[tuple[list[str], list[str], tuple[str, ...]]]:
        """Readers, networks and what differs in each of these through each of those."""
        for place, whats in self.where.items():
            readers, networks = place.split(":")
            yield readers.split(), networks.split(), whats
