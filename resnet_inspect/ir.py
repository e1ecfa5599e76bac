"""The intermediate representation: what every backend produces and everything else reads.

Frozen dataclasses of tuples, ints and strings. Nothing here knows a framework, a file format or a terminal.
Shapes are tuples of ints with the batch first; ``bytes`` and ``macs`` are exact integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Union

from .stranger_json import MOST_DIGITS, MOST_LEVELS

Shape = tuple[int, ...]
#: What an attribute may be: JSON's scalars and tuples of them.
Value = Union[None, bool, int, float, str, tuple["Value", ...]]  # noqa: UP007 - a recursive alias needs the name as text
Attributes = tuple[tuple[str, Value], ...]

#: Bits of one element, by the name torch and NumPy share.
DTYPE_BITS = {
    "bool": 8,
    "uint8": 8,
    "int8": 8,
    "qint8": 8,
    "quint8": 8,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
    "int16": 16,
    "uint16": 16,
    "float16": 16,
    "bfloat16": 16,
    "int32": 32,
    "uint32": 32,
    "float32": 32,
    "int64": 64,
    "uint64": 64,
    "float64": 64,
    "complex64": 64,
    "complex128": 128,
}


_TOO_LARGE = 10**MOST_DIGITS

#: Roles of what a model holds beside its parameters.
HELD = ("statistics", "buffer")


def _bytes(shape: Shape, dtype: str) -> int | None:
    bits = DTYPE_BITS.get(dtype)
    return None if bits is None else -(-prod(shape) * bits // 8)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's shape, element type and, where it is an image's, layout (``NCHW``, ``NHWC``, ...)."""

    shape: Shape
    dtype: str
    layout: str | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def spatial(self) -> Shape:
        """Sizes of an image's spatial dimensions; none where no layout says which they are."""
        return tuple([size for size, letter in zip(self.shape, self.layout or "", strict=False) if letter in "DHWL"])

    @property
    def bytes(self) -> int | None:
        """Bytes of the elements; None for an element type whose width isn't known."""
        return _bytes(self.shape, self.dtype)


