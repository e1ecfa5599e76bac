"""A network of a configuration, called once: the same rows as of Keras' own symbolic run (``keras.trace``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .... import ops
from ....ir import Attributes, Parameter, Tensor
from ....ops import vocabulary
from ....rows.builder import Rows
from ....shape import MOST_SIZE
from ..layers import OPERATION_OPS, configuration, described, image_layout, op_of, output_layout, snake_case
from .calls import MOST
from .graph import Call, Leaf, Member, Network, Operation, Source
from .kind import Weight, broadcast
from .settings import known

#: Where images have their channels.
_FORMAT = "channels_last"
#: Layers whose untrained weights are statistics.
_WITH_STATISTICS = ("batch_norm", "normalization")

#: The element types that operations of masks read, and what Keras says of the one that looks at all features of a step.
_READ_BY = {"not_equal": ("float32", "int32", "int64"), "any": ("bool",)}
_OVER_FEATURES: Attributes = (("axis", (-1,)), ("keepdims", False))


@dataclass(eq=False)
class Value:
    """A tensor of the run: what it is, the layer that made it, and whether sizes of it depend on a network's input."""

    tensor: Tensor
    is_open: bool
    source: str = ""


class _Values:
    """What the rows ask of values, which know it themselves."""

    def tensor(self, value: Value) -> Tensor:
        """Its sizes, type and layout."""
        return value.tensor

    def source(self, value: Value) -> str:
        """The id of the layer that made it."""
        return value.source

    def produced(self, value: Value, layer: str, layout: str | None) -> None:
        """Records the layer that made it, and its layout."""
        value.source = layer
        value.tensor = replace(value.tensor, layout=layout)


