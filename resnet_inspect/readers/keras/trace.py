"""One symbolic run of a Keras model, recorded as layers: leaf layers, functional operations, edges, MACs.

A model's layers are called on ``KerasTensor``s, which have a shape and no values. Every call goes through
``Layer.symbolic_call``, every functional operation through ``Operation.symbolic_call``: there we listen. A layer
that is made of others (a nested model, a subclass) is opened by running its ``call`` on the same tensors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import keras

from ...errors import InputError, message
from ...ir import Attributes, Layer, Parameter, Tensor
from ...ops import vocabulary
from ...rows.builder import Rows
from ...rows.identities import Identities
from . import cost as keras_cost
from . import operators
from .compat import NODE, Node, Operation, compute_output_spec, get_shapes_dict, is_default
from .compat import Layer as KerasLayer
from .failure import failed_layer, failure, reads_values
from .inputs import Given, arguments_of
from .layers import output_layout
from .values import Values, shape_of
from .variables import describe_variable, own_weights


@dataclass
class _Frame:
    """A running container: its path, its own operations, and how often each other one was called in it."""

    path: str
    named: frozenset[int] = frozenset()
    names: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Records the layers of one run; ``record`` is the door."""

    def __init__(self, model: Any, name: str) -> None:
        self.name = name
        self.values = Values()
        self.rows = Rows(self.values)
        self.modules: dict[str, str] = {}
        self._model = model
        self._parameters: dict[int, Parameter] = {}
        self._stack: list[_Frame] = []
        self._masks: set[str] = set()
        self._read: set[int] = set()
        self._in_leaf = False
        self._paths: dict[int, str] = {}
        self._touched: list[Any] = []

    def record(self, given: Given, training: bool) -> list[Tensor]:
        """Calls the model as given, as in ``training`` or as in use; gives its outputs.

        Raises:
            InputError: a layer refuses its input, with the layer and the shapes, or the code needs data.
        """
        self.modules[""] = _kind(self._model)
        for name, tensor, layout in given.tensors:
            self.rows.add_input(tensor, name, "InputLayer", layout)
            self.modules[name] = "InputLayer"
        # A layer that isn't made of others is the only row: it needs a name.
        self._paths[id(self._model)] = "" if operators.is_composite(self._model) else self._model.name
        filtering = keras.config.is_traceback_filtering_enabled()
        # Unfiltered tracebacks tell which layer failed.
        keras.config.disable_traceback_filtering()
        try:
            with self._listening():
                output = _called(self._model, given, training)
        except InputError:
            raise
        except Exception as error:
            layer = failed_layer(error)
            raise InputError(f"{self.name}: {failure(error)}", layer and layer.name) from error
        finally:
            if filtering:
                keras.config.enable_traceback_filtering()
            self._forget()
        return [self.values.tensor(tensor) for tensor in keras.tree.flatten(output) if tensor in self.values]

    @contextmanager
    def _listening(self) -> Iterator[None]:
        recorder = self
        of_layer, of_operation = KerasLayer.symbolic_call, Operation.symbolic_call
        of_build, of_masks = KerasLayer._maybe_build, KerasLayer._set_mask_metadata
        of_value = keras.Variable.value

        def layer_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return recorder._call_layer(of_layer, layer, args, kwargs)

        def operation_call(operation: Any, *args: Any, **kwargs: Any) -> Any:
            return recorder._call_operation(of_operation, operation, args, kwargs)

        def maybe_build(layer: Any, call_spec: Any) -> None:
            if layer.built or recorder._in_leaf or not operators.is_composite(layer) or not is_default(layer.build):
                return of_build(layer, call_spec)
            # Keras would run its code once to build what is in it, at each level anew: opening it does as much.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return layer.build(next(iter(get_shapes_dict(call_spec).values()), None))

        def set_masks(layer: Any, *args: Any) -> None:
            first = len(recorder.rows.layers)
            of_masks(layer, *args)
            recorder._masks.update(item.id for item in recorder.rows.layers[first:])

        def value(variable: Any) -> Any:
            recorder._read.add(id(variable))
            return of_value.fget(variable)

        KerasLayer.symbolic_call, Operation.symbolic_call = layer_call, operation_call
        KerasLayer._maybe_build, KerasLayer._set_mask_metadata = maybe_build, set_masks
        try:
            # What is done to a weight alone (a token repeated for the batch) is heard of no other way.
            with mock.patch.object(keras.Variable, "value", property(value)), mock.patch(NODE, _node):
                yield
        finally:
            KerasLayer.symbolic_call, Operation.symbolic_call = of_layer, of_operation
            KerasLayer._maybe_build, KerasLayer._set_mask_metadata = of_build, of_masks

    def _call_layer(self, original: Callable[..., Any], layer: Any, args: Any, kwargs: Any) -> Any:
        arguments = arguments_of(layer, args, kwargs)
        given = [tensor for tensor in keras.tree.flatten(list(arguments.values())) if tensor in self.values]
        if self._in_leaf or not given:
            # Tensors of its own: a Sequential is building itself.
            return original(layer, *args, **kwargs)
        path = self._path(layer)
        self._touched.append(layer)
        if path:
            self.modules.setdefault(path, _kind(layer))
        if operators.is_composite(layer):
            mark = len(self.rows.layers), len(self.modules), len(self._parameters)
            try:
                output = self._open(layer, path, args, kwargs)
            except _RAW_FUNCTION_ERRORS as error:
                if "KerasTensor" not in message(error) or reads_values(error):
                    raise
                # Its code calls the backend's own functions, which only take the backend's tensors: one row then.
            else:
                if not any(map(keras.ops.is_tensor, keras.tree.flatten(output))):
                    return output
                # What it gives is made of its weights alone (positions), which have values: one row, too.
            self._back_to(*mark)
        self._in_leaf = True
        try:
            try:
                output = original(layer, *args, **kwargs)
            except TypeError:
                # A subclass of one of Keras' layers, with arguments that its ancestor's shapes know nothing of.
                if type(layer).call.__module__.startswith("keras."):
                    raise
                output = compute_output_spec(layer.call, *args, **kwargs)
            if any(None in tensor.shape for tensor in keras.tree.flatten(output)):
                # Some layers only say what their constructor was told; running their code tells all.
                code = layer.quantized_call if getattr(layer, "quantization_mode", None) else layer.call
                output = compute_output_spec(code, *args, **kwargs)
        finally:
            self._in_leaf = False
        inputs = [_read_by(layer, self.values.tensor(tensor)) for tensor in given]
        outputs = [t for t in keras.tree.flatten(output) if isinstance(t, keras.KerasTensor)]
        shapes = [Tensor(shape_of(t), t.dtype) for t in outputs]
        op, attributes = operators.describe_layer(layer, inputs, shapes)
        masks = keras.tree.flatten([value for name, value in arguments.items() if name.endswith("mask")])
        masked = {id(tensor) for tensor in masks}
        values = [known for known, tensor in zip(inputs, given, strict=True) if id(tensor) not in masked]
        macs = keras_cost.layer_macs(layer, op, dict(attributes), values or inputs, shapes)
        self._add(
            path, _kind(layer), op, given, inputs, outputs, attributes, macs, self._used(layer.weights, layer, path)
        )
        return output

    def _open(self, layer: Any, path: str, args: Any, kwargs: Any) -> Any:
        """Runs a container's own code on symbolic tensors, so that what it calls is heard."""
        operations = getattr(getattr(layer, "_functional", None) or layer, "_operations", ())
        self._stack.append(_Frame(path, frozenset(id(item) for item in operations)))
        try:
            return layer.call(*args, **kwargs)
        finally:
            self._stack.pop()

    def _call_operation(self, original: Callable[..., Any], operation: Any, args: Any, kwargs: Any) -> Any:
        flat = keras.tree.flatten((args, kwargs))
        given = [tensor for tensor in flat if tensor in self.values]
        if self._in_leaf or not given:
            return original(operation, *args, **kwargs)
        self._in_leaf = True  # some operations are made of others
        try:
            output = original(operation, *args, **kwargs)
        finally:
            self._in_leaf = False
        self._touched.append(operation)
        outputs = [t for t in keras.tree.flatten(output) if isinstance(t, keras.KerasTensor)]
        if type(operation).__name__ == "ConvertToTensor" and given and outputs[0].dtype == given[0].dtype:
            # Every functional model does this to its inputs: nothing.
            self.values.same(outputs[0], given[0])
            return output
        op, attributes = operators.describe_operation(operation)
        variables = [item for item in flat if isinstance(item, keras.Variable)]
        operands = [
            self.values.tensor(item)
            if item in self.values
            else Tensor(shape_of(item), keras.backend.standardize_dtype(item.dtype))
            for item in flat
            if hasattr(item, "shape") and hasattr(item, "dtype")
        ]
        macs = keras_cost.operation_macs(op, attributes, operands, [Tensor(shape_of(t), t.dtype) for t in outputs])
        if op == "vectorized_map":
            macs = self._mapped_macs(operation.function, args[0])
        path = self._operation_path(operation, op)
        inputs = [self.values.tensor(tensor) for tensor in given]
        uses = self._used(variables, None, path)
        word = op if op in vocabulary.VOCABULARY else "other"
        self._add(path, type(operation).__name__, word, given, inputs, outputs, attributes, macs, uses)
        return output

    def _mapped_macs(self, function: Callable[[Any], Any], elements: Any) -> int | None:
        """What a function costs that is called on each item of a batch: it is heard once."""
        before = len(self.rows.layers), len(self.modules), len(self._parameters)
        names = dict(self._stack[-1].names)

        def item(tensor: Any) -> Any:
            alone = keras.KerasTensor(tensor.shape[1:], tensor.dtype)
            self.values.produced(alone, self.values.source(tensor) or "", None)
            return alone

        function(keras.tree.map_structure(item, elements))
        macs = [layer.macs for layer in self.rows.layers[before[0] :]]
        self._back_to(*before)
        self._stack[-1].names = names
        count = keras.tree.flatten(elements)[0].shape[0]
        return None if None in macs else int(count) * sum(each or 0 for each in macs)

    def _add(
        self,
        path: str,
        kind: str,
        op: str,
        given: list[Any],
        inputs: list[Tensor],
        outputs: list[Any],
        attributes: Attributes,
        macs: int | None,
        uses: list[Parameter],
    ) -> None:
        layouts = [output_layout(op, inputs, len(tensor.shape)) for tensor in outputs]
        self.rows.add(path, kind, op, given, outputs, uses, attributes, macs, layouts, inputs)

    def _path(self, layer: Any) -> str:
        """Its name below the container that runs it; a layer shared by containers keeps its first path."""
        if id(layer) not in self._paths:
            prefix = self._stack[-1].path if self._stack else ""
            self._paths[id(layer)] = f"{prefix}.{layer.name}" if prefix else layer.name
        return self._paths[id(layer)]

    def _operation_path(self, operation: Any, op: str) -> str:
        """A functional model's operation has a name; one that code calls is counted within its container."""
        if not self._stack:
            return op  # before the model runs, Keras casts inputs of another type than its own
        frame = self._stack[-1]
        prefix = f"{frame.path}." if frame.path else ""
        if id(operation) in frame.named:
            return prefix + str(operation.name)
        count = frame.names[op] = frame.names.get(op, -1) + 1
        return f"{prefix}{op}_{count}" if count else prefix + op

    def _used(self, variables: Iterable[Any], layer: Any, path: str) -> list[Parameter]:
        """Variables as parameters, named by the first ``layer`` that uses them, which is at ``path``."""
        for variable in variables:
            if id(variable) not in self._parameters:
                self._parameters[id(variable)] = describe_variable(variable, path, layer, self._model.trainable)
        return [self._parameters[id(variable)] for variable in variables]

    def finish(self) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
        """All layers, with a row for each whose weights no call was seen to use, and the names of those weights."""
        layers = self.rows.layers
        layers[:] = self._without_unread_masks()
        unused: list[str] = []
        for layer in [self._model, *self._model._flatten_layers(include_self=False)]:
            own = [variable for variable in own_weights(layer) if id(variable) not in self._parameters]
            if not own:
                continue
            path = self._paths.get(id(layer), layer.name) or _kind(layer)
            parameters = self._used(own, layer, path)
            place = next((i for i, known in enumerate(layers) if known.path.startswith(f"{path}.")), None)
            if place is not None or not self._paths.get(id(layer), "?"):
                # A container's own weight, used where nobody could see it: its first layer counts it.
                first = place if place is not None else next(i for i, item in enumerate(layers) if item.op != "input")
                layers[first] = replace(layers[first], parameters=(*layers[first].parameters, *parameters))
            else:
                self.rows.add_uncalled(path, _kind(layer), operators.layer_op(layer), parameters)
            read_alone = [id(variable) in self._read for variable in own]
            named = zip(parameters, read_alone, strict=True)
            unused += [p.name for p, was_read in named if not was_read and p.role != "statistics"]
        return tuple(layers), tuple(unused)

    def _without_unread_masks(self) -> list[Layer]:
        """The layers without the masks that functional models have in their graph and make anew while they run.

        What is left is numbered as if nobody had made those.
        """
        read: set[str] = set()
        kept: list[Layer] = []
        for layer in reversed(self.rows.layers):
            if layer.id in read or layer.id not in self._masks:
                kept.append(layer)
                read.update(layer.inputs)
        if len(kept) == len(self.rows.layers):
            return kept[::-1]
        identities = Identities()
        ids = {layer.id: identities.next(layer.path) for layer in reversed(kept)}
        return [
            replace(layer, id=ids[layer.id], inputs=tuple(ids[source] for source in layer.inputs))
            for layer in reversed(kept)
        ]

    def _back_to(self, layers: int, modules: int, parameters: int) -> None:
        """Forgets what was heard since there were so many layers, modules and parameters."""
        self.rows.back_to(layers)
        while len(self.modules) > modules:
            self.modules.popitem()
        while len(self._parameters) > parameters:
            self._parameters.popitem()

    def _forget(self) -> None:
        """Takes this run's nodes off the layers: they would change what Keras itself says of the model."""
        made = {id(tensor) for tensor in self.values}
        for item in self._touched:
            for nodes in (item._inbound_nodes, item._outbound_nodes):
                nodes[:] = [
                    node
                    for node in nodes
                    if not any(id(tensor) in made for tensor in (*node.outputs, *node.arguments.keras_tensors))
                ]


