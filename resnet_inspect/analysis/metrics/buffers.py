"""Elements that modules keep beside parameters and statistics. A total without a column: few networks have any."""

from __future__ import annotations

from ...ir import sum_known
from ..facts import Facts
from .metric import Total


def _elements(facts: Facts) -> int | None:
    return sum_known(layer.count("buffer") for layer in facts.summary.layers)


TOTAL = Total(
    label="Buffers",
    unit="elements of buffers",
    of=_elements,
    is_shown=lambda facts: bool(_elements(facts)),
)
