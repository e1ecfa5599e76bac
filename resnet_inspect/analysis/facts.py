"""What analyses find out about a whole network, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import BadRequestError
from ..ir import Summary, Totals

if TYPE_CHECKING:
    from ..devices import Device
    from .roofline import Floor

T = TypeVar("T")


class Facts:
    """One network and the results of its analyses. Each analysis runs at most once.

    ``device`` is what it would run on, where that was asked for.
    """

    def __init__(self, summary: Summary, device: Device | None = None) -> None:
        self.summary = summary
        self.device = device
        self._results: dict[Callable[[Summary], Any], Any] = {}

    def of(self, analysis: Callable[[Summary], T]) -> T:
        """The result of an analysis: ``facts.of(live_bytes)["layer1.0.conv1"]``."""
        if analysis not in self._results:
            self._results[analysis] = analysis(self.summary)
        found: T = self._results[analysis]
        return found

    @cached_property
    def totals(self) -> Totals:
        """The sums that the IR itself has."""
        return self.summary.totals

    @cached_property
    def floors(self) -> dict[str, Floor]:
        """The least time of every layer on the device.

        Raises:
            BadRequestError: there is no device.
        """
        from .roofline import floors

        if self.device is None:
            raise BadRequestError("the least time of a layer is that on a device: name one, --device rtx-4090")
        return floors(self.summary, self.device)
