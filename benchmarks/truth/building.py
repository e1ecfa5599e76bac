"""Builds the networks of ``networks.py`` and their inputs, on the CPU with weights of their own."""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from networks import Network, named


@dataclass(frozen=True, slots=True)
class Built:
    """A model with what it is called with. Of ONNX, the model is the path of a file."""

    model: Any
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()

    def called(self) -> Any:
        """What the model gives."""
        return self.model(*self.args, **dict(self.kwargs))


def built(network: Network) -> Built:
    """The model and its inputs."""
    if network.framework == "onnx":
        return Built(str(_onnx(network)))
    if network.framework == "keras":
        return Built(_keras(network), tuple(_numbers(text) for text in network.inputs))
    import torch

    torch.manual_seed(0)
    model = _torch(network).eval()
    values = [(text.rpartition("=")[0], _tensor(text.rpartition("=")[2])) for text in network.inputs]
    positional = tuple(value for name, value in values if not name)
    return Built(model, positional, tuple((name, value) for name, value in values if name))


def _torch(network: Network) -> Any:
    settings = dict(network.settings)
    if network.group == "torchvision":
        from torchvision.models import get_model

        return get_model(network.name, weights=None, **settings)
    if network.group == "timm":
        import timm

        return timm.create_model(network.name, **settings)
    if network.group == "transformers":
        from transformers import AutoConfig, AutoModel

        return AutoModel.from_config(AutoConfig.for_model(network.name, **settings, use_cache=False))
    if network.group.startswith("package "):
        factory = _referred(str(settings.pop("factory")))
        named = {key: _referred(item[1:]) if str(item).startswith("@") else item for key, item in settings.items()}
        return factory(*named.pop("args", ()), **named)
    return getattr(importlib.import_module("by_hand_torch"), network.name)()


def _referred(text: str) -> Any:
    """What ``module:attribute.attribute`` stands for."""
    module, _, names = text.partition(":")
    return attrgetter(names)(importlib.import_module(module))


def _keras(network: Network) -> Any:
    import keras

    if network.group == "keras applications":
        shape = _sizes(network.inputs[0])[1:]
        return getattr(keras.applications, network.name)(weights=None, input_shape=shape, **dict(network.settings))
    return getattr(importlib.import_module("by_hand_keras"), network.name)()


def _onnx(network: Network) -> Path:
    path = Path(tempfile.mkdtemp()) / network.name
    if network.group == "onnx exported":
        import torch

        net = built(named(str(dict(network.settings)["of"])))
        torch.onnx.export(net.model, net.args, path, dynamo=False, opset_version=17)
    else:
        import onnx

        onnx.save(getattr(importlib.import_module("by_hand_onnx"), path.stem)(), path)
    return path


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split("x"))


def _tensor(text: str) -> Any:
    """Noise, or small numbers where whole ones are asked for."""
    import torch

    sizes, _, kind = text.partition(":")
    shape = _sizes(sizes)
    if kind.startswith("int"):
        return torch.randint(2, 20, shape, dtype=getattr(torch, kind))
    return torch.randn(shape, dtype=getattr(torch, kind or "float32"))


def _numbers(text: str) -> Any:
    import numpy as np

    return np.random.default_rng(0).normal(size=_sizes(text)).astype("float32")
