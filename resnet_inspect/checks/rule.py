"""What a rule is, and what it finds."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..diffs import Diff
from ..ir import Layer, Model, Parameter, Shape, Summary, Tensor
from ..ops.vocabulary import is_view

#: How bad a finding is, the worst first. ``error``: the rule could not look, which never passes. A ``note`` is no
#: fault, only good to know.
LEVELS = ("error", "fail", "strict", "warn")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule has to say. ``layer`` is an id, or None if it is about no layer in particular.

    ``places`` are then the layers' ids and the paths of modules that it is about; "" is the whole network.
    """

    level: str
    message: str
    layer: str | None = None
    diff: Diff | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A small network on which a rule with some settings finds something, or nothing; for its tests and its page."""

    title: str
    summary: Summary
    settings: Mapping[str, Any] = field(default_factory=dict)


class Rule(ABC):
    """A rule looks at a summary and yields what it finds."""

    name: ClassVar[str]
    #: What a finding says, with names for what it is about.
    message: ClassVar[str]
    #: Whether it looks at connections, which a file of tensors hasn't got: there it isn't asked.
    on_edges: ClassVar[bool] = False
    valid: ClassVar[tuple[Case, ...]]
    invalid: ClassVar[tuple[Case, ...]]

    @classmethod
    def explanation(cls) -> str:
        """Its page, in Markdown: the docstring."""
        return inspect.getdoc(cls) or ""

    @property
    def label(self) -> str:
        """The rule's name, and of what part of the network."""
        return self.name

    @abstractmethod
    def check(self, summary: Summary) -> Iterator[Finding]:
        """What there is to say of a network; nothing but notes if it is as it should be."""


def network(*layers: Layer, outputs: int = 1, unused: tuple[str, ...] = ()) -> Summary:
    """A network of the given layers, for cases; its outputs are those of the last layers."""
    image = Tensor((1, 4, 8, 8), "float32", "NCHW")
    made = {"input": Layer("input", "input", "Input", "input", output_tensors=(image,))}
    for item in layers:
        read = tuple(tensor for source in item.inputs for tensor in made[source].output_tensors)
        made[item.id] = replace(item, input_tensors=read)
    ends = tuple(tensor for item in layers[-outputs:] for tensor in item.output_tensors)
    return Summary(Model("case", "torch", "case"), (image,), ends, tuple(made.values()), unused=unused)


def layer(
    name: str,
    op: str,
    inputs: str = "input",
    shape: Shape = (1, 4, 8, 8),
    params: int = 0,
    macs: int | None = 0,
    **settings: Any,
) -> Layer:
    """A layer of a case, reading the layers named in ``inputs``."""
    weights = (Parameter(f"{name}.weight", (params,), "float32", "trainable"),) if params else ()
    output = (Tensor(shape, "float32", "NCHW"),)
    view = is_view(op, settings.get("attributes", ()))
    return Layer(name, name, op, op, tuple(inputs.split()), (), output, weights, (), macs, view=view, **settings)
