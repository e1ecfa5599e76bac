"""What is known of every value before any data is seen: its type, and where it is a shape or an axis, its numbers.

Node by node, onnx's own inference says what a node gives for what it gets. In between, arithmetic on shapes (half the
size of an image, as a reshape's target) is worked out; onnx's inference of whole graphs gives up on most of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any

from onnx import defs, helper, numpy_helper, shape_inference

from ...ir import Shape, Tensor
from .cost import has_own_shapes, own_shapes
from .graph import Graph
from .guard import MOST_DIMENSIONS, MOST_ELEMENTS, is_harmless, tame
from .nodes import Node
from .operators import SAME_AS, Call, settings_of
from .stored import dtype_name

#: What a node does where shapes alone decide it: see ``Values.work``.
Work = tuple[object, ...]


class Values:
    """What is known of values, by name.

    ``constant`` are those that neither the network's inputs nor its parameters flow through; ``static`` are these and
    what parameters alone flow through. ``types`` are ONNX's, of which ``learn`` alone brings new ones. ``origins`` are
    the first names of values that bodies know by others.
    """

    def __init__(self, constant: set[str], static: set[str]) -> None:
        self.types: dict[str, Any] = {}
        self.numbers: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.constant, self.static = constant, static
        self._tensors: dict[str, Tensor] = {}
        self._held: dict[tuple[int, Shape], tuple[Any, Tensor]] = {}
        self._given: dict[Work, tuple[tuple[Any, Tensor], ...]] = {}

    def learn(self, name: str, kind: Any) -> None:
        """Sets a value's type."""
        sizes = shape_of(kind)
        tame(kind)
        self.types[name] = kind
        if sizes is None:
            self._tensors.pop(name, None)
        else:
            self._tensors[name] = Tensor(sizes, dtype_name(kind.tensor_type.elem_type))

    def hold(self, name: str, element_type: int, shape: Shape) -> None:
        """Sets the type of a tensor that the file holds."""
        found = self._held.get((element_type, shape))
        if found is None:
            self.learn(name, helper.make_tensor_type_proto(element_type, shape))
            self._held[element_type, shape] = self.types[name], self._tensors[name]
        else:
            self.types[name], self._tensors[name] = found

    def work(self, node: Node) -> Work | None:
        """What a node does: networks repeat their blocks, and what two nodes with the same work give is of one type.

        None where more than shapes decides it: numbers that are known, types without a shape, subgraphs.
        """
        tensors, proto = self._tensors, node.proto
        if node.bodies or any(name in self.numbers or (name and name not in tensors) for name in node.inputs):
            return None
        return (
            node.kind,
            *[attribute.SerializeToString(deterministic=True) for attribute in proto.attribute],
            *[(tensors.get(name), name in self.static) for name in node.inputs],
            *map(bool, proto.output),
        )

    def repeat(self, node: Node, work: Work | None) -> bool:
        """Sets the types of what a node gives, if a node with the same work came before."""
        given = self._given.get(work) if work is not None else None
        if given is None:
            return False
        for name, (kind, tensor) in zip(node.outputs, given, strict=True):
            self.types[name], self._tensors[name] = kind, tensor
        return True

    def remember(self, node: Node, work: Work) -> None:
        """That a node with this work gives what this one gave, all of whose shapes are known."""
        self._given[work] = tuple((self.types[name], self._tensors[name]) for name in node.outputs)

    def tensor(self, name: str) -> Tensor | None:
        """A value as a tensor, None if it is none or its shape isn't known."""
        return self._tensors.get(name)

    def origin(self, name: str) -> str:
        """The first name of a value."""
        return self.origins.get(name, name)

    def claim(self, name: str, hints: Mapping[str, Any], bound: Mapping[str, int]) -> None:
        """Believes what the file says of a value (``hints``), if nothing else is known of its shape."""
        if self.tensor(name) is None and name in hints:
            claimed = _fixed(hints[name], bound)
            if name not in self.types or shape_of(claimed) is not None:
                self.learn(name, claimed)

    def call(self, node: Node) -> Call:
        """A node and what is known around it."""
        return Call(
            SAME_AS.get(node.kind, node.kind),
            settings_of(node.proto),
            tuple(map(self._tensors.get, node.inputs)),
            tuple(map(self._tensors.get, node.outputs)),
            tuple(map(self.numbers.get, node.inputs)),
            tuple(map(bool, node.inputs)),
            tuple(name in self.static for name in node.inputs),
        )


def shape_of(kind: Any) -> Shape | None:
    """The shape in an ONNX type, None if it isn't a tensor's or isn't known."""
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    if len(dims) > MOST_DIMENSIONS:
        return None
    sizes = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in dims)
    return sizes if min(sizes, default=0) >= 0 and prod(sizes) <= MOST_ELEMENTS else None


def infer(graph: Graph, node: Node, values: Values, bound: Mapping[str, int], work: Work | None) -> bool:
    """Adds the types of what a node with this work gives: onnx's word, else our own, else what the file claims.

    Whether all shapes are known without the file's claims.
    """
    if values.repeat(node, work):
        return True
    known = {name: values.types[name] for name in node.reads if name in values.types}
    numbers = {name: values.numbers[name] for name in node.reads if name in values.numbers}
    found: dict[str, Any] = {}
    proto = node.proto
    if node.kind in SAME_AS:
        proto = helper.make_node(SAME_AS[node.kind], proto.input, proto.output)
        proto.attribute.extend(node.proto.attribute)
    try:
        if not is_harmless(proto):
            raise ValueError(proto.op_type)
        found = shape_inference.infer_node_outputs(
            _schema(proto.op_type, graph.versions[proto.domain], proto.domain),
            proto,
            known,
            {name: numpy_helper.from_array(array) for name, array in numbers.items()},
            opset_imports=list(graph.opsets),
            ir_version=graph.ir_version,
        )
    except Exception:
        # An operator that onnx doesn't know, or inputs that it refuses: it says so by whichever of its exceptions.
        found = {}
    for name, kind in found.items():
        values.learn(name, kind)
    own = own_shapes(values.call(node)) if has_own_shapes(node.kind) else ()
    for name, sizes in zip(node.outputs, own, strict=False):
        first = values.types[node.inputs[0]].tensor_type.elem_type
        values.learn(name, helper.make_tensor_type_proto(first, sizes))
    unknown = [name for name in node.outputs if values.tensor(name) is None]
    for name in unknown:
        values.claim(name, graph.hints, bound)
    if work is not None and not unknown:
        values.remember(node, work)
    return not unknown


def _fixed(kind: Any, bound: Mapping[str, int]) -> Any:
    """A type in which sizes stand for the symbols that are known."""
    result = type(kind)()
    result.CopyFrom(kind)
    for dim in result.tensor_type.shape.dim if result.HasField("tensor_type") else ():
        if dim.dim_param in bound:
            dim.dim_value = bound[dim.dim_param]
    return result


@lru_cache(1024)
def _schema(op_type: str, version: int, domain: str) -> Any:
    return defs.get_schema(op_type, version, domain)
