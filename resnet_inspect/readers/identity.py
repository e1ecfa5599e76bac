"""Why residual networks work, executed: a residual branch that gives zero makes its block the identity.

A deeper network then contains the shallower one (He et al. 2015, section 1). ``torch/identity.py`` and
``keras/identity.py`` run it on their framework with real tensors; here is what they measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

#: Different inputs that a network is given: whether it still tells them apart shows whether a signal gets through.
INPUTS = 8


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant against what was expected. None is what makes no sense here, or isn't finite.

    ``identical`` is bit for bit; ``max_difference`` the largest difference of two elements, ``relative_difference`` the
    difference's L2 norm by the expected one's. Of networks: ``params`` as the framework counts them, ``macs`` of one
    input, ``agreement`` the share of inputs with the same top class, and ``spread`` how much logits differ from input
    to input (standard deviation), by how much they do in the network that nothing was inserted into.
    """

    name: str
    identical: bool
    max_difference: float | None
    relative_difference: float | None
    params: int | None = None
    macs: int | None = None
    agreement: float | None = None
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """All variants of one experiment, repeatable by its ``seed``; ``shape`` is the input's, batch included."""

    backend: str
    model: str
    seed: int
    shape: tuple[int, ...]
    cases: tuple[Variant, ...]


def spread_over(count: int, places: int) -> list[int]:
    """``count`` blocks over ``places`` stages as evenly as they go, the first stages taking what is left."""
    each, more = divmod(count, places)
    return [each + (index < more) for index in range(places)]


def measured(name: str, expected: Any, got: Any) -> Variant:
    """A case from two arrays of one shape."""
    import numpy

    before, after = (numpy.asarray(array, dtype=numpy.float64) for array in (expected, got))
    with numpy.errstate(all="ignore"):
        norm = float(numpy.linalg.norm(before))
        largest = float(numpy.abs(after - before).max())
        relative = float(numpy.linalg.norm(after - before)) / norm if norm else math.nan
    same = numpy.asarray(expected).tobytes() == numpy.asarray(got).tobytes()
    return Variant(name, same, _finite(largest), _finite(relative))


def measured_network(name: str, expected: Any, got: Any, params: int, macs: int | None) -> Variant:
    """A case from two networks' logits (inputs x classes)."""
    import numpy

    case = measured(name, expected, got)
    before, after = (numpy.asarray(array, dtype=numpy.float64) for array in (expected, got))
    with numpy.errstate(all="ignore"):
        usual = float(before.std(axis=0).mean())
        spread = float(after.std(axis=0).mean()) / usual if usual else math.nan
        agreement = float((before.argmax(axis=1) == after.argmax(axis=1)).mean())
    return Variant(
        name,
        case.identical,
        case.max_difference,
        case.relative_difference,
        params,
        macs,
        agreement,
        _finite(spread),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
