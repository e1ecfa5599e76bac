"""What differs between two layers that are the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ..ir import Layer, Tensor, Value
from .result import Change

T = TypeVar("T", bound=Value)


def changes(
    old: Layer, new: Layer, across: bool = False, renamed: Callable[[str], str] = lambda path: path
) -> list[Change]:
    """What differs in two matched layers but their connections.

    ``across`` frameworks, class names and what only one of the two can set make no difference. ``renamed`` gives what
    an old path is called by now.
    """
    before, after = dict(old.attributes), dict(new.attributes)
    names = [*before, *(name for name in after if name not in before)]
    if across or old.type != new.type or old.op != new.op:
        # What only one of two kinds of layers can set is said with the kind.
        names = [name for name in names if name in before and name in after]
    sides: list[tuple[str, Value, Value, str]] = [(name, before.get(name), after.get(name), "config") for name in names]
    sides += [
        ("op", old.op, new.op, "config"),
        ("dtype", _dtypes(old), _dtypes(new), "config"),
        ("called", old.called, new.called, "config"),
        ("input_shapes", _shapes(old.input_tensors), _shapes(new.input_tensors), "shapes"),
        ("output_shapes", _shapes(old.output_tensors), _shapes(new.output_tensors), "shapes"),
        ("params", old.params, new.params, "params"),
        ("statistics", old.count("statistics"), new.count("statistics"), "params"),
        ("macs", old.macs, new.macs, "macs"),
    ]
    if not across:
        sides.insert(0, ("type", old.type, new.type, "config"))
    if old.parameters and new.parameters:  # else they came or went, or another layer counts them
        old_types, new_types = (_one(p.dtype for p in layer.parameters) for layer in (old, new))
        sides.append(("weight_dtype", old_types, new_types, "config"))
    if None not in (_trainable(old), _trainable(new)):  # a file may not say it
        sides.append(("trainable", _trainable(old), _trainable(new), "config"))
    found = [Change(*side) for side in sides if side[1] is not side[2] and _differ(side[1], side[2])]
    if not across and not {change.kind for change in found} & {"config", "params"}:
        # What nothing else tells: other names, or a transposed matrix.
        named, now = _weights(old, renamed), _weights(new)
        found += [Change("weights", named, now, "config")] if named != now else []
    return found


def _differ(old: Value, new: Value) -> bool:
    """1 and True are one number to Python and two settings to a reader."""
    return old != new or repr(old) != repr(new)


def _dtypes(layer: Layer) -> Value:
    return _one(tensor.dtype for tensor in layer.output_tensors)


def _shapes(tensors: tuple[Tensor, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tensor.shape for tensor in tensors)


def _one(values: Iterable[T]) -> Value:
    """The value that they all have, or the different ones."""
    found = tuple(dict.fromkeys(values))
    return found[0] if len(found) == 1 else found or None


def _trainable(layer: Layer) -> Value:
    said = {"trainable": True, "frozen": False}
    return _one(said[p.role] for p in layer.parameters if p.role in said)


def _weights(
    layer: Layer, renamed: Callable[[str], str] = lambda path: path
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    path = renamed(layer.path)
    # Keras has a slash before the last part of a name.
    return tuple((_within(renamed(p.name.replace("/", ".")), path), p.shape) for p in layer.parameters)


def _within(name: str, path: str) -> str:
    """A parameter's name without the modules that its layer stands in, too: those may have another name by now."""
    around = path.split(".")
    parts = name.split(".")
    while around and len(parts) > 1 and parts[0] == around[0]:
        parts.pop(0)
        around.pop(0)
    return ".".join(parts)
