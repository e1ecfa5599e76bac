"""What a shape means to a torch module about which nothing is known but its layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...errors import BadRequestError
from ...shape import Expected, Resolved, format_shape, resolve
from .walk import modules_of

#: Layers that tell how many dimensions an item has, by the end of their names.
_SPATIAL = ("Conv", "MaxPool", "AvgPool")
_LAYOUTS = {"1d": "NCL", "2d": "NCHW", "3d": "NCDHW"}
#: Where one of these comes first, no image is read.
_FLAT = ("Linear", "Embedding")
#: What reads positions of features: three sizes have a batch already.
_SEQUENCES = ("LSTM", "GRU", "RNN", "MultiheadAttention", "Transformer")


def resolve_for(
    model: Any, sizes: tuple[int, ...], batch: int | None, wanted: str | None = None, alone: bool = True
) -> Resolved:
    """The shape that ``sizes`` mean to a module, scripted or not; ``alone`` tells whether it is the only input.

    The first convolution or pooling tells how many dimensions an item has; without one, four and more sizes have a
    batch and fewer don't, or three and more where there are layers of sequences.

    Raises:
        BadRequestError: ``batch`` contradicts the sizes.
    """
    names = [(module, name) for _, module in modules_of(model) for name in _classes(module)]
    first, layout = next(
        ((module, _layout(name)) for module, name in names if name.startswith((*_SPATIAL, *_FLAT))), (None, None)
    )
    if not alone:
        layout = None
    channels = _channels(first) if layout == "NCHW" else None
    turned = len(sizes) == 3 and sizes[0] != channels == sizes[-1]
    if channels is not None and (wanted is not None or len(sizes) < 3 or turned):
        # 512, or 512x512x3 in Keras' order: as people type it for a model of the library.
        return resolve(sizes, Expected("NCHW", (1, channels, 224, 224)), wanted, batch)
    sequences = not layout and any(name.startswith(_SEQUENCES) for _, name in names)
    note = None
    if len(sizes) < (len(layout) if layout else 3 if sequences else 4):
        given, sizes = sizes, (batch or 1, *sizes)
        if len(given) > 1 and layout is None:
            said = format_shape(given)
            note = f"input {said} was read as one item, {format_shape(sizes)}; by its name (x={said}) it has its batch"
    elif batch not in (None, sizes[0]):
        raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but batch says {batch}")
    return Resolved(sizes, layout if layout and len(sizes) == len(layout) else None, note)


def _classes(module: nn.Module) -> list[str]:
    """The names of a module's classes; a scripted one remembers its own."""
    scripted = getattr(module, "original_name", None)
    return [scripted] if scripted else [cls.__name__ for cls in type(module).__mro__]


def _layout(name: str) -> str | None:
    return _LAYOUTS.get(name[-2:]) if name.startswith(_SPATIAL) else None


def _channels(module: Any) -> int:
    """What an image convolution reads; 3 for a pooling, and for what learns it from its first input."""
    weight = getattr(module, "weight", None)
    if isinstance(weight, torch.Tensor) and not nn.parameter.is_lazy(weight):
        return int(getattr(module, "in_channels", None) or weight.shape[1])
    return int(getattr(module, "in_channels", None) or 3)
