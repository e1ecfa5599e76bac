"""Networks of any number of layers: summaries, and files as the frameworks themselves write them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from resnet_inspect.ir import Layer, Model, Parameter, Summary, Tensor

KINDS = (("conv", "conv2d"), ("bn", "batch_norm"), ("act", "relu"), ("add", "add"))
#: Elements in a row of the input of everything but the convolutions.
WIDTH = 8


def chain(layers: int, prefix: str = "blocks", width: int = 64) -> Summary:
    """Residual blocks of a convolution, a batch norm, an activation and an addition, one behind the other."""
    tensors = (Tensor((1, width, 8, 8), "float32", "NCHW"),)
    made = [Layer("input", "input", "Input", "input", output_tensors=tensors)]
    for index in range(layers):
        name, op = KINDS[index % 4]
        path = f"{prefix}.{index // 4}.{name}"
        sources = (made[-1].id, made[-4].id) if op == "add" else (made[-1].id,)
        weights: tuple[Parameter, ...] = ()
        attributes: tuple[tuple[str, object], ...] = (("eps", 1e-5),) if op == "batch_norm" else ()
        if op == "conv2d":
            weights = (Parameter(f"{path}.weight", (width, width, 3, 3), "float32", "trainable"),)
            attributes = (("in_channels", width), ("out_channels", width), ("kernel_size", (3, 3)), ("stride", (1, 1)))
        made.append(Layer(path, path, name, op, sources, tensors * len(sources), tensors, weights, (), 0, attributes))  # type: ignore[arg-type]
    modules = (("", "Chain"), (prefix, "Sequential"), *((f"{prefix}.{index}", "Block") for index in range(layers // 4)))
    return Summary(Model("chain", "torch", "chain"), tensors, tensors, tuple(made), modules)


def torch_stack(layers: int, width: int = WIDTH) -> Any:
    """A torch module: linear layers and activations, with an addition around each two."""
    import torch
    from torch import nn

    class Stack(nn.Module):
        def __init__(self, blocks: int) -> None:
            super().__init__()
            self.linear = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
            self.relu = nn.ModuleList(nn.ReLU() for _ in range(blocks))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for linear, relu in zip(self.linear, self.relu):  # noqa: B905 - TorchScript knows no strict
                x = x + relu(linear(x))
            return x

    return Stack(layers // 3).eval()


def torchscript(layers: int, file: Path) -> None:
    """An archive of ``torch.jit.script``."""
    import torch

    torch.jit.script(torch_stack(layers)).save(str(file))


def pt2(layers: int, file: Path) -> None:
    """An archive of ``torch.export``."""
    import torch

    torch.export.save(torch.export.export(torch_stack(layers), (torch.zeros(1, WIDTH),)), str(file))


def pth(layers: int, file: Path) -> None:
    """A checkpoint of torch, with a tensor for each layer."""
    import torch

    torch.save({f"blocks.{index}.weight": torch.zeros(WIDTH) for index in range(layers)}, file)


def onnx(layers: int, file: Path) -> None:
    """Residual blocks as ``torch.onnx`` would write them, with weights of their own."""
    import onnx
    from onnx import TensorProto, helper

    nodes, weights = [], []
    last = "input"
    for index in range(layers // 4):
        name = f"/blocks/{index}"
        held = {"w": (WIDTH, WIDTH, 3, 3), **dict.fromkeys(("scale", "bias", "mean", "var"), (WIDTH,))}
        for key, shape in held.items():
            size = 4 * WIDTH * (WIDTH * 9 if key == "w" else 1)
            weights.append(helper.make_tensor(f"{name}/{key}", TensorProto.FLOAT, shape, bytes(size), raw=True))
        norm = [f"{name}/{key}" for key in ("conv", "scale", "bias", "mean", "var")]
        nodes += [
            helper.make_node("Conv", [last, f"{name}/w"], [f"{name}/conv"], f"{name}/Conv", pads=[1, 1, 1, 1]),
            helper.make_node("BatchNormalization", norm, [f"{name}/bn"], f"{name}/BatchNormalization"),
            helper.make_node("Relu", [f"{name}/bn"], [f"{name}/relu"], f"{name}/Relu"),
            helper.make_node("Add", [f"{name}/relu", last], [f"{name}/add"], f"{name}/Add"),
        ]
        last = f"{name}/add"
    sides = [helper.make_tensor_value_info(end, TensorProto.FLOAT, (1, WIDTH, 8, 8)) for end in ("input", last)]
    graph = helper.make_graph(nodes, "chain", sides[:1], sides[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file)


def safetensors(layers: int, file: Path) -> None:
    """A tensor for each layer."""
    size = 4 * WIDTH
    header = {
        f"blocks.{index}.weight": {"dtype": "F32", "shape": [WIDTH], "data_offsets": [index * size, (index + 1) * size]}
        for index in range(layers)
    }
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size * layers))


def weights_h5(layers: int, file: Path) -> None:
    """Weights as Keras names them, one for each layer."""
    import h5py

    with h5py.File(file, "w") as written:
        for index in range(layers):
            written.create_dataset(f"layers/dense_{index}/vars/0", (WIDTH,), "float32")


def keras(layers: int, file: Path) -> None:
    """A functional model: dense layers and activations, with an addition around each two."""
    import sys

    import keras

    sys.setrecursionlimit(100_000)  # Keras goes through a graph by recursion, and this process ends after it
    x = start = keras.Input((WIDTH,))
    for _ in range(layers // 3):
        x = keras.layers.Add()([x, keras.layers.ReLU()(keras.layers.Dense(WIDTH)(x))])
    keras.Model(start, x).save(file)


def savedmodel(layers: int, file: Path) -> None:
    """Products and activations on a variable of their own, with an addition around each two."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = [tf.Variable(tf.zeros((WIDTH, WIDTH))) for _ in range(layers // 3)]

    def call(x: Any) -> Any:
        for weight in module.weights:
            x = x + tf.nn.relu(x @ weight)
        return x

    module.call = tf.function(call, input_signature=[tf.TensorSpec((1, WIDTH), tf.float32)])
    tf.saved_model.save(module, str(file), signatures=module.call)
