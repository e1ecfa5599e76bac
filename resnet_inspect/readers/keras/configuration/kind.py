"""What is known of a class of layers: its settings, its weights in Keras' order, what it makes of shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ....ir import Shape, Tensor
from .settings import Check, count, known, nothing, object_of, only, optional


class Weight(NamedTuple):
    """A variable of a layer, by the name that it has in the layer; one that isn't ``trained`` keeps statistics."""

    name: str
    shape: Shape
    trained: bool = True
    dtype: str = "float32"


#: What makes a shape, or weights, of a layer's settings and of the shapes that it reads.
Output = Callable[[Any, Sequence[Shape]], Shape]
Weights = Callable[[Any, Sequence[Shape]], list[Weight]]
#: What makes multiply-adds of a layer's settings and of what it reads.
Macs = Callable[[Any, Sequence[Tensor]], int]


def without_weights(_settings: Any, _shapes: Sequence[Shape]) -> list[Weight]:
    """What most layers hold."""
    return []


class Kind(NamedTuple):
    """A class of layers.

    ``settings`` is all that its configuration has beside its name, its element type and whether it is trained, but for
    ``missing``, which older files may lack. ``output`` is None where a rule of ``ops`` gives the result. ``fixed`` are
    attributes that Keras' layer has by its class, ``arguments`` what its calls may have beside tensors: none of it true
    but for ``flags``, which change nothing in a summary. It reads so many ``inputs`` (0: two and more), of these
    ``ranks`` (none: of any) and element types; where Keras tells these apart, ``tensors`` are the names of what it
    reads, and the last may be missing. One that is ``free`` can be built where sizes, but for the last, are open, and
    one that ``settles`` gives no open sizes then. ``macs`` counts what no rule of ``ops`` does; without both, a layer
    costs nothing. ``type`` is its class, if a file has another name for it.
    """

    settings: Mapping[str, Check] = {}
    output: Output | None = None
    weights: Weights = without_weights
    missing: Mapping[str, Check] = {}
    fixed: Mapping[str, Any] = {}
    arguments: Sequence[str] = ()
    flags: Sequence[str] = ()
    inputs: int = 1
    ranks: Sequence[int] = ()
    free: bool = True
    settles: bool = False
    dtypes: Sequence[str] = ("float32",)
    macs: Macs | None = None
    tensors: Sequence[str] = ()
    type: str = ""


INITIALIZER, _REGULARIZER = object_of("keras.initializers"), optional(object_of("keras.regularizers"))
#: How images lie; what a layer may do with what it gives; how its weights may be packed.
CHANNELS_LAST = {"data_format": only("channels_last")}
ACTIVITY = {"activity_regularizer": nothing}
UNQUANTISED = {"quantization_config": nothing}


def variables(*names: str) -> dict[str, Check]:
    """The settings of a layer's variables."""
    made: dict[str, Check] = {}
    for name in names:
        made[f"{name}_initializer"] = INITIALIZER
        made[f"{name}_regularizer"] = _REGULARIZER
        made[f"{name}_constraint"] = nothing
    return made


def last_or_count(value: Any) -> int:
    """-1, or a number of at least 1."""
    return -1 if type(value) is int and value == -1 else count(value)


def bias(settings: Any, size: int) -> list[Weight]:
    """The bias of a layer that has one, and no other."""
    return [Weight("bias", (size,))] if settings.use_bias else []


def same(_settings: Any, shapes: Sequence[Shape]) -> Shape:
    """The shape that it reads, or that all have."""
    known(len(set(shapes)) == 1, "different shapes")
    return shapes[0]


def broadcast(_settings: Any, shapes: Sequence[Shape]) -> Shape:
    """What tensors of one rank make together, each size the same or 1."""
    known(len({len(shape) for shape in shapes}) == 1, "different ranks")
    known(len({shape[0] for shape in shapes}) == 1, "different batches")
    sizes = [{*along} - {1} or {1} for along in zip(*shapes, strict=True)]
    known(all(len(along) == 1 for along in sizes), "different shapes")
    return tuple(along.pop() for along in sizes)
