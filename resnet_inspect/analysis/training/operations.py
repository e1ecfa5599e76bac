"""The operations that autograd records for a network's layers, in execution order.

A layer is one operation, unless torch makes it of several (attention with its projections), autocast puts a cast before
it, or an adapter stands beside it. What an operation keeps and what its backward pass makes follows from its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from ...ir import DTYPE_BITS, HELD, Layer, Parameter, Summary, Tensor
from ...ops import composed, vocabulary
from .. import memory
from . import composite, strides
from .operation import Operation
from .plan import LOWER, Plan

#: Families whose results lie in memory in the order of what they read.
_KEEP_ORDER = ("elementwise", "activation", "dropout", "pool", "convolution", "resize")
#: What kernels compute for the backward pass whether or not there is one.
_COMPUTED = ("channels", "deviations", "groups", "places", "positions")
#: Words whose factors torch keeps for one another's gradients alone (``should_compute_output`` in its formulas).
_PRODUCTS = ("dense", "div", "matmul", "mul")


@dataclass(slots=True, eq=False, repr=False)
class Recorder:
    """Adds the operations of one layer after another."""

    summary: Summary
    plan: Plan
    made: list[Operation] = field(default_factory=list)
    #: Layer -> the operation that gives its result.
    results: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    #: Name of a weight -> the copy of it that the autocast context has.
    cached: dict[str, int] = field(default_factory=dict)

    def add(self, operation: Operation) -> int:
        made = self.made
        differentiated = bool(operation.trained)
        for read in operation.reads:
            differentiated = differentiated or made[read].differentiated
        if not differentiated or operation.gradient == "none" or not _is_real(operation.dtype):
            operation.differentiated, operation.keeps, operation.keeps_besides = False, (), 0
        made.append(operation)
        return len(made) - 1

    def weights(self, layer: Layer) -> Sequence[Parameter]:
        if not layer.shared:
            return layer.parameters
        return (*layer.parameters, *(self.parameters[name] for name in layer.shared if name in self.parameters))

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
            made = self._made(layer, reads)
            self.results[layer.id] = composite.adapter(self, layer, reads, made) if self.plan.adapts(layer) else made
        except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
            # A stranger's summary may call something a layer that hasn't got what such a layer has.
            unknown = Operation(layer.id, layer.path, reads, layer.output_tensors, unknown=True)
            self.results[layer.id] = self.add(unknown)

    def _made(self, layer: Layer, reads: tuple[int, ...]) -> int:
        if composed.parts(layer) and reads:
            return composite.by_element(self, layer, reads[0])
        if layer.op == "attention" and (layer.parameters or layer.shared):
            return composite.attention(self, layer, reads)
        return self.operation(layer, reads)

    def operation(self, layer: Layer, reads: tuple[int, ...]) -> int:
        """Adds the one operation of a layer that reads these values, after what casts, folds and broadcasts them."""
        op = vocabulary.of(layer.op)
        held = self.weights(layer)
        trained = tuple([p for p in held if self.plan.trains(p)]) if held else ()
        tensors = layer.output_tensors
        copies: tuple[int, ...] = ()
        lower = None if self.plan.amp is None else LOWER[self.plan.amp]
        if lower is not None:
            weights = [p for p in held if p.role not in HELD]
            dtype = self._type(op.family, op.autocast, reads, weights, lower)
            if op.autocast is not None and dtype is not None:
                if dtype == lower:
                    # torch casts the last argument first: a bias before the weight.
                    real = [weight for weight in reversed(weights) if _is_real(weight.dtype)]
                    copies = tuple(self._copy(layer, weight, lower) for weight in real)
                    trained = ()
                if op.autocast != "float32 result":
                    reads = tuple(self.cast(layer, value, dtype) for value in reads)
            if dtype is not None:
                tensors = _as(tensors, dtype)
        view = layer.view
        if view and op.view == "inference" and layer.attribute("p") not in (0, 0.0, None):
            view = False
        if layer.op == "stochastic_depth" and layer.attribute("p"):
            view = layer.attribute("inplace") is True
        if layer.op in ("dense", "matmul"):
            reads = tuple(self._folded(layer, read) for read in reads)
        if layer.type == "contiguous" and reads:
            read = self.made[reads[0]]
            view = read.strides == strides.contiguous(read.shape)
        order, copied_order = self._order(layer, op, reads, view, tensors)
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
        if operation.differentiated:
            self._keep(layer, op, position, reads, copies)
        elif op.besides in _COMPUTED:
            operation.forward = memory.kept_besides(layer, self.summary.model.backend) or 0
        return position

    def _keep(
        self, layer: Layer, op: vocabulary.Op, position: int, reads: tuple[int, ...], copies: tuple[int, ...]
    ) -> None:
        """Tell an operation, which reads these values and copies of weights, what its backward pass needs."""
        operation = self.made[position]
        saves = memory.saves_of(layer)
        if saves == "inputs":
            operation.keeps = self._factors(layer, reads, copies, operation.trained) if layer.op in _PRODUCTS else reads
        elif saves == "mask":
            operation.keeps = tuple(read for read in reads if memory.is_mask(self.made[read].tensors))
        elif saves is not None:
            operation.keeps = (position,) if saves == "output" else (*reads, position)
        copied = op.copies and layer.attribute("inplace") is True
        if copied:
            operation.keeps = ()  # it keeps a copy of its own
        if copied or op.besides is not None:
            tensors = operation.tensors
            # What is kept for each channel is as large whatever the type of the result.
            is_same = tensors is layer.output_tensors or op.besides == "channels"
            adapted = layer if is_same else replace(layer, output_tensors=tensors)
            besides = memory.kept_besides(adapted, self.summary.model.backend)
            if op.besides == "mask" and layer.attribute("p") and layer.attribute("inplace") is not True:
                besides = sum(tensor.size for tensor in tensors)  # a GPU's fused kernel keeps a bool for each element
            operation.unknown = besides is None or memory.is_of_many_steps(layer)
            operation.keeps_besides = besides or 0
            operation.draws = op.besides in ("channel mask", "image mask")
        # A convolution keeps its weight even where nobody wants its input's gradient.
        if copies and ("convolution" in op.family or any(self.made[read].differentiated for read in reads)):
            operation.keeps += tuple(copy for copy in copies if len(self.made[copy].shape) > 1)

    def _factors(
        self, layer: Layer, reads: tuple[int, ...], copies: tuple[int, ...], trained: tuple[Parameter, ...]
    ) -> tuple[int, ...]:
        """The factors that a product keeps: each for the gradients of the others, a divisor for its own, too.

        A weight is one of them, a bias isn't.
        """
        wanted = [self.made[read].differentiated for read in reads]
        shapes = [self.made[copy].shape for copy in copies if self.made[copy].differentiated]
        shapes += [parameter.shape for parameter in trained]
        rank = max((len(parameter.shape) for parameter in self.weights(layer)), default=0) if layer.op == "dense" else 0
        weights = any(len(shape) >= rank for shape in shapes)
        return tuple(
            read
            for place, read in enumerate(reads)
            if weights
            or any(wanted[:place] + wanted[place + 1 :])
            or (layer.op == "div" and place == len(reads) - 1 > 0)
        )

    def _order(
        self, layer: Layer, op: vocabulary.Op, reads: tuple[int, ...], view: bool, tensors: tuple[Tensor, ...]
    ) -> tuple[strides.Strides, bool]:
        """The strides of a layer's result, which is ``tensors``, and whether what should be a view had to be copied."""
        shape = tensors[0].shape if tensors else ()
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
            if tensors[0].dtype in LOWER.values() and len(reads) == 3:
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
        found = [self.made[read].dtype for read in reads]
        found = [dtype for dtype in found if _is_real(dtype)]
        if family == "elementwise":
            found += [weight.dtype for weight in weights]
        return max(found, key=lambda dtype: DTYPE_BITS.get(dtype, 0), default=None)

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


def operations(summary: Summary, called: Iterable[Layer], plan: Plan) -> list[Operation]:
    """The operations of a forward pass; the last one of a layer gives its result.

    ``called`` are the layers of the summary that ran, which read one another alone.
    """
    recorder = Recorder(summary, plan)
    for layer in summary.layers:
        recorder.parameters.update((p.name, p) for p in layer.parameters)
    for layer in called:
        recorder.record(layer)
    return recorder.made


def _is_real(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat", "complex", "unknown"))


def _as(tensors: tuple[Tensor, ...], dtype: str) -> tuple[Tensor, ...]:
    for tensor in tensors:
        if tensor.dtype != dtype:
            return tuple([Tensor(t.shape, dtype, t.layout) if _is_real(t.dtype) else t for t in tensors])
    return tensors
