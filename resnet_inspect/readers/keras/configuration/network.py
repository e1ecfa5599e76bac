"""A model's configuration as a graph: which layers there are, and which call reads what, in the order of Keras' run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from .calls import DTYPES, MOST, call_of, entries, in_order, source_of
from .graph import Call, Input, Leaf, Member, Network, Operation, Source
from .kind import Kind, without_weights
from .layers import KINDS
from .masks import in_row, is_masked, makes_mask
from .settings import Check, Unknown, count, flag, known, layer_name, only, policy, read, several

#: Classes of models, and the modules that Keras writes of them.
_MODELS = {"Functional": ("keras.src.models.functional",), "Sequential": ("keras", "keras.models")}
#: Keras' functional operations that a graph may have beside layers, and what is written of them.
_OPERATIONS: Mapping[str, Mapping[str, Check]] = {
    **{name: {} for name in ("Add", "Multiply", "NotEqual")},
    "Any": {"axis": only(-1), "keepdims": only(False)},
}
_OPERATIONS_OF = "keras.src.ops.numpy"
#: The kinds of layers as an ``.h5`` names them: where they are defined, not where they are offered.
_DEFINED = {kind.type or name: kind for name, kind in KINDS.items()}
#: What stands beside a layer's configuration.
_BESIDE = {"module", "class_name", "config", "registered_name", "build_config", "name", "inbound_nodes"}


def network(config: Any, is_archive: bool) -> Network:
    """The model of a configuration, as a ``.keras`` has it, or an ``.h5``, whose classes have no modules.

    Raises:
        Unknown: it says something that isn't known here.
    """
    known(isinstance(config, dict), "a model")
    _check_shared(config)
    reader = _Reader(is_archive)
    found = reader.network(config)
    # Keras numbers the names that it gives to the masks of a network.
    known(not reader.has_unnamed_mask or reader.masks == 1, "several masks")
    return found


@dataclass
class _Reader:
    is_archive: bool
    count: int = 0
    masks: int = 0
    has_unnamed_mask: bool = False

    def network(self, item: Mapping[str, Any]) -> Network:
        made_as = str(item.get("class_name"))
        known(made_as in _MODELS and item.keys() <= _BESIDE | {"compile_config"}, "another kind of model")
        self._check_module(item, _MODELS[made_as])
        # A model is built by its layers: what it says of that itself is only looked at.
        built = item.get("build_config") or {}
        known(isinstance(built, dict) and built.keys() <= {"input_shape"}, "what it is built for")
        known(_is_shape(built.get("input_shape")), "what it is built for")
        config = item["config"]
        known(isinstance(config, dict) and isinstance(config.get("layers"), list), "a model without layers")
        return (self._functional if made_as == "Functional" else self._sequential)(config)

    def _functional(self, config: Mapping[str, Any]) -> Network:
        keys = {"name", "trainable", "layers", "input_layers", "output_layers"}
        known(config.keys() == keys, "a model's settings")
        members, inputs = {}, {}
        found: dict[Source, Call] = {}
        for item in config["layers"]:
            known(isinstance(item, dict) and isinstance(item.get("inbound_nodes"), list), "a layer")
            name = layer_name(item.get("name"))
            known(name not in members and name not in inputs, "two layers of one name")
            if item.get("class_name") == "InputLayer":
                inputs[name] = self._input(item)
                known(not item["inbound_nodes"], "an input that reads")
            else:
                members[name] = self._member(item)
                for number_of, node in enumerate(item["inbound_nodes"]):
                    found[Source(name, number_of)] = call_of(name, node, members[name])
            known((inputs.get(name) or members[name]).name == name, "two names of a layer")
        _check_trained(config["trainable"], members)
        given = [source_of(entry) for entry in entries(config["input_layers"])]
        known(
            [*sorted(name for name, _ in given)] == sorted(inputs) and {call for _, call in given} == {0}, "its inputs"
        )
        # A nested functional model has a call of its own already, which only this list counts.
        ends = [source_of(entry) for entry in entries(config["output_layers"])]
        ends = [
            Source(name, call - 1) if _is_functional(members.get(name)) else Source(name, call) for name, call in ends
        ]
        calls = in_order(found, inputs, ends)
        return Network(
            layer_name(config["name"]),
            "Functional",
            tuple(inputs[name] for name, _ in given),
            members,
            calls,
            tuple(ends),
            is_masked(members, calls, ends),
        )

    def _sequential(self, config: Mapping[str, Any]) -> Network:
        known(config.keys() <= {"name", "trainable", "dtype", "layers", "build_input_shape"}, "a model's settings")
        policy(config.get("dtype", "float32"))
        first, *rest = config["layers"] or [None]
        known(isinstance(first, dict) and first.get("class_name") == "InputLayer" and rest, "a model without an input")
        given = self._input(first)
        shape = config.get("build_input_shape")
        known(shape is None or shape == list(given.shape), "what it is built for")
        row: list[Member] = []
        for item in rest:
            known(isinstance(item, dict), "a layer")
            row.append(self._member(item))
        known(not any(isinstance(member, Operation) for member in row), "an operation")
        members, found, masked = in_row(given.name, row)
        self.has_unnamed_mask |= len(members) > len(row)
        _check_trained(config.get("trainable", True), members)
        last = Source(row[-1].name, 0)
        calls = in_order(found, [given.name], [last])
        return Network(layer_name(config.get("name")), "Sequential", (given,), members, calls, (last,), masked)

    def _input(self, item: Mapping[str, Any]) -> Input:
        self._check_module(item, ("keras.layers",))
        known(item.keys() <= _BESIDE | {"shared_object_id"}, "an input")
        known(isinstance(item.get("config"), dict), "an input's settings")
        takes = {
            "batch_shape": several(lambda size: size if size is None else count(size), 2, 3, 4, 5),
            "dtype": only(*DTYPES),
            **dict.fromkeys(("sparse", "ragged"), only(False)),
            "name": layer_name,
        }
        found = read(item["config"], takes, {"optional": only(False)})
        batch, *_, last = found["batch_shape"]
        known(batch is None, "a batch")
        # Numbers of words may be open, as embeddings read them one by one; the layers of others are made for a size.
        known(last is not None or found["dtype"] != "float32", "open features")
        return Input(found["name"], found["batch_shape"], found["dtype"])

    def _member(self, item: Mapping[str, Any]) -> Member:
        self.count += 1
        known(self.count <= MOST, "so many layers")
        made_as, config = str(item.get("class_name")), item.get("config")
        if made_as in _MODELS:
            return self.network(item)
        known(item.keys() <= _BESIDE and isinstance(config, dict), "a layer")
        assert isinstance(config, dict)
        if self.is_archive and item.get("module") == _OPERATIONS_OF:
            self._check_module(item, (_OPERATIONS_OF,))
            known(made_as in _OPERATIONS and "build_config" not in item, "an operation")
            return Operation(read(config, {"name": layer_name, **_OPERATIONS[made_as]})["name"], made_as)
        self._check_module(item, ("keras.layers",))
        kind = (KINDS if self.is_archive else _DEFINED).get(made_as)
        if kind is None:
            raise Unknown(f"a layer of class {made_as:.80}")
        # The layers of dropout say nothing of being trained, as they hold nothing.
        made = read(config, {"name": layer_name, "dtype": policy, **kind.settings}, {"trainable": flag, **kind.missing})
        settings = SimpleNamespace(**{**kind.fixed, **made}, get_config=lambda: config)
        built = _built_for(item, kind)
        leaf = Leaf(made["name"], kind.type or made_as, kind, settings, made.get("trainable", True), built)
        self.masks += makes_mask(leaf)
        return leaf

    def _check_module(self, item: Mapping[str, Any], modules: Sequence[str]) -> None:
        if self.is_archive:
            registered = item.get("registered_name")
            known(
                item.get("module") in modules and registered in (None, item["class_name"]), "a class of another module"
            )
        else:
            known("module" not in item and "registered_name" not in item, "a class of a module")


def _check_shared(config: Any) -> None:
    """Raises Unknown for two objects under one id, of which Keras takes the second for the first."""
    found: dict[int, tuple[Any, Any]] = {}
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
            if "shared_object_id" in item:
                identity, what = item["shared_object_id"], (item.get("class_name"), item.get("config"))
                known(type(identity) is int and found.setdefault(identity, what) == what, "an object in two places")


def _check_trained(trainable: Any, members: Mapping[str, Member]) -> None:
    """Raises Unknown for a model that isn't trained and yet has a layer that is, which of the two Keras believes."""
    known(flag(trainable) or not any(map(_is_trained, members.values())), "a model that isn't trained")


def _is_trained(member: Member) -> bool:
    if isinstance(member, Network):
        return any(map(_is_trained, member.members.values()))
    return isinstance(member, Leaf) and member.trainable and member.kind.weights is not without_weights


def _built_for(item: Mapping[str, Any], kind: Kind) -> Any:
    """The shape, or list of shapes, that a layer says it was built for, if it does."""
    built = item.get("build_config") or None
    if built is None:
        return None
    known(isinstance(built, dict) and len(built) == 1, "what it is built for")
    (word, shapes), *_ = built.items()
    if not kind.tensors:
        known(word == "input_shape" and isinstance(shapes, list), "what it is built for")
        return shapes
    keys = [f"{name}_shape" for name in kind.tensors]
    known(word == "shapes_dict" and isinstance(shapes, dict), "what it is built for")
    known(list(shapes) in (keys, keys[:-1]), "what it is built for")
    return list(shapes.values())


def _is_functional(member: object) -> bool:
    return isinstance(member, Network) and member.type == "Functional"


def _is_shape(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_shape, value))
    return value is None or type(value) is int
