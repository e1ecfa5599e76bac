"""What a shape means to a torch module about which nothing is known but its layers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from ....errors import BadRequestError
from ....ir import Summary
from ....shape import Expected, Resolved, format_shape, resolve
from ..walk import modules_of

#: torch's own layers that tell how many dimensions an item has.
_SPATIAL = re.compile(r"(?:Lazy)?(?:Conv|ConvTranspose|MaxPool|AvgPool)([123])d$")
_LAYOUTS = {"1": "NCL", "2": "NCHW", "3": "NCDHW"}
#: Where one of these comes first, no image is read.
_FLAT = re.compile(r"(?:Lazy)?Linear$|Embedding(?:Bag)?$")
#: What reads positions of features: three sizes have a batch already.
_SEQUENCES = re.compile(r"LSTM$|GRU$|RNN$|MultiheadAttention$|Transformer(?:(?:En|De)coder(?:Layer)?)?$")


def resolve_for(
    model: Any, sizes: tuple[int, ...], batch: int | None, wanted: str | None = None, alone: bool = True
) -> Resolved:
    """The shape that ``sizes`` mean to a module, scripted or not; ``alone`` tells whether it is the only input.

    The first convolution or pooling tells how many dimensions an item has; without one, four and more sizes have a
    batch and fewer don't, or three and more where there are layers of sequences. That is a guess, as a module's forward
    may do anything first: ``other`` is with a batch where the first reading is without one, and the other way round.

    Raises:
        BadRequestError: ``batch`` contradicts the sizes.
    """
    names = [(module, name) for _, module in modules_of(model) for name in _classes(module)]
    first, layout = next(
        ((module, _layout(name)) for module, name in names if _SPATIAL.match(name) or _FLAT.match(name)), (None, None)
    )
    if not alone:
        layout = None
    channels = _channels(first) if layout == "NCHW" else None
    turned = len(sizes) == 3 and sizes[0] != channels == sizes[-1]
    if channels is not None and (wanted is not None or len(sizes) < 3 or turned):
        # 512, or 512x512x3 in Keras' order: as people type it for a model of the library.
        return resolve(sizes, Expected("NCHW", (1, channels, 224, 224)), wanted, batch)
    sequences = not layout and any(_SEQUENCES.match(name) for _, name in names)
    note = other = None
    if len(sizes) < (len(layout) if layout else 3 if sequences else 4):
        given, sizes = sizes, (batch or 1, *sizes)
        if len(given) > 1 and layout is None:
            said = format_shape(given)
            note = f"input {said} was read as one item, {format_shape(sizes)}; by its name (x={said}) it has its batch"
        if batch is None:
            other = Resolved(given, None, f"input {format_shape(given)} was read with its batch: as one item it fails")
    elif batch not in (None, sizes[0]):
        raise BadRequestError(f"{format_shape(sizes)} has batch {sizes[0]}, but batch says {batch}")
    elif alone and batch is None:
        whole = (1, *sizes)
        other = Resolved(whole, None, f"input {format_shape(sizes)} was read as one item, {format_shape(whole)}")
    # A convolution of other channels reads another tensor: whether this one is an image, its own reader tells.
    is_image = layout and len(sizes) == len(layout) and _may_read(first, sizes[1])
    return Resolved(sizes, layout if is_image else None, note, other=other)


def likely(model: Any) -> str:
    """An input to try on a module, by the first of torch's layers in it: what people mostly give to such a layer."""
    for _, module in modules_of(model):
        for name in _classes(module):
            if found := _SPATIAL.match(name):
                sizes = {"1": "1000", "2": "224x224", "3": "16x112x112"}[found[1]]
                return f"{_channels(module)}x{sizes}"
            if name == "Embedding":
                return "1x128:int64"
            if _FLAT.match(name):
                return str(getattr(module, "in_features", 0) or 128)
            if _SEQUENCES.match(name):
                return f"100x{getattr(module, 'input_size', None) or getattr(module, 'embed_dim', None) or 512}"
    return "3x224x224"


def said_of(inputs: Iterable[Resolved], summary: Summary) -> tuple[str, ...]:
    """What to tell about how the inputs of a summary were read."""
    used = {tensor.shape for tensor in summary.inputs}
    read = (item.other if item.other and item.shape not in used else item for item in inputs)
    return tuple(item.note for item in read if item.note)


def _classes(module: nn.Module) -> list[str]:
    """The names of torch's own among a module's classes; a scripted one remembers its name alone."""
    scripted = getattr(module, "original_name", None)
    return [scripted] if scripted else [c.__name__ for c in type(module).__mro__ if c.__module__.startswith("torch.")]


def _layout(name: str) -> str | None:
    found = _SPATIAL.match(name)
    return _LAYOUTS[found[1]] if found else None


def _may_read(module: Any, channels: int) -> bool:
    """Whether a convolution may read so many channels; a traced one has forgotten its groups."""
    if getattr(module, "in_channels", 0):
        return bool(module.in_channels == channels)
    weight = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor) or nn.parameter.is_lazy(weight) or "Conv2d" not in _classes(module):
        return True
    made, read = weight.shape[:2]
    return channels % read == 0 and made % max(channels // read, 1) == 0


def _channels(module: Any) -> int:
    """What an image convolution reads; 3 for a pooling, and for what learns it from its first input."""
    weight = getattr(module, "weight", None)
    if isinstance(weight, torch.Tensor) and not nn.parameter.is_lazy(weight):
        return int(getattr(module, "in_channels", None) or weight.shape[1])
    return int(getattr(module, "in_channels", None) or 3)
