"""Writes a small file of each kind that torch and onnx make, into the folder that is given."""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from torch import nn


class Looped(nn.Module):
    """Control flow that depends on a number, and on a shape."""

    def forward(self, x: torch.Tensor, n: int = 3) -> torch.Tensor:
        for i in range(n):
            if x.dim() > 1:
                x = torch.relu(x) + i
        return x


def write(folder: Path) -> None:
    """All of them."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
    image = torch.zeros(1, 3, 8, 8)
    weights, optimizer = net.state_dict(), torch.optim.Adam(net.parameters()).state_dict()
    torch.save(weights, folder / "net.pth")
    torch.save(weights, folder / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": weights, "epoch": 3, "optimizer": optimizer}, folder / "training.pth")
    torch.jit.save(torch.jit.trace(net, image), str(folder / "traced.pt"))
    torch.jit.save(torch.jit.script(Looped()), str(folder / "scripted.pt"))
    torch.export.save(torch.export.export(net, (image,)), folder / "net.pt2")
    onnx.save(model(), folder / "net.onnx")


def model() -> onnx.ModelProto:
    """A graph with weights, arithmetic on shapes, a function of its own and two branches."""

    def value(name: str, *sizes: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    def weight(name: str, *sizes: int) -> onnx.TensorProto:
        return helper.make_tensor(name, TensorProto.FLOAT, sizes, [0.5] * torch.Size(sizes).numel())

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
    write(Path(sys.argv[1]))
