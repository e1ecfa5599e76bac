"""Memory of a run, from the life of every output in this execution order; all in bytes.

Not included: what a kernel allocates for itself and frees before it returns (workspaces of convolutions, the insides of
fused attention), the allocator's rounding, and the framework's own megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from ..ir import Layer, Shape, Summary, Tensor, sum_known
from ..ops import composed, vocabulary

#: How the types of elements begin that have no gradient.
_NOT_REAL = ("int", "uint", "bool", "string")


def live_bytes(summary: Summary) -> dict[str, int | None]:
    """What is alive while each layer runs, its own output among it. The network's inputs stay, their caller has them.

    An output lives until its last reader has run, and what a module was called with until the module returns.
    """
    layers = summary.layers
    owners = owners_of(layers)
    ends = ends_of(layers, owners)
    # What views a weight has no layer to share with, and takes nothing all the same.
    sizes = {layer.id: 0 if layer.view else _size(layer) for layer in layers if owners[layer.id] == layer.id}
    leaving: dict[int, list[str]] = {}
    for owner, end in ends.items():
        leaving.setdefault(end, []).append(owner)
    live: int | None = 0
    result: dict[str, int | None] = {}
    for index, layer in enumerate(layers):
        live = sum_known((live, sizes.get(layer.id, 0)))
        result[layer.id] = sum_known((live, _indices(layer, summary.model.backend)))
        if live is not None:
            live -= sum(sizes[owner] or 0 for owner in leaving.get(index, ()))
    return result


def alive(summary: Summary, at: int) -> dict[str, int | None]:
    """The bytes of the outputs that are alive while the layer at this position runs, None where they aren't known.

    They are named by the layer in whose memory they stand.
    """
    owners = owners_of(summary.layers)
    ends = ends_of(summary.layers, owners)
    kept = [layer for layer in summary.layers[: at + 1] if owners[layer.id] == layer.id and ends[layer.id] >= at]
    return {layer.id: _size(layer) for layer in kept if not layer.view}


def inference_peak(summary: Summary) -> int | None:
    """The most bytes of inputs and outputs that are alive at once in inference."""
    sizes = live_bytes(summary).values()
    return None if None in sizes else max((size for size in sizes if size is not None), default=0)


def saved_bytes(summary: Summary) -> dict[str, int | None]:
    """What each layer adds to the tensors that training keeps for the backward pass; a shared one counts once."""
    by_id = {layer.id: layer for layer in summary.layers}
    owners = owners_of(summary.layers, training=True)
    kept: set[str] = set()
    result: dict[str, int | None] = {}
    for layer in summary.layers:
        if layer.called and is_of_many_steps(layer):
            result[layer.id] = None
            continue
        sources: Iterable[str] = ()
        saves = saves_of(layer)
        if layer.op in ("mul", "div") and len(layer.inputs) == 1 and not (layer.parameters or layer.shared):
            pass  # by a number, which nobody has to keep
        elif saves in ("inputs", "both"):
            sources = (*layer.inputs, layer.id) if saves == "both" else layer.inputs
        elif saves == "mask":
            sources = [i for i in layer.inputs if i in by_id and is_mask(by_id[i].output_tensors)]
        elif saves == "output":
            sources = (layer.id,)
        new = list(dict.fromkeys(owners[source] for source in sources if owners[source] not in kept))
        kept.update(new)
        result[layer.id] = sum_known(
            (*(_size(by_id[owner]) for owner in new), kept_besides(layer, summary.model.backend))
        )
    return result


def is_of_many_steps(layer: Layer) -> bool:
    """Whether a layer is made of several operations, each of which keeps what no word tells, and gives real numbers."""
    is_unknown = vocabulary.of(layer.op).besides == "unknown" and not composed.parts(layer)
    return is_unknown and any(not t.dtype.startswith(_NOT_REAL) for t in layer.output_tensors)


def is_mask(tensors: Iterable[Tensor]) -> bool:
    """Whether tensors have elements of a type that has no gradient."""
    return all(tensor.dtype.startswith(_NOT_REAL) for tensor in tensors)


def saves_of(layer: Layer) -> str | None:
    """As the vocabulary says of the word, but for what depends on more than that."""
    op = vocabulary.of(layer.op)
    if layer.op == "other":
        return composed.input_saved(layer)
    if layer.op == "pad" and layer.attribute("mode") not in (None, "constant"):
        return "inputs"
    if op.family == "adaptive pool" and "avg" in layer.op and all(_is_pixel(t) for t in layer.output_tensors):
        return None  # torch takes the mean, which needs nothing
    if op.family == "attention" and (layer.parameters or layer.shared):
        return "inputs"  # its result is projected once more
    return op.saves


def _is_pixel(tensor: Tensor) -> bool:
    return set(tensor.shape[2:]) == {1}


def _size(layer: Layer) -> int | None:
    return sum_known(tensor.bytes for tensor in layer.output_tensors)


def owners_of(layers: Iterable[Layer], training: bool = False) -> dict[str, str]:
    """The layer in whose memory each layer's output stands: its own, or that of what it views or overwrites."""
    owners: dict[str, str] = {}
    for layer in layers:
        shares = layer.view
        if training and vocabulary.of(layer.op).view == "inference":
            shares = layer.attribute("inplace") is True
        owners[layer.id] = owners[layer.inputs[0]] if shares and layer.inputs else layer.id
    return owners


@dataclass(slots=True)
class _Call:
    """A running module: which layer came first, and what it was called with."""

    name: str
    start: int
    given: set[str] = field(default_factory=set)


