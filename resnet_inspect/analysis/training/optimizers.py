"""What optimizers keep for each parameter, and what one step needs beside that."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from ...ir import Shape

#: Optimizer -> tensors as large as the parameters that it keeps.
_MOMENTS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2, "lion": 1}

#: bitsandbytes keeps two bytes for each element and a scale for each block of each of the two moments. It leaves
#: parameters of fewer elements in float32 (``min_8bit_size``).
_SMALLEST, _BLOCK = 4096, 256


def states(optimizer: str, shape: Shape, size: int) -> int:
    """Bytes that an optimizer keeps for a parameter of this shape and of ``size`` bytes."""
    if optimizer == "adam8bit":
        elements = prod(shape)
        return 2 * 4 * elements if elements < _SMALLEST else 2 * elements + 2 * 4 * -(-elements // _BLOCK)
    if optimizer == "adafactor":
        # Rows and columns of the last two dimensions (Shazeer and Stern 2018); a vector keeps all of its variance.
        if len(shape) < 2:
            return size
        *others, rows, columns = shape
        return prod(others) * (rows + columns) * (size // max(prod(shape), 1) or 4)
    return _MOMENTS[optimizer] * size


def temporaries(optimizer: str, implementation: str, sizes: Sequence[int]) -> int:
    """Bytes that one step needs beside parameters, gradients and states; ``sizes`` are the trained ones', in order.

    torch's ``foreach`` Adam takes the root of all second moments at once. One by one, a root and a quotient are alive
    together, and the quotient of the parameter before, which Python lets go when it has the next.
    """
    largest = max(sizes, default=0)
    if optimizer == "adafactor":
        return 2 * largest  # torch has no foreach of it by default: an estimated variance and the update
    if optimizer in ("adam", "adamw") and implementation != "fused":
        one_by_one = max((2 * size + before for before, size in pairwise((0, *sizes))), default=0)
        return sum(sizes) if implementation == "foreach" else one_by_one
    if optimizer == "lion":
        return largest
    return 0
