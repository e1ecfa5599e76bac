"""The operations that autograd records for a network's layers, in execution order.

A layer is one operation, unless torch makes it of several (attention with its projections), autocast puts a cast before
it, or an adapter stands beside it. What an operation keeps and what its backward pass makes follows from its word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from ...ir import DTYPE_BITS, HELD, Layer, Parameter, Shape, Summary, Tensor
from ...ops import vocabulary
from .. import composed, memory
from . import strides
from .plan import LOWER, Plan

#: Families whose results lie in memory in the order of what they read.
_KEEP_ORDER = ("elementwise", "activation", "dropout", "pool", "convolution", "resize")


@dataclass(slots=True)
class Operation:
    """A node of autograd's graph. It gives one value, which others name by the operation's position.

    ``size`` is None if the width of an element isn't known; bytes are counted without what isn't known.
    """

    layer: str
    path: str
    reads: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    #: In whose memory the result lies; None: its own.
    within: int | None = None
    #: Whether the result is seen in a weight's memory.
    of_weight: bool = False
    #: Whether the backward pass runs through it.
    differentiated: bool = True
    keeps: tuple[int, ...] = ()
    #: Bytes of its own that it keeps for the backward pass.
    keeps_besides: int = 0
    #: Whether the autocast context caches it until the forward pass ends.
    cached: bool = False
    #: Bytes alive while it runs, in the forward and in the backward pass, beside what it reads and gives.
    forward: int = 0
    backward: int = 0
    gradient: str = "new"
    trained: tuple[Parameter, ...] = ()
    #: Whether its bytes are a lower bound.
    unknown: bool = False
    #: How far apart the elements of its first tensor lie.
    strides: strides.Strides = ()

    @property
    def shape(self) -> Shape:
        """Shape of the first tensor."""
        return self.tensors[0].shape if self.tensors else ()

    @property
    def size(self) -> int:
        """Bytes of the result."""
        return sum(tensor.bytes or 0 for tensor in self.tensors)

    @property
    def dtype(self) -> str:
        """Element type of the result."""
        return self.tensors[0].dtype if self.tensors else "unknown"


@dataclass(slots=True)
class _Recorder:
    summary: Summary
    plan: Plan
    made: list[Operation] = field(default_factory=list)
    #: Layer -> the operation that gives its result.
    results: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    #: Name of a weight -> the copy of it that the autocast context has.
    cached: dict[str, int] = field(default_factory=dict)

    def add(self, operation: Operation) -> int:
        operation.differentiated = bool(operation.trained) or any(self.made[r].differentiated for r in operation.reads)
        operation.differentiated &= _is_real(operation.dtype) and operation.gradient != "none"
        if not operation.differentiated:
            operation.keeps, operation.keeps_besides = (), 0
        self.made.append(operation)
        return len(self.made) - 1

    def weights(self, layer: Layer) -> list[Parameter]:
        shared = [self.parameters[name] for name in layer.shared if name in self.parameters]
        return [*layer.parameters, *shared]

    def cast(self, layer: Layer, value: int, dtype: str) -> int:
        """The value in another type: a copy, unless it has that type already or isn't of real numbers."""
        source = self.made[value]
        if source.dtype == dtype or not _is_real(source.dtype):
            return value
        return self._of(layer, value, _as(source.tensors, dtype), strides.dense(source.shape, source.strides))

    def _of(self, layer: Layer, value: int, tensors: tuple[Tensor, ...], order: strides.Strides, **fields: Any) -> int:
        """An operation that a layer does to one value, before its own."""
        return self.add(Operation(layer.id, layer.path, (value,), tensors, strides=order, **fields))

    def record(self, layer: Layer) -> None:
        reads = tuple(self.results[source] for source in layer.inputs)
        try:
            self.results[layer.id] = self._made(layer, reads)
            if self.plan.adapts(layer):
                self.results[layer.id] = self._adapter(layer, reads)
        except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
            # A stranger's summary may call something a layer that hasn't got what such a layer has.
            made = Operation(layer.id, layer.path, reads, layer.output_tensors, unknown=True)
            self.results[layer.id] = self.add(made)

    def _made(self, layer: Layer, reads: tuple[int, ...]) -> int:
        if composed.parts(layer) and reads:
            return self._composed(layer, reads[0])
        if layer.op == "attention" and (layer.parameters or layer.shared):
            return self._attention(layer, reads)
        return self._operation(layer, reads)

    def _composed(self, layer: Layer, value: int) -> int:
        """The operators by element that a layer is made of."""
        words = _Words(self, layer)
        whole = layer.output_tensors[0]
        line = replace(whole, shape=(*whole.shape[:-1], 1))
        made = [value]
        for part in composed.parts(layer):
            reads = tuple(made[read] for read in part.reads)
            made.append(words.add(part.word, reads, line if part.reduces else whole))
        return made[-1]

    def _operation(self, layer: Layer, reads: tuple[int, ...]) -> int:
        op = vocabulary.of(layer.op)
        held = self.weights(layer)
        trained = tuple(p for p in held if self.plan.trains(p))
        weights = [p for p in held if p.role not in HELD]
        tensors = layer.output_tensors
        copies: tuple[int, ...] = ()
        lower = None if self.plan.amp is None else LOWER[self.plan.amp]
        if lower is not None:
            dtype = self._type(op.family, op.autocast, reads, weights, lower)
            if op.autocast is not None and dtype is not None:
                if dtype == lower:
                    copies = tuple(self._copy(layer, weight, lower) for weight in weights if _is_real(weight.dtype))
                    trained = ()
                if op.autocast != "float32 result":
                    reads = tuple(self.cast(layer, value, dtype) for value in reads)
            if dtype is not None:
                tensors = _as(tensors, dtype)
        view = layer.view and not (op.view == "inference" and layer.attribute("p") not in (0, 0.0, None))
        if layer.op == "stochastic_depth" and layer.attribute("p"):
            view = layer.attribute("inplace") is True
        if layer.op in ("dense", "matmul"):
            reads = tuple(self._folded(layer, read) for read in reads)
        if layer.type == "contiguous" and reads:
            read = self.made[reads[0]]
            view = read.strides == strides.contiguous(read.shape)
        order, copied_order = self._order(layer, op, reads, view, bool(tensors) and tensors[0].dtype in LOWER.values())
        view = view and not copied_order
        if op.family == "elementwise" and tensors and len(reads) + len(trained) > 1:
            reads = tuple(self._broadcast(layer, read, tensors[0]) for read in reads)
            copies = tuple(self._broadcast_weight(layer, weight, tensors[0]) for weight in trained)
            trained = ()
        operation = Operation(
            layer.id,
            layer.path,
            (*reads, *copies),
            tensors,
            within=reads[0] if view and reads else None,
            trained=trained,
            gradient="same" if op.view == "inference" and view else op.gradient,
            strides=order,
            of_weight=view and not reads,
        )
        position = self.add(operation)
        if not operation.differentiated:
            return position
        saves = memory.saves_of(layer)
        if layer.op in ("mul", "div") and len(reads) == 1 and not weights:
            saves = None  # by a number
        operation.keeps = {"inputs": reads, "output": (position,), "both": (*reads, position)}.get(saves or "", ())
        if saves == "mask":
            operation.keeps = tuple(read for read in reads if memory.is_mask(self.made[read].tensors))
        if layer.attribute("inplace") is True and op.copies:
            operation.keeps = ()  # it keeps a copy of its own
        adapted = layer if tensors is layer.output_tensors else replace(layer, output_tensors=tensors)
        besides = memory.kept_besides(adapted, self.summary.model.backend)
        if op.besides == "mask" and layer.attribute("p") and layer.attribute("inplace") is not True:
            besides = sum(tensor.size for tensor in tensors)  # a GPU's fused kernel keeps a bool for each element
        operation.unknown = besides is None or memory.is_of_many_steps(layer)
        operation.keeps_besides = besides or 0
        # A convolution keeps its weight even where nobody wants its input's gradient.
        if "convolution" in op.family or any(self.made[read].differentiated for read in reads):
            operation.keeps += tuple(copy for copy in copies if len(self.made[copy].shape) > 1)
        return position

    def _order(
        self, layer: Layer, op: vocabulary.Op, reads: tuple[int, ...], view: bool, lower: bool
    ) -> tuple[strides.Strides, bool]:
        """The strides of a layer's result, and whether what should be a view had to be copied."""
        shape = layer.output_tensors[0].shape if layer.output_tensors else ()
        plain = strides.contiguous(shape)
        if not reads or not self.made[reads[0]].tensors:
            return plain, False
        source = self.made[reads[0]]
        if layer.op == "transpose" and view:
            return strides.permuted(layer, source.strides), False
        if layer.op == "slice" and view:
            return strides.sliced(layer, source.shape, source.strides), False
        if layer.op in ("reshape", "flatten") and view:
            seen = strides.viewed(source.shape, source.strides, shape)
            return (plain, True) if seen is None else (seen, False)
        if layer.op == "attention" and len(shape) == 4 and not layer.parameters:
            if lower and len(reads) == 3:
                return strides.dense(shape, source.strides), False  # flash attention keeps the query's order
            return strides.by_position(shape), False
        if view and source.shape == shape:
            return source.strides, False
        keeps = op.family in _KEEP_ORDER or layer.op == "batch_norm"
        if keeps and len(source.shape) == len(shape):
            return strides.dense(shape, source.strides), False
        return plain, False

    def _folded(self, layer: Layer, value: int) -> int:
        """What a product reads: with one batch dimension (or none, of a dense layer), for which it may be copied."""
        source = self.made[value]
        last = 1 if layer.op == "dense" else 2
        if len(source.shape) <= last:
            return value
        folded = (prod(source.shape[:-last]), *source.shape[-last:])
        if strides.viewed(source.shape, source.strides, folded) is not None:
            return value
        return self._of(layer, value, source.tensors, strides.contiguous(source.shape), gradient="same")

    def _broadcast(self, layer: Layer, value: int, result: Tensor) -> int:
        """What an operation by element reads, in its result's shape and type, without memory of its own.

        Its gradient has memory, before it is summed and cast (``validate_outputs`` of torch's autograd engine).
        """
        source = self.made[value]
        if (source.shape, source.dtype) == (result.shape, result.dtype) or not _is_real(source.dtype):
            return value
        wide = Tensor(result.shape, result.dtype)
        seen = strides.contiguous(result.shape) if source.shape != result.shape else source.strides
        return self._of(layer, value, (wide,), seen, within=value)

    def _broadcast_weight(self, layer: Layer, weight: Parameter, result: Tensor) -> int:
        wide = Tensor(result.shape, result.dtype)
        seen = strides.contiguous(result.shape)
        return self.add(Operation(layer.id, layer.path, (), (wide,), of_weight=True, trained=(weight,), strides=seen))

    def _type(
        self, family: str, autocast: str | None, reads: Iterable[int], weights: Iterable[Parameter], lower: str
    ) -> str | None:
        """The element type of a result within autocast; None where it stays what it is."""
        if autocast == "lower":
            return lower
        if autocast in ("float32", "float32 result"):
            return "float32"
        found = [self.made[read].dtype for read in reads if _is_real(self.made[read].dtype)]
        if family == "elementwise":
            found += [weight.dtype for weight in weights]
        if not found:
            return None
        return max(found, key=lambda dtype: DTYPE_BITS.get(dtype, 0))

    def _copy(self, layer: Layer, weight: Parameter, lower: str) -> int:
        """A weight in the lower type, which the context caches if it is trained."""
        if weight.name in self.cached:
            return self.cached[weight.name]
        trained = self.plan.trains(weight)
        position = self.add(
            Operation(
                layer.id,
                layer.path,
                (),
                (Tensor(weight.shape, lower),),
                trained=(weight,) if trained else (),
                cached=trained,
                strides=strides.contiguous(weight.shape),
            )
        )
        if trained:
            self.cached[weight.name] = position
        return position

    def _attention(self, layer: Layer, reads: tuple[int, ...]) -> int:
        """torch's ``multi_head_attention_forward``: a projection, three views of it, attention, another projection."""
        tensor = layer.output_tensors[0]
        width = tensor.shape[-1]
        words = _Words(self, layer)
        kept = self.weights(layer)
        inner = [p for p in kept if "in_proj" in p.name or "_proj_weight" in p.name or ".bias_" in p.name]
        outer = [p for p in kept if p not in inner]
        first = reads[0]
        if layer.attribute("batch_first") is True:
            first = words.add("copy", (first,), tensor)
        query, key = layer.input_tensors[0], layer.input_tensors[-1]
        tripled = Tensor((*key.shape[:-1], 3 * width), tensor.dtype)
        projected = words.add("dense", (first,) if len(set(reads)) == 1 else reads, tripled, inner)
        self.made[projected].forward = self.made[projected].size  # the product, before the bias is added
        apart = words.add("copy", (projected,), tripled)
        slices = tuple(words.add("slice", (apart,), tensor, view=True) for _ in range(3))
        result = words.add("attention", slices, tensor)
        heads = layer.attribute("num_heads")
        self.made[result].keeps_besides = 4 * prod(query.shape[:-1]) * (heads if isinstance(heads, int) else 1)
        # The flash kernel, for half precision, writes its result in the order of the query's memory, which is the one
        # that the projection reads. The memory-efficient kernel for float32 doesn't: its result is copied.
        merged = words.add("copy", (result,), tensor, view=self.made[result].dtype in LOWER.values())
        return words.add("dense", (merged,), tensor, outer)

    def _adapter(self, layer: Layer, reads: tuple[int, ...]) -> int:
        """A layer with an adapter: what it gives, and the product of two thin matrices (Hu et al. 2021)."""
        rank = self.plan.lora or 0
        given, result = layer.input_tensors[0], layer.output_tensors[0]
        words = _Words(self, layer)
        down = Parameter(f"{layer.path}.lora_A", (rank, given.shape[-1]), given.dtype, "trainable")
        up = Parameter(f"{layer.path}.lora_B", (result.shape[-1], rank), given.dtype, "trainable")
        thin = words.add("dense", reads[:1], Tensor((*given.shape[:-1], rank), given.dtype), [down], adapter=True)
        wide = words.add("dense", (thin,), result, [up], adapter=True)
        scaled = words.add("neg", (wide,), result)
        return words.add("add", (self.results[layer.id], scaled), result)


