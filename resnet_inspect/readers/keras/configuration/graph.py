"""A model of a configuration as a graph: its inputs, its layers and operations, and which call reads what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

from .kind import Kind


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

    ``names`` are the arguments that they are, where a layer tells them apart. If it ``has_mask``, the last one is that.
    """

    member: str
    reads: tuple[Source | float, ...]
    names: tuple[str, ...] = ()
    has_mask: bool = False


class Source(NamedTuple):
    """The result of a call: which member's, and which of its calls."""

    member: str
    call: int


@dataclass(frozen=True, eq=False)
class Network:
    """A Functional or Sequential model, its calls in the order of Keras' run; ``is_masked`` if what it gives may be."""

    name: str
    type: str
    inputs: tuple[Input, ...]
    members: Mapping[str, Member]
    calls: Mapping[Source, Call]
    outputs: tuple[Source, ...]
    is_masked: bool = False


#: What a model is made of.
Member = Leaf | Operation | Network