def _called(model: Any, given: Given, training: bool) -> Any:
    """What a model gives. In training, code may count steps: what it assigns is lost."""
    if not training:
        return model(*given.args, **given.kwargs)
    with keras.StatelessScope():
        return model(*given.args, **{"training": True, **given.kwargs})


def _node(operation: Any, call_args: Any, call_kwargs: Any, outputs: Any) -> Any:
    """A node for what a model gives, which may be no tensor (None, a number) beside its tensors.

    Keras records each call of a layer as a node, whose outputs must all be tensors.
    """
    tensors = [item for item in keras.tree.flatten(outputs) if isinstance(item, keras.KerasTensor)]
    return Node(operation=operation, call_args=call_args, call_kwargs=call_kwargs, outputs=tensors)


#: What Keras and the backends raise when a KerasTensor meets a function of theirs.
_RAW_FUNCTION_ERRORS = (TypeError, ValueError, AttributeError, NotImplementedError)


def _read_by(layer: Any, tensor: Tensor) -> Tensor:
    """A tensor as the image that a layer takes it for, whatever it was before (a reshape's result)."""
    layout = operators.image_layout(layer, len(tensor.shape)) if tensor.layout is None else tensor.layout
    return replace(tensor, layout=layout)


def _kind(layer: Any) -> str:
    return type(layer).__name__