@dataclass(slots=True)
class _Words:
    """Adds operations to a layer that torch makes of several."""

    recorder: _Recorder
    layer: Layer

    def add(
        self,
        word: str,
        reads: tuple[int, ...],
        result: Tensor,
        weights: Iterable[Parameter] = (),
        view: bool = False,
        adapter: bool = False,
    ) -> int:
        recorder = self.recorder
        part = replace(
            self.layer, op=word, output_tensors=(result,), parameters=(), shared=(), attributes=(), view=view
        )
        position = recorder._operation(
            replace(part, inputs=(), parameters=tuple(weights), input_tensors=()), tuple(reads)
        )
        if adapter:
            made = recorder.made[position]
            made.trained, made.differentiated, made.keeps = tuple(weights), True, made.reads
        return position


def operations(summary: Summary, called: Iterable[Layer], plan: Plan) -> tuple[list[Operation], dict[str, int]]:
    """The operations of a forward pass, and for each layer the position of the one that gives its result.

    ``called`` are the layers of the summary that ran, which read one another alone.
    """
    recorder = _Recorder(summary, plan)
    for layer in summary.layers:
        recorder.parameters.update((p.name, p) for p in layer.parameters)
    for layer in called:
        recorder.record(layer)
    return recorder.made, recorder.results


def _is_real(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat", "complex", "unknown"))


def _as(tensors: Iterable[Tensor], dtype: str) -> tuple[Tensor, ...]:
    return tuple(replace(t, dtype=dtype) if _is_real(t.dtype) else t for t in tensors)
