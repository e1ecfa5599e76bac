"""A listed exception: a difference between readers that is known, with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: The format does not carry it, or the exporter changed it: not ours to mend.
FORMAT = "format"
#: TODO: the readers differ although the file carries it.
OURS = "ours"
#: In place of networks: wherever it occurs.
ANY = "*"


@dataclass(frozen=True, slots=True)
class Listed:
    """Differences with one ``reason``, of the kind ``FORMAT`` or ``OURS``.

    ``where`` has readers and networks, ``traced scripted: pools shapes``, each with what differs in every one of these
    networks through every one of these readers. A ``*`` at the end of what differs stands for any end.
    """

    kind: str
    reason: str
    where: Mapping[str, tuple[str, ...]]

    def places(self) -> Iterator[tuple[list[str], list[str], tuple[str, ...]]]:
        """Readers, networks and what differs in each of these through each of those."""
        for place, whats in self.where.items():
            readers, networks = place.split(":")
            yield readers.split(), networks.split(), whats
