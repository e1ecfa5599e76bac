"""A model's configuration as a graph: which layers there are, and which call reads what, in the order of Keras' run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

from ....blocks.keras_order import by_distance
from .kind import Kind, without_weights
from .layers import KINDS
from .settings import Unknown, count, flag, known, layer_name, only, policy, read, several, whole_or_not

#: Layers and calls of a file, those in models that are called again counted again: Keras shall say what are too many.
MOST = 5_000
#: Classes of models, and the modules that Keras writes of them.
_MODELS = {"Functional": ("keras.src.models.functional",), "Sequential": ("keras", "keras.models")}
#: Keras' functional operations that a graph may have beside layers.
_OPERATIONS, _OPERATIONS_OF = ("Add", "Multiply"), "keras.src.ops.numpy"
_DTYPES = ("float32", "int32", "int64")
#: What stands beside a layer's configuration.
_BESIDE = {"module", "class_name", "config", "registered_name", "build_config", "name", "inbound_nodes"}


class Input(NamedTuple):
    """A tensor that a model is given; a size is None where the model leaves it open, as the first, the batch, is."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class Leaf:
    """A layer without layers in it. ``built`` is the shape that it says it was built for, if it does."""

    name: str
    type: str
    kind: Kind
    settings: SimpleNamespace
    trainable: bool
    built: Any = None


@dataclass(frozen=True, eq=False)
class Operation:
    """A functional operation."""

    name: str
    type: str


class Call(NamedTuple):
    """One call of a member of a model: the calls whose results it reads, or the plain numbers.

    ``names`` are the arguments that they are, where a layer tells them apart.
    """

    member: str
    reads: tuple[Source | float, ...]
    names: tuple[str, ...] = ()


class Source(NamedTuple):
    """The result of a call: which member's, and which of its calls."""

    member: str
    call: int


@dataclass(frozen=True, eq=False)
class Network:
    """A Functional or Sequential model, its calls in the order of Keras' run."""

    name: str
    type: str
    inputs: tuple[Input, ...]
    members: Mapping[str, Leaf | Operation | Network]
    calls: Mapping[Source, Call]
    outputs: tuple[Source, ...]


def network(config: Any, is_archive: bool) -> Network:
    """The model of a configuration, as a ``.keras`` has it, or an ``.h5``, whose classes have no modules.

    Raises:
        Unknown: it says something that isn't known here.
    """
    known(isinstance(config, dict), "a model")
    _check_shared(config)
    return _Reader(is_archive).network(config)


