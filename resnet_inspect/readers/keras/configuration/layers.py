"""The layers whose configuration is known, by Keras' names of their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from ....ir import Shape
from . import attention, augmentation, images, recurrent
from .kind import (
    ACTIVITY,
    CHANNELS_LAST,
    INITIALIZER,
    UNQUANTISED,
    Kind,
    Weight,
    bias,
    broadcast,
    last_or_count,
    same,
    variables,
)
from .settings import (
    activation,
    count,
    flag,
    known,
    limit,
    nothing,
    number,
    only,
    optional,
    positive,
    rate,
    seed,
    several,
    to_one,
    whole_or_not,
)


def _reshaped(settings: Any, shapes: Sequence[Shape]) -> Shape:
    batch, *sizes = shapes[0]
    target, total = settings.target_shape, prod(sizes)
    rest = prod(size for size in target if size != -1)
    known(rest == total if -1 not in target else target.count(-1) == 1 and total % rest == 0, "a reshape")
    return (batch, *(total // rest if size == -1 else size for size in target))


def _permuted(settings: Any, shapes: Sequence[Shape]) -> Shape:
    known(sorted(settings.dims) == list(range(1, len(shapes[0]))), "other dimensions")
    return (shapes[0][0], *(shapes[0][axis] for axis in settings.dims))


def _repeated(settings: Any, shapes: Sequence[Shape]) -> Shape:
    return (shapes[0][0], settings.n, shapes[0][1])


def _concatenated(settings: Any, shapes: Sequence[Shape]) -> Shape:
    rank = len(shapes[0])
    known(settings.axis < rank, "an axis")
    axis = settings.axis % rank
    known(len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) == 1, "different shapes")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _check_last(axis: int, shape: Shape) -> None:
    known(axis in (-1, len(shape) - 1), "channels that don't come last")


def _scale_and_center(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    wanted = (("gamma", settings.scale), ("beta", settings.center))
    return [Weight(name, shapes[0][-1:]) for name, is_there in wanted if is_there]


def _batch_norm_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    _check_last(settings.axis, shapes[0])
    statistics = [Weight(f"moving_{name}", shapes[0][-1:], trained=False) for name in ("mean", "variance")]
    return [*_scale_and_center(settings, shapes), *statistics]


def _group_norm_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    known(shapes[0][-1] % settings.groups == 0, "groups that don't divide the channels")
    return _scale_and_center(settings, shapes)


def _normalization_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    """What the layer learns of its data, unless it was told."""
    _check_last(settings.axis[0], shapes[0])
    known((settings.mean is None) == (settings.variance is None), "one of the statistics")
    if settings.mean is not None:
        known(len(settings.mean) == len(settings.variance) == shapes[0][-1], "statistics of other channels")
        return []
    learnt = [Weight(name, shapes[0][-1:], trained=False) for name in ("mean", "variance")]
    return [*learnt, Weight("count", (), trained=False, dtype="int64")]


def _alpha(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    sizes = list(shapes[0][1:])
    for axis in settings.shared_axes or ():
        known(axis <= len(sizes), "an axis")
        sizes[axis - 1] = 1
    return [Weight("alpha", tuple(sizes))]


def _dense_weights(settings: Any, shapes: Sequence[Shape]) -> list[Weight]:
    return [Weight("kernel", (shapes[0][-1], settings.units)), *bias(settings, settings.units)]


def _embedding_weights(settings: Any, _shapes: Sequence[Shape]) -> list[Weight]:
    return [Weight("embeddings", (settings.input_dim, settings.output_dim))]


def _embedded(settings: Any, shapes: Sequence[Shape]) -> Shape:
    return (*shapes[0], settings.output_dim)


#: From (batch, features) to volumes.
_RANKS = (2, 3, 4, 5)
_TRAINING = ("training",)
_BOTH = ("training", "mask")
_NORM = {"epsilon": positive, "center": flag, "scale": flag, **variables("gamma", "beta")}
_STATISTICS = {"moving_mean_initializer": INITIALIZER, "moving_variance_initializer": INITIALIZER}
_BATCH_NORM = {**_NORM, **_STATISTICS, "axis": last_or_count, "momentum": rate}
_BATCH_RENORM = {
    **dict.fromkeys(("synchronized", "renorm"), only(False)),
    "renorm_clipping": nothing,
    "renorm_momentum": number,
}
_LAYER_NORM = {**_NORM, "axis": several(only(-1), 1), "rms_scaling": only(False)}
_STORED_STATISTICS = dict.fromkeys(("mean", "variance"), optional(several(number)))
_NOISE = {"rate": rate, "seed": seed}
_DENSE = {"units": count, "activation": activation, "use_bias": flag, **variables("kernel", "bias")}
_WORDS = {"input_dim": count, "output_dim": count, "mask_zero": flag, **variables("embeddings")}
_LIMITS = {"max_value": optional(limit), "negative_slope": limit, "threshold": limit}

KINDS: Mapping[str, Kind] = {
    **attention.KINDS,
    **augmentation.KINDS,
    **images.KINDS,
    **recurrent.KINDS,
    "Activation": Kind({"activation": activation}, same),
    "ReLU": Kind(_LIMITS),
    "LeakyReLU": Kind({"negative_slope": positive}, same),
    "ELU": Kind({"alpha": number}, same),
    "PReLU": Kind({**variables("alpha"), "shared_axes": optional(several(count))}, same, _alpha, free=False),
    "Softmax": Kind({"axis": only(-1)}, arguments=("mask",)),
    "Identity": Kind({}, same),
    "Rescaling": Kind({"scale": whole_or_not, "offset": whole_or_not}, same),
    "Dropout": Kind({**_NOISE, "noise_shape": optional(several(optional(only(1))))}, same, arguments=_TRAINING),
    "GaussianDropout": Kind(_NOISE, same, arguments=_TRAINING),
    "GaussianNoise": Kind({"stddev": to_one, "seed": seed}, same, arguments=_TRAINING),
    "Flatten": Kind(CHANNELS_LAST, ranks=_RANKS, free=False),
    "Reshape": Kind({"target_shape": several(last_or_count)}, _reshaped, free=False),
    "Permute": Kind({"dims": several(count)}, _permuted, free=False),
    "RepeatVector": Kind({"n": count}, _repeated, ranks=(2,), free=False),
    "Add": Kind(output=same, inputs=0, ranks=_RANKS),
    **dict.fromkeys(("Average", "Maximum", "Minimum", "Multiply"), Kind(output=broadcast, inputs=0, ranks=_RANKS)),
    "Subtract": Kind(output=broadcast, inputs=2, ranks=_RANKS),
    "Concatenate": Kind({"axis": last_or_count}, _concatenated, inputs=0, ranks=_RANKS),
    "BatchNormalization": Kind(
        _BATCH_NORM, weights=_batch_norm_weights, missing=_BATCH_RENORM, arguments=_BOTH, ranks=_RANKS
    ),
    "LayerNormalization": Kind(_LAYER_NORM, same, _scale_and_center, ranks=_RANKS),
    "GroupNormalization": Kind(
        {**_NORM, "axis": only(-1), "groups": count}, same, _group_norm_weights, ranks=(3, 4, 5), free=False
    ),
    "Normalization": Kind(
        {"axis": several(last_or_count, 1), "invert": flag, **_STORED_STATISTICS}, same, _normalization_weights
    ),
    "Dense": Kind(_DENSE, weights=_dense_weights, missing={**UNQUANTISED, **ACTIVITY}, ranks=_RANKS),
    "Masking": Kind({"mask_value": number}, same, ranks=(3,)),
    "Embedding": Kind(
        _WORDS, _embedded, _embedding_weights, {**UNQUANTISED, **ACTIVITY}, dtypes=("float32", "int32", "int64")
    ),
}
