"""The sizes of what TensorFlow's operations give, from those of what they read, where the file leaves some open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, prod

from ... import ops
from ...errors import InputError
from ...ir import DTYPE_BITS, Shape, Tensor, Value
from .calls import Call, UnknownError
from .nodes import RANK, Dims
from .operators import BROADCASTING, CONVOLUTIONS, LIKE_FIRST, PADS, POOLS, PRODUCTS, RESIZES, TRANSPOSED

#: A size that TensorFlow has a number for.
_MOST = 2**63 - 1


def shapes_of(call: Call, op: str, attributes: Mapping[str, Value], layout: str | None) -> list[Shape | None]:
    """The sizes of each output; None where neither the file nor what is read tells them.

    ``layout`` is how an operation on images takes them.
    """
    dims = [value.dims for value in call.operation.gives]
    if all(given is not None and -1 not in given for given in dims):
        return list(dims)
    try:
        found = _worked_out(call, op, attributes, layout)
    except (InputError, KeyError, TypeError, UnknownError, ValueError):
        found = []  # something isn't known, or is read in a way that no rule here knows
    worked_out = [*found, *[None] * (len(dims) - len(found))]
    return [
        given if given is not None and -1 not in given else _agreed(shape, given)
        for shape, given in zip(worked_out, dims, strict=False)
    ]


def _agreed(shape: Shape | None, dims: Dims) -> Shape | None:
    """A shape that was worked out, if it is none that the file contradicts."""
    if shape is None or min(shape, default=0) < 0 or max(shape, default=0) > _MOST or len(shape) > RANK:
        return None
    fits = dims is None or (
        len(shape) == len(dims) and all(own in (-1, size) for own, size in zip(dims, shape, strict=True))
    )
    return shape if fits else None


def _worked_out(call: Call, op: str, attributes: Mapping[str, Value], layout: str | None) -> Sequence[Shape | None]:
    kind = call.kind
    if kind in CONVOLUTIONS or kind in POOLS:
        image = Tensor(call.shape(0), "", layout)
        return [ops.apply(op, attributes, [image]).output.shape]
    if kind == "Einsum":
        return [ops.apply(op, attributes, [Tensor(shape, "") for shape in call.shapes()]).output.shape]
    if kind in PRODUCTS:
        return [ops.apply("matmul", {}, turned(call)).output.shape]
    if kind in TRANSPOSED:
        return [call.whole(0) or None]
    if kind in LIKE_FIRST:
        return [call.shape(0)]
    if kind in BROADCASTING:
        return [_broadcast(call.shapes())]
    return _SHAPES[kind](call)


def item_of(call: Call) -> Shape | None:
    """The sizes of each tensor in the list that an operation gives, where it gives one and they are known."""
    try:
        if call.kind == "TensorListFromTensor":
            return call.shape(0)[1:]
        return call.shape(2) if call.kind == "TensorListSetItem" else None
    except UnknownError:
        return None


def turned(call: Call) -> list[Tensor]:
    """The two factors of a product as they are multiplied: some are written the other way round.

    Raises:
        UnknownError: the sizes of one aren't known.
    """
    result = []
    for place, names in enumerate((("transpose_a", "adj_x"), ("transpose_b", "adj_y"))):
        shape = call.shape(place)
        if any(call.flag(name) for name in names):
            shape = (*shape[:-2], shape[-1], shape[-2])
        result.append(Tensor(shape, ""))
    return result


def _broadcast(shapes: Sequence[Shape]) -> Shape | None:
    rank = max(map(len, shapes), default=0)
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [{size for size in column if size != 1} or {1} for column in zip(*full, strict=True)]
    return tuple(next(iter(found)) for found in sizes) if all(len(found) == 1 for found in sizes) else None


def _completed(dims: Dims, elements: int) -> Shape | None:
    """Sizes of which one may be open, for so many elements."""
    if dims is None or dims.count(-1) != 1:
        return dims if dims is not None and prod(dims) == elements and -1 not in dims else None
    others = prod(size for size in dims if size >= 0)
    if not others or elements % others:
        return None
    return tuple(elements // others if size < 0 else size for size in dims)


def _reshaped(call: Call) -> list[Shape | None]:
    elements = prod(call.shape(0))
    found = _completed(call.operation.gives[0].dims, elements)
    return [found if found is not None else _completed(call.whole(1), elements)]


def _expanded(call: Call) -> list[Shape]:
    shape, (axis,) = call.shape(0), call.whole(1)
    place = axis % (len(shape) + 1)
    return [(*shape[:place], 1, *shape[place:])]


def _squeezed(call: Call) -> list[Shape]:
    shape = call.shape(0)
    axes = {axis % len(shape) for axis in call.integers("squeeze_dims")}
    return [tuple(size for place, size in enumerate(shape) if (place not in axes if axes else size != 1))]


def _reduced(call: Call) -> list[Shape]:
    shape = call.shape(0)
    gone = {axis % len(shape) for axis in call.whole(1)}
    keeps = call.flag("keep_dims")
    return [tuple(1 if i in gone else size for i, size in enumerate(shape) if keeps or i not in gone)]


def _largest(call: Call) -> list[Shape]:
    shape, (axis,) = call.shape(0), call.whole(1)
    place = axis % len(shape)
    return [shape[:place] + shape[place + 1 :]]


def _gathered(call: Call) -> list[Shape]:
    table, places = call.shape(0), call.shape(1)
    axis = call.whole(2)[0] if call.kind == "GatherV2" else 0
    if call.integer("batch_dims"):
        raise ValueError("what is taken differs from item to item")
    axis %= len(table)
    return [(*table[:axis], *places, *table[axis + 1 :])]


def _sliced(call: Call) -> list[Shape | None]:
    """What a StridedSlice takes; where its numbers aren't known, ``x[:, ...]`` keeps the batch."""
    shape = call.shape(0)
    try:
        index = call.index(len(shape))
    except UnknownError:
        dims = call.operation.gives[0].dims
        keeps = call.integer("begin_mask") & call.integer("end_mask") & 1
        return [(shape[0], *dims[1:]) if keeps and dims else None]
    made: list[int] = []
    sizes = iter(shape)
    for item in index:
        if item is None:
            made.append(1)
        elif isinstance(item, slice):
            made.append(len(range(next(sizes))[item]))
        else:
            next(sizes)
    return [tuple(made)]