@dataclass
class _Reader:
    is_archive: bool
    count: int = 0

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
                    found[Source(name, number_of)] = Call(name, *_reads(node, members[name]))
            known((inputs.get(name) or members[name]).name == name, "two names of a layer")
        _check_trained(config["trainable"], members)
        given = [_source(entry) for entry in _entries(config["input_layers"])]
        known(
            [*sorted(name for name, _ in given)] == sorted(inputs) and {call for _, call in given} == {0}, "its inputs"
        )
        # A nested functional model has a call of its own already, which only this list counts.
        ends = [_source(entry) for entry in _entries(config["output_layers"])]
        ends = [
            Source(name, call - 1) if _is_functional(members.get(name)) else Source(name, call) for name, call in ends
        ]
        order = self._order(found, inputs, ends)
        return Network(
            layer_name(config["name"]),
            "Functional",
            tuple(inputs[name] for name, _ in given),
            members,
            {source: found[source] for source in order},
            tuple(ends),
        )

    def _order(
        self, found: Mapping[Source, Call], inputs: Mapping[str, Input], ends: Sequence[Source]
    ) -> Sequence[Source]:
        """The calls in the order of Keras' run, all of which the outputs need."""
        reads = {source: [item for item in call.reads if isinstance(item, Source)] for source, call in found.items()}
        reads |= {Source(name, 0): [] for name in inputs}
        known(all(item in reads for sources in [*reads.values(), ends] for item in sources), "a call that isn't there")
        known(all(end in found for end in ends), "an output that is an input")
        _check_acyclic(reads)
        order = by_distance(ends, reads.__getitem__, lambda source: source.member)
        known(len(order) == len(reads), "a layer that no output needs")
        return [source for source in order if source in found]

    def _sequential(self, config: Mapping[str, Any]) -> Network:
        known(config.keys() <= {"name", "trainable", "dtype", "layers", "build_input_shape"}, "a model's settings")
        policy(config.get("dtype", "float32"))
        first, *rest = config["layers"] or [None]
        known(isinstance(first, dict) and first.get("class_name") == "InputLayer" and rest, "a model without an input")
        given = self._input(first)
        shape = config.get("build_input_shape")
        known(shape is None or shape == list(given.shape), "what it is built for")
        members: dict[str, Leaf | Operation | Network] = {}
        calls = {}
        last = Source(given.name, 0)
        for item in rest:
            known(isinstance(item, dict), "a layer")
            member = self._member(item)
            known(member.name not in members and member.name != given.name, "two layers of one name")
            known(not isinstance(member, Operation), "an operation")
            members[member.name] = member
            here = Source(member.name, 0)
            calls[here] = Call(member.name, (last,))
            last = here
        _check_trained(config.get("trainable", True), members)
        return Network(layer_name(config.get("name")), "Sequential", (given,), members, calls, (last,))

    def _input(self, item: Mapping[str, Any]) -> Input:
        self._check_module(item, ("keras.layers",))
        known(item.keys() <= _BESIDE | {"shared_object_id"}, "an input")
        known(isinstance(item.get("config"), dict), "an input's settings")
        takes = {
            "batch_shape": several(lambda size: size if size is None else count(size), 2, 3, 4, 5),
            "dtype": only(*_DTYPES),
            **dict.fromkeys(("sparse", "ragged"), only(False)),
            "name": layer_name,
        }
        found = read(item["config"], takes, {"optional": only(False)})
        batch, *_, last = found["batch_shape"]
        known(batch is None, "a batch")
        # Numbers of words may be open, as embeddings read them one by one; the layers of others are made for a size.
        known(last is not None or found["dtype"] != "float32", "open features")
        return Input(found["name"], found["batch_shape"], found["dtype"])

    def _member(self, item: Mapping[str, Any]) -> Leaf | Operation | Network:
        self.count += 1
        known(self.count <= MOST, "so many layers")
        made_as, config = str(item.get("class_name")), item.get("config")
        if made_as in _MODELS:
            return self.network(item)
        known(item.keys() <= _BESIDE and isinstance(config, dict), "a layer")
        assert isinstance(config, dict)
        if self.is_archive and item.get("module") == _OPERATIONS_OF:
            self._check_module(item, (_OPERATIONS_OF,))
            known(made_as in _OPERATIONS and config.keys() == {"name"} and "build_config" not in item, "an operation")
            return Operation(layer_name(config["name"]), made_as)
        self._check_module(item, ("keras.layers",))
        kind = KINDS.get(made_as)
        if kind is None:
            raise Unknown(f"a layer of class {made_as:.80}")
        # The layers of dropout say nothing of being trained, as they hold nothing.
        made = read(config, {"name": layer_name, "dtype": policy, **kind.settings}, {"trainable": flag, **kind.missing})
        settings = SimpleNamespace(**{**kind.fixed, **made}, get_config=lambda: config)
        built = _built_for(item, kind)
        return Leaf(made["name"], kind.type or made_as, kind, settings, made.get("trainable", True), built)

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


def _check_trained(trainable: Any, members: Mapping[str, Leaf | Operation | Network]) -> None:
    """Raises Unknown for a model that isn't trained and yet has a layer that is, which of the two Keras believes."""
    known(flag(trainable) or not any(map(_is_trained, members.values())), "a model that isn't trained")


def _is_trained(member: Leaf | Operation | Network) -> bool:
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


