"""What is known of every value before any data is seen: its type, and where it is a shape or an axis, its numbers.

Node by node, onnx's own inference says what a node gives for what it gets. In between, arithmetic on shapes (half the
size of an image, as a reshape's target) is worked out; onnx's inference of whole graphs gives up on most of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy
from onnx import defs, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from ..ir import Shape, Tensor
from .onnx_cost import own_shapes
from .onnx_graph import Graph, Node, Stored, dtype_name
from .onnx_ops import SAME_AS, Call, settings_of

#: Tensors of more elements are no shapes.
_MOST_ELEMENTS = 1024
#: What is worked out; whatever else there is in a file never runs.
_ARITHMETIC = frozenset(
    [
        *("Abs", "Add", "And", "Cast", "Ceil", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Flatten"),
        *("Floor", "Gather", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max", "Min", "Mod"),
        *("Mul", "Neg", "Not", "Or", "Pow", "Range", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape"),
        *("Round", "Shape", "Sign", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Tile", "Transpose"),
        *("Unsqueeze", "Where"),
    ]
)
#: Of what they read, these want the shape alone.
_OF_SHAPES = ("Shape", "Size")
#: Operators that give something else each time, and those that run graphs.
_NEVER_CONSTANT = ("Random", "Bernoulli", "Multinomial", "If", "Loop", "Scan", "SequenceMap")


@dataclass
class Values:
    """What is known of values, by name.

    ``constant`` are those that neither the network's inputs nor its parameters flow through; ``static`` are these and
    what parameters alone flow through.
    """

    types: dict[str, Any]
    numbers: dict[str, Any]
    constant: set[str]
    static: set[str]
    layouts: dict[str, str | None] = field(default_factory=dict)

    def tensor(self, name: str) -> Tensor | None:
        """A value as a tensor, None if it is none or its shape isn't known."""
        kind = self.types.get(name)
        sizes = None if kind is None else shape_of(kind)
        if kind is None or sizes is None:
            return None
        return Tensor(sizes, dtype_name(kind.tensor_type.elem_type), self.layouts.get(name))

    def call(self, node: Node) -> Call:
        """A node and what is known around it."""
        return Call(
            SAME_AS.get(node.kind, node.kind),
            settings_of(node.proto),
            tuple(map(self.tensor, node.inputs)),
            tuple(map(self.tensor, node.outputs)),
            tuple(map(self.numbers.get, node.inputs)),
            tuple(map(bool, node.inputs)),
            tuple(name in self.static for name in node.inputs),
        )


def shape_of(kind: Any) -> Shape | None:
    """The shape in an ONNX type, None if it isn't a tensor's or isn't known."""
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    sizes = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in kind.tensor_type.shape.dim)
    return sizes if min(sizes, default=0) >= 0 else None


def follow(graph: Graph, inputs: Mapping[str, Any], bound: Mapping[str, int], parameters: Collection[str]) -> Values:
    """The values of a graph whose inputs have these types; ``bound`` are the sizes that its symbols stand for."""
    types = {
        name: helper.make_tensor_type_proto(tensor.element_type, tensor.shape) for name, tensor in graph.stored.items()
    }
    types |= inputs
    constant = graph.stored.keys() - parameters
    numbers = {name: n for name in constant if (n := _numbers(graph.stored[name])) is not None}
    values = Values(types, numbers, set(constant), set(graph.stored))
    for node in graph.nodes:
        is_sure = _infer(graph, node, values, bound)
        if node.proto.domain or node.kind.startswith(_NEVER_CONSTANT):
            continue
        shape_is_known = bool(node.inputs) and values.tensor(node.inputs[0]) is not None
        if (node.kind in _OF_SHAPES and shape_is_known) or values.constant.issuperset(node.reads):
            values.constant.update(node.outputs)
            if is_sure:
                _work_out(graph, node, values)
        if values.static.issuperset(node.reads):
            values.static.update(node.outputs)
        values.static.update(values.constant.intersection(node.outputs))
    return values


def _numbers(tensor: Stored) -> Any:
    if tensor.proto is None or prod(tensor.shape) > _MOST_ELEMENTS:
        return None
    try:
        return numpy_helper.to_array(tensor.proto)
    except (KeyError, TypeError, ValueError):
        return None  # fewer bytes than its shape needs, or of an unknown type


def _infer(graph: Graph, node: Node, values: Values, bound: Mapping[str, int]) -> bool:
    """Adds the types of what a node gives: onnx's word, else our own, else what the file claims.

    Whether all shapes are known without the file's claims.
    """
    known = {name: values.types[name] for name in node.reads if name in values.types}
    numbers = {name: values.numbers[name] for name in node.reads if name in values.numbers}
    found: dict[str, Any] = {}
    proto = node.proto
    if node.kind in SAME_AS:
        proto = helper.make_node(SAME_AS[node.kind], proto.input, proto.output)
        proto.attribute.extend(node.proto.attribute)
    try:
        version = next(item.version for item in graph.opsets if item.domain == proto.domain)
        found = shape_inference.infer_node_outputs(
            defs.get_schema(proto.op_type, version, proto.domain),
            proto,
            known,
            {name: numpy_helper.from_array(array) for name, array in numbers.items()},
            opset_imports=list(graph.opsets),
            ir_version=graph.ir_version,
        )
    except Exception:
        # An operator that onnx doesn't know, or inputs that it refuses: it says so by whichever of its exceptions.
        found = {}
    values.types.update(found)
    for name, sizes in zip(node.outputs, own_shapes(values.call(node)), strict=False):
        first = values.types[node.inputs[0]].tensor_type.elem_type
        values.types[name] = helper.make_tensor_type_proto(first, sizes)
    unknown = [name for name in node.outputs if values.tensor(name) is None]
    for name in unknown:
        if name in graph.hints:
            claimed = _fixed(graph.hints[name], bound)
            if name not in values.types or shape_of(claimed) is not None:
                values.types[name] = claimed
    return not unknown


def _fixed(kind: Any, bound: Mapping[str, int]) -> Any:
    """A type in which sizes stand for the symbols that are known."""
    result = type(kind)()
    result.CopyFrom(kind)
    for dim in result.tensor_type.shape.dim if result.HasField("tensor_type") else ():
        if dim.dim_param in bound:
            dim.dim_value = bound[dim.dim_param]
    return result


def _work_out(graph: Graph, node: Node, values: Values) -> None:
    """Adds the numbers that a node of shape arithmetic gives, if all that it reads is known and all is small."""
    made = [values.tensor(name) for name in node.outputs]
    if node.kind not in _ARITHMETIC or any(t is None or t.size > _MOST_ELEMENTS for t in made):
        return
    feeds = {}
    for name in node.reads:
        tensor = values.tensor(name)
        if node.kind in _OF_SHAPES and tensor is not None:
            # Only its shape is read: as many elements as it takes, of one byte in all.
            feeds[name] = numpy.broadcast_to(numpy.zeros((), numpy.int8), tensor.shape)
        elif name in values.numbers:
            feeds[name] = values.numbers[name]
        else:
            return
    untyped = [
        [helper.make_value_info(name, helper.make_tensor_type_proto(0, None)) for name in names]
        for names in (feeds, node.outputs)
    ]
    model = helper.make_model(helper.make_graph([node.proto], "", *untyped), opset_imports=graph.opsets)
    try:
        with numpy.errstate(all="ignore"):
            found = ReferenceEvaluator(model).run(None, feeds)
    except Exception:
        return  # numbers that the operator refuses
    values.numbers.update(zip(node.outputs, found, strict=True))
