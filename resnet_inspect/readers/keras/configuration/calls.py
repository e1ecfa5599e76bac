"""The calls of a functional model, as its file lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ....blocks.keras_order import by_distance
from .graph import Call, Member, Network, Operation, Source
from .kind import Kind
from .settings import known, whole_or_not

#: Layers and calls of a file, those in models that are called again counted again: Keras shall say what are too many.
MOST = 5_000
#: Element types of what a model is given.
DTYPES = ("float32", "int32", "int64")


def entries(value: Any) -> list[Any]:
    """The inputs or outputs that a model names: one alone, or a list of several."""
    known(isinstance(value, list) and value, "a list of layers")
    return [value] if isinstance(value[0], str) else list(value)


def source_of(entry: Any) -> Source:
    """A call that a list names: of which layer, which one, and its first and only result."""
    known(isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str), "a tensor")
    known(type(entry[1]) is int and 0 <= entry[1] <= MOST and type(entry[2]) is int and entry[2] == 0, "a tensor")
    return Source(entry[0], entry[1])


def _tensor(value: Any) -> Source:
    known(isinstance(value, dict) and value.keys() == {"class_name", "config"}, "a tensor")
    known(value["class_name"] == "__keras_tensor__" and isinstance(value["config"], dict), "a tensor")
    found = value["config"]
    known(found.keys() == {"shape", "dtype", "keras_history"} and found["dtype"] in (*DTYPES, "bool"), "a tensor")
    known(isinstance(found["shape"], list), "a tensor")
    known(all(size is None or (type(size) is int and size >= 0) for size in found["shape"]), "a tensor")
    return source_of(found["keras_history"])


def call_of(name: str, node: Any, member: Member) -> Call:
    """A call of a member, as a file has it; what it reads is in the order in which Keras looks for that."""
    known(isinstance(node, dict) and node.keys() == {"args", "kwargs"}, "a call")
    args, kwargs = node["args"], node["kwargs"]
    known(isinstance(args, list) and isinstance(kwargs, dict), "a call")
    takes: Sequence[str] = ()
    flags: Sequence[str] = ()
    if isinstance(member, Operation):
        call, options = Call(name, _operands(member, args)), kwargs
    elif isinstance(member, Network):
        known(len(member.inputs) == 1 and len(args) == 1 and len(member.outputs) == 1, "a model's arguments")
        call, options, takes = Call(name, (_tensor(args[0]),)), kwargs, ("training", "mask")
    else:
        call, options = (_named if member.kind.tensors else _unnamed)(name, args, kwargs, member.kind)
        takes, flags = member.kind.arguments, member.kind.flags
    known(options.keys() <= {*takes}, "a call's options")
    known(
        all(value in (None, False) or (value is True and key in flags) for key, value in options.items()), "an option"
    )
    return call


def _operands(operation: Operation, args: list[Any]) -> tuple[Source | float, ...]:
    known(len(args) == (1 if operation.type == "Any" else 2), "an operation's arguments")
    first, *rest = (_tensor(item) if isinstance(item, dict) else whole_or_not(item) for item in args)
    known(isinstance(first, Source), "an operation's arguments")
    return first, *rest


def _named(name: str, args: list[Any], kwargs: Mapping[str, Any], kind: Kind) -> tuple[Call, dict[str, Any]]:
    """A call of a layer that tells its tensors apart, and its options."""
    tensors = kind.tensors
    by_name = sorted(kwargs.keys() & {*tensors[len(args) :]})
    names = (*tensors[: len(args)], *by_name)
    known(len(args) <= len(tensors) and {*names} >= {*tensors[:-1]}, "a layer's arguments")
    reads = tuple(_tensor(item) for item in (*args, *(kwargs[each] for each in by_name)))
    options = {key: value for key, value in kwargs.items() if key not in by_name}
    # That each position sees those before it alone changes no number.
    if options.get("use_causal_mask") is True:
        del options["use_causal_mask"]
    return Call(name, reads, names), options


def _unnamed(name: str, args: list[Any], kwargs: Mapping[str, Any], kind: Kind) -> tuple[Call, dict[str, Any]]:
    """A call of a layer that reads one tensor, perhaps with a mask, or a list of them, and its options."""
    known(len(args) == 1, "a layer's arguments")
    if kind.inputs != 1:
        known(isinstance(args[0], list), "a layer's arguments")
        reads = tuple(_tensor(item) for item in args[0])
        known(len(reads) == kind.inputs or (not kind.inputs and len(reads) > 1), "so many tensors")
        return Call(name, reads), dict(kwargs)
    mask = kwargs.get("mask")
    if not isinstance(mask, dict):
        return Call(name, (_tensor(args[0]),)), dict(kwargs)
    options = {key: value for key, value in kwargs.items() if key != "mask"}
    known("mask" in kind.arguments, "a call's options")
    return Call(name, (_tensor(args[0]), _tensor(mask)), has_mask=True), options


def in_order(found: Mapping[Source, Call], inputs: Iterable[str], ends: Sequence[Source]) -> dict[Source, Call]:
    """The calls in the order of Keras' run, all of which the outputs need.

    Raises:
        Unknown: one isn't needed, or reads what isn't there.
    """
    reads = {source: [item for item in call.reads if isinstance(item, Source)] for source, call in found.items()}
    reads |= {Source(name, 0): [] for name in inputs}
    known(all(item in reads for sources in [*reads.values(), ends] for item in sources), "a call that isn't there")
    known(all(end in found for end in ends), "an output that is an input")
    _check_acyclic(reads)
    order = by_distance(ends, reads.__getitem__, lambda source: source.member)
    known(len(order) == len(reads), "a layer that no output needs")
    return {source: found[source] for source in order if source in found}


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