#: What stands for a value of which neither shape nor element type is known before a run.
UNKNOWN = Tensor((), "unknown")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One stored tensor of a model, listed in exactly one layer: the first that uses it.

    ``role`` is ``trainable``, ``frozen``, ``statistics`` (BatchNorm's moving mean and variance), ``buffer`` (what a
    module keeps beside its parameters) or ``unknown`` (a file doesn't say whether it is trained).
    ``counted`` says whether the framework's own parameter total includes it: Keras counts statistics
    as parameters, torch keeps them as buffers. ``shape`` is the logical one; ``stored_bytes`` is what a packed
    (4-bit, sharded, compressed) tensor takes in memory, None where that follows from shape and dtype.
    """

    name: str
    shape: Shape
    dtype: str
    role: str
    counted: bool = True
    stored_bytes: int | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """Bytes as stored; None for an element type whose width isn't known."""
        return _bytes(self.shape, self.dtype) if self.stored_bytes is None else self.stored_bytes


@dataclass(frozen=True, slots=True)
class Layer:
    """One call of one leaf operation, in execution order.

    ``inputs`` are the ids of the layers whose outputs it reads, one for each of ``input_tensors``.
    ``shared`` names the parameters that it uses and an earlier layer counts. ``macs`` are multiply-adds, None if
    unknown: ``macs_at_least`` is what is known of them then. A layer that was never called (``called`` is False) owns
    parameters that no call uses. What a ``view`` gives stands in the memory of what it reads or of a weight, at least
    in inference; this follows from ``op`` and ``attributes``.
    """

    id: str
    path: str
    type: str
    op: str
    inputs: tuple[str, ...] = ()
    input_tensors: tuple[Tensor, ...] = ()
    output_tensors: tuple[Tensor, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    shared: tuple[str, ...] = ()
    macs: int | None = 0
    attributes: Attributes = ()
    called: bool = True
    macs_at_least: int = 0
    #: No difference between two layers, as it follows from what else they are.
    view: bool = field(default=False, compare=False)

    @property
    def stored_bytes(self) -> int | None:
        """Bytes that its outputs take for themselves; None if they aren't known."""
        return 0 if self.view else sum_known(tensor.bytes for tensor in self.output_tensors)

    def count(self, role: str) -> int | None:
        """Elements of this layer's parameters of one role; None where a file doesn't say which are trained."""
        return _count(self.parameters, role)

    @property
    def params(self) -> int:
        """Parameters as the framework itself counts them."""
        return sum(p.size for p in self.parameters if p.counted)

    def attribute(self, name: str, default: Value = None) -> Value:
        """The value of one attribute, or ``default`` where the layer hasn't got it."""
        for key, value in self.attributes:
            if key == name:
                return value
        return default


#: How ``builder`` begins where an object was summarised: of which class it is, and nothing of how it was made.
AN_OBJECT = "an object of "


@dataclass(frozen=True, slots=True)
class Model:
    """What was summarised: enough to build it again, unless it is ``AN_OBJECT`` that somebody had in Python."""

    name: str
    backend: str
    builder: str
    arguments: Attributes = ()
    weights: str | None = None

    @property
    def is_code(self) -> bool:
        """Whether somebody's own code was named, as ``net.py:Net`` or ``package.module:build``."""
        return ":" in self.builder and not self.builder.startswith(("resnet_inspect.", AN_OBJECT))

    @property
    def title(self) -> str:
        """``torch:resnet50`` or ``net.py:Net``, as people ask for it.

        Of an object, which nobody can ask for, ``ResNet (torch)``.
        """
        if self.builder.startswith(AN_OBJECT):
            return f"{self.name} ({self.backend})"
        if self.is_code:
            return self.builder
        return f"{self.backend}:{self.name}"


@dataclass(frozen=True, slots=True)
class Trace:
    """How the rows were obtained.

    ``method``: ``rules`` (computed, no framework), ``meta`` (torch ran without data), ``symbolic`` (Keras did),
    ``real`` (the framework ran on real tensors, ``reason`` says why), ``graph`` (read from a file's graph, nothing ran)
    or ``header`` (a file's tensors by name alone: no layer is known to be called, no edge, no cost).
    ``training``: the model ran as in training. A graph in a file is the one that it was written with.
    """

    method: str
    reason: str | None = None
    training: bool = False


@dataclass(frozen=True, slots=True)
class Decoding:
    """A summary of one step of decoding: a token that reads the cache of ``tokens`` earlier ones.

    ``cache`` has the tensors that the model itself keeps for the next token, after this step.
    """

    tokens: int
    cache: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all rows. Of the layers of ``uncounted`` (ids), ``macs`` has only what is known of theirs.

    ``active_params`` are the parameters that one token uses, None if that isn't known. ``kv_cache_bytes`` is what a
    step of decoding leaves in its cache, None where nothing was decoded or an element's width isn't known.
    """

    layers: int
    params: int
    trainable_params: int | None
    frozen_params: int | None
    statistics: int
    macs: int
    param_bytes: int | None
    activation_bytes: int | None
    uncounted: tuple[str, ...]
    unused_params: tuple[str, ...]
    active_params: int | None = None
    kv_cache_bytes: int | None = None


@dataclass(frozen=True)
class Summary:
    """A whole network. ``modules`` is the containment tree, path -> type; the root's path is ``""``."""

    model: Model
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    modules: tuple[tuple[str, str], ...] = ()
    trace: Trace = field(default=Trace("rules"))
    #: Names of the parameters that no call was seen to use.
    unused: tuple[str, ...] = ()
    #: Names of the parameters of which one token doesn't use all, and how many elements of each it leaves out. Empty
    #: for a network that uses every parameter for every token, None where nobody knows.
    inactive: tuple[tuple[str, int], ...] | None = None
    #: Which step of decoding was summarised; None for a forward pass without a cache.
    decoding: Decoding | None = None
    #: Why this was accepted as a baseline, the latest reason last.
    reasons: tuple[str, ...] = ()
    #: Versions. The only part that may differ between environments; comparisons ignore it.
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def has_graph(self) -> bool:
        """Whether it is known what reads what; of a file of tensors, and of a module that didn't run, it isn't."""
        return self.trace.method != "header"

    @property
    def may_train_unused(self) -> bool:
        """Whether training may use what no call used: code ran in eval mode, and not a TorchScript file's, as it is."""
        ran = self.trace.method in ("meta", "real", "symbolic") and self.model.builder != "torch.jit"
        return ran and not self.trace.training

    @property
    def totals(self) -> Totals:
        """Sums over all rows; activation memory is what every layer stores, as if nothing were freed."""
        parameters = [p for layer in self.layers for p in layer.parameters]
        params = sum(p.size for p in parameters if p.counted)
        return Totals(
            layers=len(self.layers),
            params=params,
            trainable_params=_count(parameters, "trainable"),
            frozen_params=_count(parameters, "frozen"),
            statistics=sum(p.size for p in parameters if p.role == "statistics"),
            macs=sum(layer.macs_at_least if layer.macs is None else layer.macs for layer in self.layers),
            param_bytes=sum_known(p.bytes for p in parameters if p.counted),
            activation_bytes=sum_known(layer.stored_bytes for layer in self.layers if layer.op != "input"),
            uncounted=tuple(layer.id for layer in self.layers if layer.macs is None),
            unused_params=self.unused,
            active_params=None if self.inactive is None else params - sum(size for _, size in self.inactive),
            kv_cache_bytes=sum_known(t.bytes for t in self.decoding.cache) if self.decoding else None,
        )


def sum_known(values: Iterable[int | None]) -> int | None:
    """The sum, or None as soon as one of the values is unknown."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _count(parameters: Sequence[Parameter], role: str) -> int | None:
    if role not in HELD and any(p.role == "unknown" for p in parameters):
        return None
    return sum(p.size for p in parameters if p.role == role)


def frozen_value(value: Any) -> Value:
    """``value`` as an attribute: lists become tuples, anything that JSON can't hold becomes its text.

    So does what nobody could read back: values nested too deeply, integers that Python won't print.
    """
    try:
        return _frozen(value, MOST_LEVELS)
    except (ValueError, RecursionError):
        return f"{type(value).__name__} (too large)"


def _frozen(value: Any, levels: int) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # Half of a pair, as of a file's name that is not UTF-8: no encoding can write it.
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()
    if isinstance(value, int):
        if abs(value) >= _TOO_LARGE:
            raise ValueError("too many digits")
        return value
    if isinstance(value, float):
        # JSON has no infinities; adaptive layers and clamps use them.
        return value if value - value == 0 else str(value)
    if isinstance(value, (tuple, list)):
        if not levels:
            raise ValueError("nested too deeply")
        return tuple(_frozen(item, levels - 1) for item in value)
    return str(value)