class Run:
    """One run of a network; ``call`` is the door."""

    def __init__(self, network: Network) -> None:
        self.rows = Rows[Value](_Values())
        self.modules: dict[str, str] = {"": network.type}
        self._network = network
        self._calls = 0
        self._paths: dict[int, str] = {}
        self._parameters: dict[int, tuple[list[Weight], list[Parameter]]] = {}
        self._built: dict[int, bool] = {}

    def call(self, given: Sequence[tuple[str, Tensor]]) -> list[Tensor]:
        """Runs the network on named inputs; gives its outputs.

        Raises:
            Unknown: a layer is used in a way that isn't known.
            InputError, KeyError, TypeError, ValueError: a rule refuses what a layer is used for.
        """
        values = []
        for item, (name, tensor) in zip(self._network.inputs, given, strict=True):
            value = Value(tensor, is_open=None in item.shape[1:])
            self.rows.add_input(value, name, "InputLayer", tensor.layout)
            self.modules[name] = "InputLayer"
            values.append(value)
        outputs = self._run(self._network, "", values)
        known(all(self._built.values()), "a layer that is built for another shape")
        return [value.tensor for value in outputs]

    def _run(self, network: Network, path: str, given: Sequence[Value]) -> list[Value]:
        for item, value in zip(network.inputs, given, strict=True):
            sizes = zip(item.shape, value.tensor.shape, strict=False)
            known(len(item.shape) == len(value.tensor.shape) and item.dtype == value.tensor.dtype, "another input")
            known(all(own in (None, size) for own, size in sizes), "another input")
        found = {Source(item.name, 0): value for item, value in zip(network.inputs, given, strict=True)}
        for source, call in network.calls.items():
            self._calls += 1
            known(self._calls <= MOST, "so many calls")
            found[source] = self._called(network.members[call.member], path, call, found)
        return [found[source] for source in network.outputs]

    def _called(self, member: Member, prefix: str, call: Call, found: Mapping[Source, Value]) -> Value:
        reads = [found[item] for item in call.reads if isinstance(item, Source)]
        own = f"{prefix}.{member.name}" if prefix else member.name
        if isinstance(member, Operation):
            return self._operated(member, own, reads)
        path = self._paths.setdefault(id(member), own)
        self.modules.setdefault(path, member.type)
        if isinstance(member, Network):
            return self._nested(member, path, *reads)
        if call.names:
            named = dict(zip(call.names, reads, strict=True))
            reads = [named[name] for name in member.kind.tensors if name in named]
        mask = reads.pop() if call.has_mask else None
        return self._layer(member, path, reads, mask)

    def _nested(self, network: Network, path: str, given: Value) -> Value:
        """A model in the model, which may be built for any size and is called with one."""
        is_open = None in network.inputs[0].shape[1:]
        known(is_open or not given.is_open, "an open size")
        (output,) = self._run(network, path, [replace(given, is_open=is_open)])
        return replace(output, is_open=output.is_open and given.is_open)

    def _layer(self, layer: Leaf, path: str, reads: list[Value], mask: Value | None) -> Value:
        kind, op = layer.kind, op_of(layer.type) or "other"
        known(all(value.tensor.dtype in kind.dtypes for value in reads), "another element type")
        known(not kind.ranks or all(len(value.tensor.shape) in kind.ranks for value in reads), "another rank")
        known(kind.free or not any(value.is_open for value in reads), "an open size")
        inputs = [_read_by(layer, op, value.tensor) for value in reads]
        shapes = [tensor.shape for tensor in inputs]
        weights = kind.weights(layer.settings, shapes)
        outputs = [] if kind.output is None else [Tensor(kind.output(layer.settings, shapes), "float32")]
        if op == "other":
            values, macs = configuration(layer.settings, _FORMAT), None
        else:
            op, values = described(layer.type, layer.settings, inputs, outputs, _FORMAT)
            macs = kind.macs(layer.settings, inputs) if kind.macs else 0
        if op in ops.RULES:
            effect = ops.apply(op, values, inputs)
            macs = effect.macs
            outputs = outputs or [Tensor(effect.output.shape, "float32")]
        self._check_built(layer, reads)
        if mask is not None:
            known(mask.tensor.dtype == "bool" and mask.tensor.shape == shapes[0][:2], "another mask")
            reads, inputs = [*reads, mask], [*inputs, mask.tensor]
        return self._add(
            path,
            layer.type,
            op,
            reads,
            outputs[0],
            self._used(layer, op, path, weights),
            tuple(values.items()),
            macs,
            inputs,
            kind.settles,
        )

    def _operated(self, operation: Operation, path: str, reads: list[Value]) -> Value:
        name = snake_case(operation.type)
        inputs = [value.tensor for value in reads]
        known({tensor.dtype for tensor in inputs} <= {*_READ_BY.get(name, ("float32",))}, "another element type")
        attributes: Attributes = ()
        if name == "not_equal":
            known(len(inputs) == 1, "another mask")
            op, made = "other", Tensor(inputs[0].shape, "bool")
        elif name == "any":
            op, made, attributes = "other", Tensor(inputs[0].shape[:-1], "bool"), _OVER_FEATURES
            known(len(made.shape) > 1, "another mask")
        else:
            op = OPERATION_OPS.get(name, name)
            made = Tensor(broadcast(None, [tensor.shape for tensor in inputs]), "float32")
        return self._add(path, operation.type, op, reads, made, [], attributes, 0, inputs)

    def _add(
        self,
        path: str,
        kind: str,
        op: str,
        reads: list[Value],
        output: Tensor,
        uses: list[Parameter],
        attributes: Attributes,
        macs: int | None,
        inputs: list[Tensor],
        settles: bool = False,
    ) -> Value:
        known(all(0 < size <= MOST_SIZE for size in output.shape), "a size")
        known(op == "other" or op in vocabulary.VOCABULARY, "an op")
        made = Value(output, any(value.is_open for value in reads) and not settles)
        layout = output_layout(op, inputs, len(output.shape))
        self.rows.add(path, kind, op, reads, [made], uses, attributes, macs, [layout], inputs)
        return made

    def _used(self, layer: Leaf, op: str, path: str, weights: list[Weight]) -> list[Parameter]:
        """A layer's parameters, which each of its calls uses. What is trained comes first, as in Keras."""
        if id(layer) not in self._parameters:
            ordered = sorted(weights, key=lambda weight: not weight.trained)
            self._parameters[id(layer)] = weights, [_parameter(layer, op, path, weight) for weight in ordered]
        first, parameters = self._parameters[id(layer)]
        known(first == weights, "weights of two shapes")
        return parameters

    def _check_built(self, layer: Leaf, reads: Sequence[Value]) -> None:
        """Notes whether a layer says that it is built for what one of its calls reads."""
        if layer.built is None:
            return
        said = layer.built if layer.kind.inputs != 1 or layer.kind.tensors else [layer.built]
        fits = (
            isinstance(said, list)
            and len(said) == len(reads)
            and all(_is_built_for(own, value) for own, value in zip(said, reads, strict=True))
        )
        self._built[id(layer)] = self._built.get(id(layer), False) or fits


def _is_built_for(said: Any, value: Value) -> bool:
    """Whether a layer that says it was built for a shape was built for this tensor, whose open sizes are None then."""
    shape = value.tensor.shape
    if not isinstance(said, list) or len(said) != len(shape):
        return False
    batch, *sizes = said
    sure = all((type(own) is int and own == size) or own is None for own, size in zip(sizes, shape[1:], strict=True))
    may_be_open = value.is_open and (sizes[-1:] != [None] or len(sizes) == 1)
    return batch is None and sure and (may_be_open or None not in sizes)


def _read_by(layer: Leaf, op: str, tensor: Tensor) -> Tensor:
    """A tensor as the image that a layer takes it for."""
    layout = image_layout(layer.settings, op, len(tensor.shape)) if tensor.layout is None else tensor.layout
    return replace(tensor, layout=layout)


def _parameter(layer: Leaf, op: str, path: str, weight: Weight) -> Parameter:
    name = f"{layer.name}/{weight.name}".rpartition(f"{layer.name}/")[2]
    if weight.trained:
        role = "trainable" if layer.trainable else "frozen"
    else:
        role = "statistics" if op in _WITH_STATISTICS else "frozen"
    return Parameter(f"{path}/{name}", weight.shape, weight.dtype, role)
