"""The configuration in a Keras file, gone through whole and written again with nothing but what is understood.

Whatever the keys around it are called, each object with a ``class_name`` must be of an allowed class (see
``allowed.py``), so that there is no place in which another could hide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ModelError
from .allowed import RUN_PROGRAMS, class_of, function_of

#: Layers that Keras 2 made of TensorFlow's functions; Keras 3 has none of them.
_OF_KERAS_2 = (
    "ClassMethod",
    "InstanceMethod",
    "InstanceProperty",
    "SlicingOpLambda",
    "TFOpLambda",
    "TensorFlowOpLayer",
)
#: Arguments that may be a file's name, which is then read: of words, and of whole models.
_FILES = ("filepath", "idf_weights", "merges", "proto", "vocabulary")
#: What Keras writes beside the name of a class and its configuration.
_BESIDE = ("__passive_serialization__", "build_config", "inbound_nodes", "name", "shared_object_id")
#: Values that are not objects of a class, and what is written of them.
_VALUES = {
    "__bytes__": ("value",),
    "__ellipsis__": (),
    "__keras_tensor__": ("dtype", "keras_history", "shape"),
    "__numpy__": ("dtype", "value"),
    "__slice__": ("start", "step", "stop"),
    "__tensor__": ("dtype", "value"),
}
#: Element types of numbers. NumPy takes others, of any size.
_DTYPES = frozenset(
    ["bfloat16", "bool", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128"]
    + [f"{kind}{bits}" for kind in ("float", "int", "uint") for bits in (8, 16, 32, 64)]
)
_ADVICE = "Give the code that builds the model: net.py:Net"


def understood(file: str, config: Any) -> dict[str, Any]:
    """A model's configuration, without what it says of training, whose losses may be of somebody's own code.

    Raises:
        ModelError: it isn't one, or names code that isn't Keras' own, or holds code.
    """
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(f"{file} is damaged: its configuration describes no model")
    model = _Walk(file).value(config, "")
    if not isinstance(model, dict):
        raise ModelError(f"{file} is damaged: its configuration describes no model")
    return model


@dataclass(frozen=True, slots=True)
class _Walk:
    file: str

    def value(self, value: Any, layer: str) -> Any:
        """A value as Keras may have it; ``layer`` is the name of the layer around it."""
        if isinstance(value, list):
            return [self.value(item, layer) for item in value]
        if not isinstance(value, dict):
            return value
        if "class_name" in value:
            return self._named(value, layer)
        for key in _FILES:
            if isinstance(value.get(key), str):
                raise ModelError(f"{self.file}: {_in(layer)} reads another file ({key}), and no file's is read")
        return self._plain(value, layer)

    def _plain(self, value: Mapping[str, Any], layer: str) -> dict[str, Any]:
        return {key: self.value(item, layer) for key, item in value.items() if key != "compile_config"}

    def _named(self, value: Mapping[str, Any], layer: str) -> Any:
        name, config = value["class_name"], value.get("config")
        if not isinstance(name, str):
            raise self._damaged(layer, f"the name of a class is {name!r:.80}")
        if name in ("TensorShape", "__tuple__"):
            items = self.value(value.get("items"), layer)
            if not isinstance(items, list):
                raise self._damaged(layer, f"a {name} without its items")
            return items if name == "TensorShape" else tuple(items)
        if name in _VALUES:
            return self._literal(name, value, layer)
        if name == "function":
            return self._function(value, layer)
        inner = config if isinstance(config, dict) else {}
        layer = str(inner.get("name") or layer)[:200]
        self._check(value, name, inner, layer)
        if "config" not in value:
            raise self._damaged(layer, f"a {name} without its configuration")
        rebuilt = {key: self.value(value[key], layer) for key in _BESIDE if key in value}
        self._check_calls(value.get("inbound_nodes", []), layer)
        rebuilt |= {"class_name": name, "config": {} if config is None else self.value(config, layer)}
        if isinstance(config, dict) and "class_name" in config:
            raise self._damaged(layer, "a configuration in the place of another")
        if "module" in value:
            own = class_of(value["module"], name, None)
            rebuilt |= {"module": value["module"], "registered_name": None if own else value.get("registered_name")}
        return rebuilt

    def _check(self, value: Mapping[str, Any], name: str, inner: Mapping[str, Any], layer: str) -> None:
        """Raises ModelError for a class that isn't allowed."""
        module, registered = value.get("module"), value.get("registered_name")
        if not isinstance(module, str | None) or not isinstance(registered, str | None):
            raise self._damaged(layer, f"the module of {name[:80]!r} is not a name")
        if name == "Lambda" or name == "__lambda__":
            code = name == "__lambda__" or isinstance(inner.get("function"), list) or _is_code(inner.get("function"))
            has = "with code of its own" if code else "that runs a function"
            raise ModelError(f"{self.file}: {_in(layer)} is a Lambda {has}, and no file's code is run. {_ADVICE}")
        if name in RUN_PROGRAMS:
            raise ModelError(f"{self.file}: {_in(layer)} ({name}) loads a program, and no file's is run")
        if name in _OF_KERAS_2 and module is None:
            raise ModelError(
                f"{self.file}: {_in(layer)} ({name}) is a function of TensorFlow as Keras 2 wrote it, "
                f"which Keras 3 can't read. {_ADVICE}"
            )
        # A module that is said to be none is somebody's own.
        if class_of((module or "") if "module" in value else None, name, registered) is None:
            raise self._unknown(name, layer)

    def _literal(self, name: str, value: Mapping[str, Any], layer: str) -> Any:
        """A value that is not an object: as it is in the new format, as itself in the old one without ``config``."""
        config = value.get("config")
        if "config" not in value and name == "__ellipsis__":
            return Ellipsis
        if "config" not in value and name == "__bytes__" and isinstance(value.get("value"), str):
            return value["value"].encode()
        if not isinstance(config, dict) or not set(_VALUES[name]) <= set(config):
            raise self._damaged(layer, f"a {name} without {' and '.join(_VALUES[name]) or 'its configuration'}")
        if "dtype" in config and config["dtype"] not in _DTYPES:
            raise self._damaged(layer, f"an element type {config['dtype']!r:.80}")
        inner = {key: self.value(config[key], layer) for key in _VALUES[name]}
        return {"class_name": name, "config": inner}

    def _function(self, value: Mapping[str, Any], layer: str) -> dict[str, Any]:
        name, module = value.get("config"), value.get("module")
        if not isinstance(name, str) or not isinstance(module, str | None):
            raise self._damaged(layer, "a function without a name")
        if function_of(module, name) is None:
            raise self._unknown(name, layer)
        return {"class_name": "function", "config": name, "module": module, "registered_name": name}

    def _check_calls(self, nodes: Any, layer: str) -> None:
        """Raises ModelError for a call without a tensor of the model: it would be run while the model is built."""
        for node in nodes if isinstance(nodes, list) else [None]:
            if not node or (isinstance(node, dict) and not _has_tensor(node)):
                raise self._damaged(layer, "a call that reads nothing of the model")

    def _unknown(self, name: str, layer: str) -> ModelError:
        where = f" in the layer {layer!r}" if layer else ""
        return ModelError(f"{self.file} needs the code of {name[:200]!r}{where}, which isn't in the file. {_ADVICE}")

    def _damaged(self, layer: str, said: str) -> ModelError:
        where = f" in the layer {layer!r}" if layer else ""
        return ModelError(f"{self.file} is damaged: its configuration has {said}{where}")


def _in(layer: str) -> str:
    return f"the layer {layer!r}" if layer else "its model"


def _is_code(function: Any) -> bool:
    return isinstance(function, dict) and function.get("class_name") == "__lambda__"


def _has_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(map(_has_tensor, value.values()))
    return isinstance(value, list) and any(map(_has_tensor, value))
