"""What can be said of a network's layers beyond the layers themselves, worked out when asked for."""

from __future__ import annotations

from functools import cached_property

from ..ir import Summary
from .memory import live_bytes, saved_bytes
from .receptive import Field, receptive_fields


class Facts:
    """Results of analyses by the ids of a summary's layers."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary

    @cached_property
    def fields(self) -> dict[str, Field | None]:
        """Receptive fields."""
        return receptive_fields(self.summary)

    @cached_property
    def live_bytes(self) -> dict[str, int | None]:
        """Memory alive while a layer runs."""
        return live_bytes(self.summary)

    @cached_property
    def saved_bytes(self) -> dict[str, int | None]:
        """Memory that training keeps because of a layer."""
        return saved_bytes(self.summary)
