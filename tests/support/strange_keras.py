"""Configurations of Keras models that no honest file has, made of honest ones."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INPUT = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "x"}}


def layer(kind: str, config: Any = None, module: Any = "keras.layers", **beside: Any) -> dict[str, Any]:
    """A layer as the new format has it."""
    inner = {} if config is None else config
    return {"module": module, "class_name": kind, "registered_name": None, "config": inner, **beside}


def sequential(*layers: Any, **config: Any) -> dict[str, Any]:
    """A model of four numbers and these layers."""
    return layer("Sequential", {"name": "net", "layers": [INPUT, *layers], **config}, "keras")


def function(name: str, module: str | None) -> dict[str, Any]:
    """A function as Keras writes it."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def doubled(levels: int) -> dict[str, Any]:
    """A model that calls a model twice, which calls another one twice, and so on: 2 ** levels layers."""

    def tensor(name: str) -> dict[str, Any]:
        inner = {"shape": [None, 4], "dtype": "float32", "keras_history": [name, 0, 0]}
        return {"args": [{"class_name": "__keras_tensor__", "config": inner}], "kwargs": {}}

    model = layer("Dense", {"units": 4, "name": "dense"})
    name, first = "dense", 0
    for level in range(levels):
        called = {**model, "name": name, "inbound_nodes": [tensor("x"), tensor(name)]}
        config = {
            "name": f"net{level}",
            "layers": [{**INPUT, "name": "x", "inbound_nodes": []}, called],
            "input_layers": [["x", 0, 0]],
            "output_layers": [[name, 1 + first, 0]],
        }
        model, name, first = layer("Functional", config, "keras.src.models.functional"), f"net{level}", 1
    return model


def written(path: Path, config: Any) -> str:
    """The file of a configuration, in the new format."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        archive.writestr("model.weights.h5", b"")
    return str(path)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value in a document."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], item: Any) -> Any:
    """A document with another value at a place."""
    if not path:
        return item
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], item)
    return copy


def renamed(value: Any, path: tuple[Any, ...], key: str) -> Any:
    """A document in which an object's key is another one."""
    *before, last = path
    owner = value
    for item in before:
        owner = owner[item]
    if not isinstance(owner, dict):
        return value
    return replaced(value, tuple(before), {key if name == last else name: item for name, item in owner.items()})