def _entries(value: Any) -> list[Any]:
    """The inputs or outputs that a model names: one alone, or a list of several."""
    known(isinstance(value, list) and value, "a list of layers")
    return [value] if isinstance(value[0], str) else list(value)


def _source(entry: Any) -> Source:
    """A call that a list names: of which layer, which one, and its first and only result."""
    known(isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str), "a tensor")
    known(type(entry[1]) is int and 0 <= entry[1] <= MOST and type(entry[2]) is int and entry[2] == 0, "a tensor")
    return Source(entry[0], entry[1])


def _tensor(value: Any) -> Source:
    known(isinstance(value, dict) and value.keys() == {"class_name", "config"}, "a tensor")
    known(value["class_name"] == "__keras_tensor__" and isinstance(value["config"], dict), "a tensor")
    found = value["config"]
    known(found.keys() == {"shape", "dtype", "keras_history"} and found["dtype"] in _DTYPES, "a tensor")
    known(isinstance(found["shape"], list), "a tensor")
    known(all(size is None or (type(size) is int and size >= 0) for size in found["shape"]), "a tensor")
    return _source(found["keras_history"])


def _reads(node: Any, member: Leaf | Operation | Network) -> tuple[tuple[Source | float, ...], tuple[str, ...]]:
    """What a call reads, in the order in which Keras looks for it, and what a layer calls it."""
    known(isinstance(node, dict) and node.keys() == {"args", "kwargs"}, "a call")
    args, kwargs = node["args"], node["kwargs"]
    known(isinstance(args, list) and isinstance(kwargs, dict), "a call")
    takes: Sequence[str] = ()
    names: tuple[str, ...] = ()
    if isinstance(member, Operation):
        known(len(args) == 2, "an operation's arguments")
        reads = tuple(_tensor(item) if isinstance(item, dict) else whole_or_not(item) for item in args)
        known(isinstance(reads[0], Source), "an operation's arguments")
    elif isinstance(member, Network):
        takes = ("training", "mask")
        known(len(member.inputs) == 1 and len(args) == 1 and len(member.outputs) == 1, "a model's arguments")
        reads = (_tensor(args[0]),)
    elif member.kind.tensors:
        takes, tensors = member.kind.arguments, member.kind.tensors
        names = (*tensors[: len(args)], *sorted(kwargs.keys() & set(tensors[len(args) :])))
        known(len(args) <= len(tensors) and {*names} >= {*tensors[:-1]}, "a layer's arguments")
        reads = tuple(_tensor(item) for item in (*args, *(kwargs[name] for name in names[len(args) :])))
        kwargs = {name: value for name, value in kwargs.items() if name not in names[len(args) :]}
        # That each position sees those before it alone changes no number.
        kwargs |= {"use_causal_mask": False} if kwargs.get("use_causal_mask") is True else {}
    else:
        takes = member.kind.arguments
        known(len(args) == 1, "a layer's arguments")
        if member.kind.inputs == 1:
            reads = (_tensor(args[0]),)
        else:
            known(isinstance(args[0], list), "a layer's arguments")
            reads = tuple(_tensor(item) for item in args[0])
            known(len(reads) == member.kind.inputs or (not member.kind.inputs and len(reads) > 1), "so many tensors")
    known(kwargs.keys() <= set(takes) and all(value in (None, False) for value in kwargs.values()), "a call's options")
    return reads, names


def _check_acyclic(reads: Mapping[Source, Sequence[Source]]) -> None:
    """Raises Unknown where a call needs its own result."""
    waiting = {source: len(sources) for source, sources in reads.items()}
    readers: dict[Source, list[Source]] = {}
    for source, sources in reads.items():
        for item in sources:
            readers.setdefault(item, []).append(source)
    ready = [source for source, many in waiting.items() if not many]
    done = 0
    while ready:
        done += 1
        for reader in readers.get(ready.pop(), ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    known(done == len(reads), "a call that needs its own result")
