"""The form of a residual block, and what keeps it from the identity."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..ir import Layer, Value
from ..ops import vocabulary

FORMS = ("basic", "bottleneck", "pre-activation", "inverted bottleneck", "transformer", "other")


def shortcut_kind(shortcut: Sequence[Layer]) -> str | None:
    """``identity``, ``projection`` (one linear map, normalised or not) or ``other``; None if it does more."""
    weighted = [layer for layer in shortcut if is_weighted(layer)]
    rest = [layer for layer in shortcut if not is_weighted(layer) and not _is_neutral(layer)]
    gentle = all(vocabulary.of(layer.op).shortcut == "gentle" or _is_affine(layer) for layer in rest)
    if len(weighted) > 1 or not gentle or any(map(_has_activation, weighted)):
        return None
    return "projection" if weighted else "other" if rest else "identity"


def behind(layer: Layer, forks: Collection[str]) -> bool:
    """Whether a reader of the addition is on the identity's path: an activation, or a norm that a block starts from."""
    op = vocabulary.of(layer.op)
    pointwise = op.family == "activation" and op.reads == "position"
    return pointwise or (_is_norm(layer) and layer.id in forks)


def form(branch: Sequence[Layer], channels: tuple[int, int], after: Sequence[Layer]) -> str:
    """One of ``FORMS``, from the branch, the channels in and out and what comes ``after`` the addition."""
    weighted = [layer for layer in branch if is_weighted(layer)]
    convs = [layer for layer in weighted if layer.op.startswith("conv")]
    if any(vocabulary.of(layer.op).family == "attention" or layer.op == "softmax" for layer in branch):
        return "transformer"
    if not convs:
        normed = any(vocabulary.of(layer.op).reads == "channels" for layer in branch)
        return "transformer" if normed and len(weighted) == 2 else "other"
    # Squeeze-and-excitation works on images of one pixel: it stands beside the branch, not in it.
    trunk = [layer for layer in weighted if sum(t.size for t in layer.output_tensors[:1]) > channels_of(layer)]
    widths = [channels_of(layer) for layer in trunk]
    pointwise = any(set(_kernel(layer)) == {1} for layer in trunk)
    if pointwise and len(trunk) > 1 and max(widths[:-1]) > max(channels):
        return "inverted bottleneck"
    # Behind its last convolution, a branch may still be scaled or dropped.
    bare = [layer for layer in branch if not (_is_neutral(layer) or _is_dropout(layer) or layer.op == "mul")]
    if bare[-1] is weighted[-1] and not after and any(map(_is_norm, branch)):
        return "other" if any(layer.op == "concat" for layer in branch) else "pre-activation"
    kernels = [_kernel(layer) for layer in trunk]
    square = [kernel for kernel in kernels if set(kernel) != {1}]
    if len(trunk) == 3 and len(square) == 1 and kernels[1] == square[0]:
        return "bottleneck"
    return "basic" if len(trunk) == len(square) == 2 and len(branch) > 2 else "other"


def breaks(shortcut: Sequence[Layer], kind: str, after: Sequence[Layer]) -> tuple[str, ...]:
    """What stands in the identity's way: on the shortcut, or ``after`` the addition (He et al. 2016, sections 3, 4)."""
    found = ["projection on the shortcut"] if kind == "projection" else []
    for layer in shortcut:
        is_part = kind == "projection" and (_is_norm(layer) or _is_affine(layer))
        if not is_weighted(layer) and not _is_neutral(layer) and not is_part:
            kinds = {"scaling": layer.op == "mul", "padding": "pad" in layer.op, "dropout": _is_dropout(layer)}
            word = next((kind for kind, fits in kinds.items() if fits), layer.op)
            found.append(f"{word} on the shortcut")
    return tuple(dict.fromkeys([*found, *(f"{layer.op} after the addition" for layer in after)]))


def weighted_depth(layer: Layer) -> int:
    """How many of the layers that a network's depth counts (He et al. 2015, table 1) follow one another in a row.

    An attention with weights projects what it reads and what it gives; without them, others do both.
    """
    op = vocabulary.of(layer.op)
    if op.family == "attention":
        return 2 * any(len(p.shape) > 1 for p in layer.parameters) or 2 * bool(layer.shared)
    return int(op.depth)


def is_weighted(layer: Layer) -> bool:
    """Whether a network's depth counts a layer."""
    return weighted_depth(layer) > 0


def _is_neutral(layer: Layer) -> bool:
    return vocabulary.of(layer.op).shortcut == "neutral"


def _is_dropout(layer: Layer) -> bool:
    return vocabulary.of(layer.op).family == "dropout"


def _is_norm(layer: Layer) -> bool:
    return vocabulary.of(layer.op).family == "norm"


def _is_affine(layer: Layer) -> bool:
    """Whether a layer scales or shifts by parameters, as files write a norm of known statistics or a bias."""
    return layer.op in ("add", "mul") and len(layer.inputs) == 1 and bool(layer.parameters or layer.shared)


def _kernel(layer: Layer) -> tuple[Value, ...]:
    """The window's sizes; a layer without one works on each position."""
    value = layer.attribute("kernel_size")
    return value if isinstance(value, tuple) else (1,)


def channels_of(layer: Layer) -> int:
    """Channels that a layer gives; where no layout says which they are, the last dimension's.

    A scalar has one, and a layer that gives nothing has none.
    """
    if not layer.output_tensors:
        return 0
    tensor = layer.output_tensors[0]
    if not tensor.shape:
        return 1
    place = (tensor.layout or "").find("C")
    return tensor.shape[place if place < len(tensor.shape) else -1]


def _has_activation(layer: Layer) -> bool:
    return layer.attribute("activation") not in (None, "linear")
