"""Small graphs of ONNX. Their MACs stand in ``networks.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17


def _weight(name: str, *shape: int, kind: str = "float32") -> Any:
    return numpy_helper.from_array(np.ones(shape, kind), name)


def _model(
    nodes: Sequence[Any], weights: Sequence[Any], given: Sequence[int], result: Sequence[int], **more: Any
) -> Any:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
        weights,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def gemm() -> Any:
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    return _model([node], [_weight("w", 7, 12), _weight("b", 7)], (2, 12), (2, 7))


def broadcast_matmul() -> Any:
    return _model([helper.make_node("MatMul", ["x", "w"], ["y"])], [_weight("w", 12, 7)], (1, 4, 5, 12), (1, 4, 5, 7))


def grouped_conv() -> Any:
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=4, pads=[1, 1, 1, 1])
    return _model([node], [_weight("w", 16, 2, 3, 3)], (1, 8, 10, 10), (1, 16, 10, 10))


def conv_transpose() -> Any:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    return _model([node], [_weight("w", 4, 6, 3, 3)], (1, 4, 8, 8), (1, 6, 17, 17))


def einsum() -> Any:
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation="bnd,de->bne")
    return _model([node], [_weight("w", 12, 7)], (1, 5, 12), (1, 5, 7))


def gru() -> Any:
    node = helper.make_node("GRU", ["x", "w", "r"], ["y"], hidden_size=20, direction="bidirectional")
    return _model([node], [_weight("w", 2, 60, 10), _weight("r", 2, 60, 20)], (6, 1, 10), (6, 2, 1, 20))


def quantized_conv() -> Any:
    """A convolution whose weights are stored as bytes and scaled when they are read."""
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["floats"]),
        helper.make_node("Conv", ["x", "floats"], ["y"]),
    ]
    weights = [_weight("w", 6, 4, 3, 3, kind="int8"), _weight("scale"), _weight("zero", kind="int8")]
    return _model(nodes, weights, (1, 4, 10, 10), (1, 6, 8, 8))


def loop() -> Any:
    """The same product, three times."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["next"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, ()),
            helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, (2, 12)),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, (2, 12)),
        ],
    )
    times = numpy_helper.from_array(np.array(3, "int64"), "times")
    node = helper.make_node("Loop", ["times", "", "x"], ["y"], body=body)
    return _model([node], [_weight("w", 12, 12), times], (2, 12), (2, 12))


def function() -> Any:
    """A product inside a function of the model's own."""
    product = helper.make_node("MatMul", ["a", "b"], ["c"])
    own = helper.make_function("own", "Dense", ["a", "b"], ["c"], [product], [helper.make_opsetid("", _OPSET)])
    node = helper.make_node("Dense", ["x", "w"], ["y"], domain="own")
    return _model([node], [_weight("w", 12, 7)], (2, 12), (2, 7), functions=[own])


def shared_initializer() -> Any:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "w"], ["y"])]
    return _model(nodes, [_weight("w", 12, 12)], (2, 12), (2, 12))
