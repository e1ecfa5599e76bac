"""torch's own words about a model."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

from torch import nn

from ...errors import ModelError
from ...shape import Resolved, format_shape


def describe_with_torchsummary(model: nn.Module, inputs: Sequence[Resolved]) -> str:
    """``print(model)``, then what ``torchsummary.summary(model, shape)`` prints, on the CPU.

    Raises:
        ModelError: torchsummary isn't installed, or fails on this model.
    """
    try:
        import torchsummary
    except ImportError as error:
        from ...requirements import advice

        raise ModelError(f"--format native needs torchsummary: {error}. {advice('torch', error)}") from error
    shapes = [tuple(item.shape[1:]) for item in inputs]
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            torchsummary.summary(model, shapes[0] if len(shapes) == 1 else shapes, device="cpu")
    except Exception as error:
        given = " and ".join(format_shape(shape) for shape in shapes)
        raise ModelError(f"torchsummary fails on {type(model).__name__} with {given}: {error}") from error
    return f"{model}\n{out.getvalue()}"
