"""Layers that change images before a network reads them: random ones, which only act in training, crops and sizes.

Keras gives each of them the shape that it has in training, whether it acts or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....ir import Shape
from .kind import CHANNELS_LAST, Kind, same
from .settings import Check, count, flag, known, only, optional, seed, several, whole_or_not


def _ascending(lowest: float, highest: float) -> Check:
    """Two numbers within bounds, in the order in which Keras keeps them."""

    def check(value: Any) -> tuple[float, float]:
        first, second = several(whole_or_not, 2)(value)
        known(lowest <= first <= second <= highest, "a range")
        return first, second

    return check


def _part(value: Any) -> Any:
    """How much of a height or width: one number, or the lowest and highest one."""
    parts = value if isinstance(value, list) else [value]
    # Keras takes -1 for a translation, and not for a zoom.
    known(len(parts) <= 2 and all(-1 < whole_or_not(part) <= 1 for part in parts), "a part")
    known(not isinstance(value, list) or len(parts) == 2, "a part")
    return value


def _of_that_size(settings: Any, shapes: Sequence[Shape]) -> Shape:
    batch, _, _, channels = shapes[0]
    return (batch, settings.height, settings.width, channels)


def _kind(settings: Mapping[str, Check]) -> Kind:
    """Older versions of Keras don't write the layout of some of them; all have one.

    Graphs say of each call that it trains, as that is the default of their ``call``.
    """
    settles = "height" in settings
    return Kind(
        settings,
        _of_that_size if settles else same,
        missing=CHANNELS_LAST,
        fixed={"data_format": "channels_last"},
        arguments=("training",),
        flags=("training",),
        ranks=(4,),
        settles=settles,
    )


_SEED = {"seed": seed}
_MOVED = {
    "fill_mode": only("reflect", "wrap", "constant", "nearest"),
    "fill_value": whole_or_not,
    "interpolation": only("nearest", "bilinear"),
    **_SEED,
}
#: Values of images, which some networks read as -1 to 1.
_VALUES = {"value_range": _ascending(-(2.0**16), 2.0**16), **_SEED}
_SIZE = {"height": count, "width": count}
_SCALED = {
    "interpolation": only("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"),
    **dict.fromkeys(("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"), flag),
    "fill_mode": only("constant"),
    "fill_value": whole_or_not,
}

KINDS: Mapping[str, Kind] = {
    "RandomFlip": _kind({"mode": only("horizontal", "vertical", "horizontal_and_vertical"), **_SEED}),
    "RandomRotation": _kind({"factor": _ascending(-1, 1), **_MOVED}),
    "RandomZoom": _kind({"height_factor": _part, "width_factor": optional(_part), **_MOVED}),
    "RandomTranslation": _kind({"height_factor": _part, "width_factor": _part, **_MOVED}),
    "RandomContrast": _kind({"factor": _ascending(0, 1), **_VALUES}),
    "RandomBrightness": _kind({"factor": _ascending(-1, 1), **_VALUES}),
    "RandomCrop": _kind({**_SIZE, **_SEED}),
    "CenterCrop": _kind(_SIZE),
    "Resizing": _kind({**_SIZE, **_SCALED}),
}