def ends_of(layers: Sequence[Layer], owners: dict[str, str]) -> dict[str, int]:
    """The index of the last layer during which each owner's memory is needed."""
    place = {layer.id: index for index, layer in enumerate(layers)}
    ends = {owner: place[owner] for owner in owners.values()}
    running: list[_Call] = []

    def leave(depth: int, end: int) -> None:
        while len(running) > depth:
            for owner in running.pop().given:
                ends[owner] = max(ends[owner], end)

    for index, layer in enumerate(layers):
        names = layer.path.split(".")[:-1]
        same = next((d for d, call in enumerate(running) if names[d : d + 1] != [call.name]), len(running))
        leave(same, index - 1)
        running += [_Call(name, index) for name in names[len(running) :]]
        ends[owners[layer.id]] = max(ends[owners[layer.id]], index)
        for source in layer.inputs:
            ends[owners[source]] = max(ends[owners[source]], index)
            outermost = next((call for call in running if call.start > place[source]), None)
            if outermost is not None:
                outermost.given.add(owners[source])
    leave(0, len(layers) - 1)
    for layer in layers:
        if layer.op == "input":
            ends[layer.id] = len(layers) - 1
    return ends


def _indices(layer: Layer, backend: str) -> int:
    """torch's max pooling computes the place of every maximum (int64), wanted or not; TensorFlow's and Keras' don't."""
    is_max = vocabulary.of(layer.op).besides == "places"
    is_torch = is_max and not layer.type.startswith("MaxPooling") and backend != "tensorflow"
    return 8 * sum(tensor.size for tensor in layer.output_tensors) if is_torch else 0


def kept_besides(layer: Layer, backend: str) -> int | None:
    if composed.parts(layer):
        return _parts(layer)
    rule = _BESIDES.get(vocabulary.of(layer.op).besides or "")
    if rule is not None:
        return rule(layer)
    if layer.attribute("inplace") is True and vocabulary.of(layer.op).copies:
        return _size(layer)
    return _indices(layer, backend)


def _parts(layer: Layer) -> int | None:
    """The results inside of a layer that is made of several operators."""
    tensors = layer.output_tensors
    sizes = []
    for part in composed.kept(layer):
        count = _positions(layer) if part.reduces else sum(tensor.size for tensor in tensors)
        sizes += [Tensor((count,), part.dtype or tensor.dtype).bytes for tensor in tensors[:1]]
    return sum_known(sizes)


def _batch_norm(layer: Layer) -> int:
    """The batch's mean and deviation, a number a channel."""
    channels = layer.attribute("channels")
    if isinstance(channels, int):
        return 2 * 4 * channels
    return sum(p.size * 4 for p in layer.parameters if p.role == "statistics")


def _positions(layer: Layer) -> int:
    """How many sets of numbers a layer normalises by themselves: sets of the size that it says, or the last dimension.

    That size need not come last: torchvision's LayerNorm2d normalises the channels of (N, C, H, W).
    """
    shape = layer.attribute("normalized_shape")
    if not isinstance(shape, tuple):
        return sum(prod(tensor.shape[:-1]) for tensor in layer.output_tensors if tensor.shape and tensor.size)
    size = max(prod(length for length in shape if isinstance(length, int)), 1)
    return sum(tensor.size // size for tensor in layer.output_tensors)


def _group_norm(layer: Layer) -> int:
    """Mean and deviation of every group of every image; of an instance norm each channel is a group."""
    groups = layer.attribute("num_groups") or layer.attribute("groups")
    return sum(
        2 * 4 * tensor.shape[0] * (groups if isinstance(groups, int) else tensor.shape[1])
        for tensor in layer.output_tensors
        if len(tensor.shape) > 1
    )


def _rms_norm(layer: Layer) -> int | None:
    """The deviation of every position and, where that is scaled by a weight, the result before."""
    size = _size(layer) if layer.parameters or layer.shared else 0
    return None if size is None else 4 * _positions(layer) + size


def _dropout(layer: Layer) -> int | None:
    """What the output is multiplied by: a number for each element, channel or image, as wide as the output's."""
    if not layer.attribute("p"):
        return 0
    return sum_known(
        Tensor(_mask(layer, tensor.shape, tensor.layout), tensor.dtype).bytes for tensor in layer.output_tensors
    )


def _mask(layer: Layer, shape: Shape, layout: str | None) -> Shape:
    """The sizes of a dropout's mask, which is broadcast to ``shape``."""
    asked = layer.attribute("noise_shape")  # Keras' setting, with None for a size that is the output's
    if isinstance(asked, tuple) and len(asked) == len(shape):
        return tuple(size if isinstance(size, int) else full for size, full in zip(asked, shape, strict=True))
    kind = vocabulary.of(layer.op).besides
    if kind == "mask":
        return shape
    if kind == "image mask":
        return shape[:1] if layer.attribute("mode") == "row" else ()
    is_last = (layout is not None and layout.endswith("C")) or layer.type == "SpatialDropout1D"
    return (*shape[:1], *shape[-1:]) if is_last else shape[:2]


def _attention(layer: Layer) -> int | None:
    """With weights: query, key, value and the result, each as wide as the output. Else a number for each query."""
    if layer.parameters or layer.shared:
        size = _size(layer)
        return None if size is None else 4 * size
    return sum(4 * prod(tensor.shape[:-1]) for tensor in layer.output_tensors)


#: What ``besides`` says -> its bytes.
_BESIDES: dict[str, Callable[[Layer], int | None]] = {
    "queries": _attention,
    "channels": _batch_norm,
    **dict.fromkeys(("mask", "channel mask", "image mask"), _dropout),
    "limits": lambda layer: sum(tensor.size for tensor in layer.output_tensors),  # what wasn't cut off
    "groups": _group_norm,
    "positions": lambda layer: 2 * 4 * _positions(layer),  # mean and deviation
    "deviations": _rms_norm,
}
