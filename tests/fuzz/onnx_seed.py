"""Writes a small ONNX file into the folder that is given."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper


def model() -> onnx.ModelProto:
    """A graph with weights, arithmetic on shapes, a function of its own and two branches."""

    def value(name: str, *sizes: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    def weight(name: str, *sizes: int) -> onnx.TensorProto:
        return helper.make_tensor(name, TensorProto.FLOAT, sizes, [0.5] * math.prod(sizes))

    then = helper.make_graph([helper.make_node("Relu", ["f"], ["r"])], "then", [], [value("r", 1, 2)])
    other = helper.make_graph([helper.make_node("Neg", ["f"], ["m"])], "else", [], [value("m", 1, 2)])
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["a"]),
        helper.make_node("Twice", ["a"], ["t"], domain="own"),
        helper.make_node("Shape", ["t"], ["s"]),
        helper.make_node("Reshape", ["t", "shape"], ["v"]),
        helper.make_node("Gemm", ["v", "g"], ["f"]),
        helper.make_node("ReduceMax", ["f"], ["q"], keepdims=0),
        helper.make_node("Cast", ["q"], ["b"], to=TensorProto.BOOL),
        helper.make_node("If", ["b"], ["y"], then_branch=then, else_branch=other),
    ]
    sizes = helper.make_tensor("shape", TensorProto.INT64, [2], [1, -1])
    weights = [weight("w", 4, 3, 3, 3), weight("g", 144, 2), sizes]
    graph = helper.make_graph(nodes, "net", [value("x", 1, 3, 8, 8)], [value("y", 1, 2)], weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = [helper.make_node("Add", ["i", "i"], ["o"])]
    twice = helper.make_function("own", "Twice", ["i"], ["o"], body, opsets[:1])
    return helper.make_model(graph, opset_imports=opsets, functions=[twice], ir_version=8)


if __name__ == "__main__":
    onnx.save(model(), Path(sys.argv[1]) / "net.onnx")
