"""What differs between two layers that are the same one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ..ir import Layer, Tensor, Value
from .result import Change

T = TypeVar("T", bound=Value)


def changes(old: Layer, new: Layer, across: bool = False) -> list[Change]:
    """What differs in two matched layers but their connections.

    ``across`` frameworks, class names and what only one of the two can set are no difference.
    """
    before, after = dict(old.attributes), dict(new.attributes)
    names = [*before, *(name for name in after if name not in before)]
    if across:
        names = [name for name in names if name in before and name in after]
    sides: list[tuple[str, Value, Value, str]] = [(name, before.get(name), after.get(name), "config") for name in names]
    sides += [
        ("op", old.op, new.op, "config"),
        ("dtype", _dtypes(old), _dtypes(new), "config"),
        ("weight_dtype", _one(p.dtype for p in old.parameters), _one(p.dtype for p in new.parameters), "config"),
        ("called", old.called, new.called, "config"),
        ("input_shapes", _shapes(old.input_tensors), _shapes(new.input_tensors), "shapes"),
        ("output_shapes", _shapes(old.output_tensors), _shapes(new.output_tensors), "shapes"),
        ("params", old.params, new.params, "params"),
        ("statistics", old.count("statistics"), new.count("statistics"), "params"),
        ("macs", old.macs, new.macs, "macs"),
    ]
    if not across:
        sides.insert(0, ("type", old.type, new.type, "config"))
        sides.append(("shared", _ends(old), _ends(new), "config"))
    if None not in (_trainable(old), _trainable(new)):  # a file may not say it
        sides.append(("trainable", _trainable(old), _trainable(new), "config"))
    # 1 and True are one number to Python and two settings to a reader.
    found = [Change(*side) for side in sides if side[1] != side[2] or repr(side[1]) != repr(side[2])]
    if not across and not {change.kind for change in found} & {"config", "params"} and _weights(old) != _weights(new):
        # What nothing else tells: other names, or a transposed matrix.
        found.append(Change("weights", _weights(old), _weights(new), "config"))
    return found


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


def _ends(layer: Layer) -> tuple[str, ...]:
    return tuple(name.rpartition(".")[2] for name in layer.shared)


def _weights(layer: Layer) -> tuple[tuple[str, tuple[int, ...]], ...]:
    prefix = len(layer.path) + 1
    return tuple((p.name[prefix:] if p.name.startswith(layer.path) else p.name, p.shape) for p in layer.parameters)
