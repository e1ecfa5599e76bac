"""Layers of images, rows and volumes, whose channels come last: convolutions, pools, edges, sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....ir import Shape
from .kind import ACTIVITY, CHANNELS_LAST, Kind, Weight, bias, same, variables
from .settings import Check, activation, count, flag, known, nothing, only, rate, seed, several


def _window(dimensions: int, *more: str) -> dict[str, Check]:
    """The settings of any convolution."""
    return {
        "kernel_size": several(count, dimensions),
        "strides": several(count, dimensions),
        "padding": only("valid", "same", *more),
        "dilation_rate": several(count, dimensions),
        **CHANNELS_LAST,
        "activation": activation,
        "use_bias": flag,
        **ACTIVITY,
    }


def _check_window(settings: Any) -> None:
    known(max(settings.strides) == 1 or max(settings.dilation_rate) == 1, "strides and dilation")


def _check_square(settings: Any) -> None:
    _check_window(settings)
    known(len({*settings.strides}) == 1, "unequal strides")


def _conv_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    _check_window(settings)
    channels, groups = shapes[0][-1], settings.groups
    known(channels % groups == 0 and settings.filters % groups == 0, "groups that don't divide the channels")
    kernel = Weight("kernel", (*settings.kernel_size, channels // groups, settings.filters))
    return [kernel, *bias(settings, settings.filters)]


def _depthwise_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    _check_square(settings)
    channels, times = shapes[0][-1], settings.depth_multiplier
    return [Weight("kernel", (*settings.kernel_size, channels, times)), *bias(settings, channels * times)]


def _separable_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    _check_square(settings)
    channels, times = shapes[0][-1], settings.depth_multiplier
    depthwise = Weight("depthwise_kernel", (*settings.kernel_size, channels, times))
    ones = (1,) * len(settings.kernel_size)
    pointwise = Weight("pointwise_kernel", (*ones, channels * times, settings.filters))
    return [depthwise, pointwise, *bias(settings, settings.filters)]


def _transposed_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    _check_window(settings)
    kernel = Weight("kernel", (*settings.kernel_size, settings.filters, shapes[0][-1]))
    return [kernel, *bias(settings, settings.filters)]


def _transposed(settings: Any, shapes: Sequence[Shape]) -> Shape:
    """Keras' ``compute_conv_transpose_output_shape``: where windows don't meet, the gaps count too."""
    batch, *sizes, _ = shapes[0]
    windows = zip(sizes, settings.kernel_size, settings.strides, settings.dilation_rate, strict=True)
    made = [
        size * stride if settings.padding == "same" else (size - 1) * stride + max((kernel - 1) * gap + 1, stride)
        for size, kernel, stride, gap in windows
    ]
    return (batch, *made, settings.filters)


def _convolutions(d: int) -> dict[str, Kind]:
    own = {**variables("kernel", "bias"), "filters": count}
    plain = {**_window(d, *(["causal"] if d == 1 else [])), **own, "groups": count}
    padding = {"output_padding": nothing}  # which Keras before 3.15 doesn't write
    found = {
        f"Conv{d}D": Kind(plain, weights=_conv_weights, ranks=(d + 2,)),
        f"Conv{d}DTranspose": Kind({**_window(d), **own}, _transposed, _transposed_weights, padding, ranks=(d + 2,)),
    }
    if d < 3:
        depthwise = {**_window(d), **variables("depthwise", "bias"), "depth_multiplier": count}
        separable = {**depthwise, **variables("pointwise"), "filters": count}
        found[f"DepthwiseConv{d}D"] = Kind(depthwise, weights=_depthwise_weights, ranks=(d + 2,))
        found[f"SeparableConv{d}D"] = Kind(separable, weights=_separable_weights, ranks=(d + 2,))
    return found


def _pools(d: int) -> dict[str, Kind]:
    sizes = several(count, d)
    window = {"pool_size": sizes, "strides": sizes, "padding": only("valid", "same"), **CHANNELS_LAST}
    whole = {**CHANNELS_LAST, "keepdims": flag}
    masked = ("mask",) if d == 1 else ()
    return {
        f"MaxPooling{d}D": Kind(window, fixed={"pool_mode": "max"}, ranks=(d + 2,)),
        f"AveragePooling{d}D": Kind(window, fixed={"pool_mode": "average"}, ranks=(d + 2,)),
        f"GlobalMaxPooling{d}D": Kind(whole, ranks=(d + 2,), settles=True),
        f"GlobalAveragePooling{d}D": Kind(whole, arguments=masked, ranks=(d + 2,), settles=True),
    }


def _rows(value: Any) -> int:
    return 0 if type(value) is int and value == 0 else count(value)


def _edges(pairs: Any) -> Sequence[tuple[int, int]]:
    """What is added or taken before and after along each dimension; a row has one pair."""
    return pairs if isinstance(pairs[0], tuple) else (pairs,)


def _padded(settings: Any, shapes: Sequence[Shape]) -> Shape:
    batch, *sizes, channels = shapes[0]
    made = [size + sum(pair) for size, pair in zip(sizes, _edges(settings.padding), strict=True)]
    return (batch, *made, channels)


def _cropped(settings: Any, shapes: Sequence[Shape]) -> Shape:
    batch, *sizes, channels = shapes[0]
    left = [size - sum(pair) for size, pair in zip(sizes, _edges(settings.cropping), strict=True)]
    known(min(left) > 0, "nothing left")
    return (batch, *left, channels)


def _enlarged(settings: Any, shapes: Sequence[Shape]) -> Shape:
    batch, *sizes, channels = shapes[0]
    times = settings.size if isinstance(settings.size, tuple) else (settings.size,)
    return (batch, *(size * each for size, each in zip(sizes, times, strict=True)), channels)


def _edges_and_sizes(d: int) -> dict[str, Kind]:
    pair = several(_rows, 2)
    pairs = pair if d == 1 else several(pair, d)
    layout = {} if d == 1 else CHANNELS_LAST
    sizes = count if d == 1 else several(count, d)
    between = {"interpolation": only("nearest", "bilinear")} if d == 2 else {}
    dropped = {"rate": rate, "seed": seed, **layout}
    return {
        f"ZeroPadding{d}D": Kind({"padding": pairs, **CHANNELS_LAST}, _padded, ranks=(d + 2,)),
        f"Cropping{d}D": Kind({"cropping": pairs, **layout}, _cropped, ranks=(d + 2,)),
        f"UpSampling{d}D": Kind({"size": sizes, **layout, **between}, _enlarged, ranks=(d + 2,)),
        f"SpatialDropout{d}D": Kind(dropped, same, arguments=("training",), ranks=(d + 2,)),
    }


KINDS: Mapping[str, Kind] = {
    name: kind
    for d in (1, 2, 3)
    for made in (_convolutions, _pools, _edges_and_sizes)
    for name, kind in made(d).items()
}