def _part(call: Call) -> list[Shape]:
    sizes = zip(call.shape(0), call.whole(1), call.whole(2), strict=True)
    return [tuple(size - begin if count < 0 else count for size, begin, count in sizes)]


def _joined(call: Call) -> list[Shape]:
    shapes, (axis,) = [list(shape) for shape in call.shapes()[:-1]], call.whole(-1)
    shapes[0][axis] = sum(shape[axis] for shape in shapes)
    return [tuple(shapes[0])]


def _stacked(call: Call) -> list[Shape]:
    shape, axis = call.shape(0), call.integer("axis")
    place = axis % (len(shape) + 1)
    return [(*shape[:place], len(call.reads), *shape[place:])]


def _unstacked(call: Call) -> list[Shape]:
    shape, axis = call.shape(0), call.integer("axis")
    place = axis % len(shape)
    return [shape[:place] + shape[place + 1 :]] * len(call.operation.gives)


def _split(call: Call) -> list[Shape]:
    """In equal parts (``Split`` has the axis first), or in parts of the sizes that are read."""
    count = len(call.operation.gives)
    position, axis = (1, call.whole(0)[0]) if call.kind == "Split" else (0, call.whole(2)[0])
    shape = call.shape(position)
    place = axis % len(shape)
    sizes = [shape[place] // count] * count if call.kind == "Split" else list(call.whole(1))
    sizes = [size if size >= 0 else shape[place] - sum(size for size in sizes if size >= 0) for size in sizes]
    return [(*shape[:place], size, *shape[place + 1 :]) for size in sizes]


def _padded(call: Call) -> list[Shape]:
    pads = call.whole(1)
    return [tuple(size + sum(pads[2 * i : 2 * i + 2]) for i, size in enumerate(call.shape(0)))]


def _resized(call: Call) -> list[Shape]:
    batch, _, _, channels = call.shape(0)
    return [(batch, *call.whole(1), channels)]


def _to_batch(call: Call) -> list[Shape]:
    """Every n-th row and column as an image of its own; they join the batch."""
    batch, *rest = call.shape(0)
    block, pads = call.whole(1), call.whole(2)
    sizes = [(rest[i] + pads[2 * i] + pads[2 * i + 1]) // step for i, step in enumerate(block)]
    return [(batch * prod(block), *sizes, *rest[len(block) :])]


def _from_batch(call: Call) -> list[Shape]:
    batch, *rest = call.shape(0)
    block, crops = call.whole(1), call.whole(2)
    sizes = [rest[i] * step - crops[2 * i] - crops[2 * i + 1] for i, step in enumerate(block)]
    return [(batch // prod(block), *sizes, *rest[len(block) :])]


def _per_item(call: Call) -> list[Shape | None]:
    """What changes each item of a batch by itself: where the batch alone is open, the file says the rest."""
    dims = call.operation.gives[0].dims
    return [(call.shape(0)[0], *dims[1:]) if dims else None]


def _one_hot(call: Call) -> list[Shape]:
    shape, (depth,), axis = call.shape(0), call.whole(1), call.integer("axis", -1)
    place = axis % (len(shape) + 1)
    return [(*shape[:place], depth, *shape[place:])]


def _range(call: Call) -> list[Shape]:
    start, limit, step = (call.array(place).item() for place in (0, 1, 2))
    return [(max(ceil((limit - start) / step), 0),)]


def _same_bits(call: Call) -> list[Shape | None]:
    tensor, made = call.tensor(0), call.operation.gives[0].dtype
    same = tensor is not None and DTYPE_BITS.get(tensor.dtype) == DTYPE_BITS.get(made, 0)
    return [call.shape(0) if same else None]


_SHAPES: Mapping[str, Callable[[Call], Sequence[Shape | None]]] = {
    **dict.fromkeys(("All", "Any", "Max", "Mean", "Min", "Prod", "Sum"), _reduced),
    **dict.fromkeys(("ArgMax", "ArgMin"), _largest),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), _per_item),
    **dict.fromkeys(("GatherV2", "ResourceGather"), _gathered),
    **dict.fromkeys(("Split", "SplitV"), _split),
    **dict.fromkeys(PADS, _padded),
    **dict.fromkeys(RESIZES, _resized),
    "BatchToSpaceND": _from_batch,
    "Bitcast": _same_bits,
    "BroadcastTo": lambda call: [call.whole(1)],
    "ConcatV2": _joined,
    "ExpandDims": _expanded,
    "Fill": lambda call: [call.whole(0)],
    "OneHot": _one_hot,
    "Pack": _stacked,
    "Range": _range,
    "Reshape": _reshaped,
    "Slice": _part,
    "SpaceToBatchND": _to_batch,
    "Squeeze": _squeezed,
    "StridedSlice": _sliced,
    "TensorListGetItem": lambda call: [call.item(0)],
    "TensorListStack": lambda call: [(call.integer("num_elements", -1), *call.item(0))],
    "Tile": lambda call: [tuple(size * count for size, count in zip(call.shape(0), call.whole(1), strict=True))],
    "Transpose": lambda call: [tuple(call.shape(0)[place] for place in call.whole(1))],
    "Unpack": _unstacked,
}
