"""What a comparison finds, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import BadRequestError
from ..ir import Layer, Summary, Value

#: What a difference may be in; ``--fail-on`` gates on these.
KINDS = ("params", "shapes", "layers", "config", "edges", "macs")


def kinds(words: Iterable[str]) -> frozenset[str]:
    """A set of ``KINDS``.

    Raises:
        BadRequestError: a word is none of them.
    """
    found = frozenset(words)
    if unknown := sorted(found - set(KINDS)):
        raise BadRequestError(f"no such kind of difference: {unknown[0]!r}; choose from {', '.join(KINDS)}")
    return found


def gates(words: Iterable[str]) -> frozenset[str]:
    """As ``kinds``; all of them if none is named."""
    return kinds(words) or frozenset(KINDS)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between two matched layers. ``kind`` is one of ``KINDS``; ``words`` say it where
    two values don't: a skip connection came or went.
    """

    field: str
    old: Value
    new: Value
    kind: str
    words: str | None = None


@dataclass(frozen=True, slots=True)
class LayerDiff:
    """Two layers that are the same one, or a layer that only one side has (the other is None)."""

    old: Layer | None
    new: Layer | None
    changes: tuple[Change, ...] = ()
    renamed: bool = False
    moved: bool = False
    #: Of an added or removed layer that joins branches: where the skip connection that it ends begins.
    skip: str | None = None
    #: Of an added or removed layer: the largest module that came or went with it; the layer's own path if none did.
    module: str = ""

    @property
    def layer(self) -> Layer:
        """The new side's layer, or the old one's where it is gone."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def status(self) -> str:
        """``added``, ``removed``, ``changed``, ``moved``, ``renamed`` or ``same``: the weightiest that holds."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        if self.changes:
            return "changed"
        return "moved" if self.moved else "renamed" if self.renamed else "same"

    @property
    def kinds(self) -> frozenset[str]:
        """In what it differs. A layer that came or went had its parameters, MACs and skip connection with it."""
        if self.old is not None and self.new is not None:
            structure = {"layers"} if self.renamed or self.moved else set()
            return frozenset(structure | {change.kind for change in self.changes})
        found = {"layers"}
        found |= {"params"} if self.layer.parameters else set()
        found |= {"macs"} if self.layer.macs != 0 else set()
        found |= {"edges"} if self.skip else set()
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Renaming:
    """``layers`` layers whose paths begin with ``new`` instead of ``old``; one is empty if a wrapper came or went."""

    old: str
    new: str
    layers: int


@dataclass(frozen=True, slots=True)
class Total:
    """One figure of the whole network on both sides; None is unknown."""

    name: str
    old: int | None
    new: int | None

    @property
    def difference(self) -> int | None:
        """New less old."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains ``amount`` of the ``difference`` in ``total`` (``params`` or ``macs``).

    ``what`` is ``added``, ``removed`` or the setting that went from ``old`` to ``new``, in ``layers`` layers of a
    ``place``; ``followers`` are the layers behind them that cost more or less because of it.
    """

    total: str
    amount: int
    difference: int
    what: str
    old: Value
    new: Value
    place: str
    layers: int
    followers: int = 0


@dataclass(frozen=True)
class Diff:
    """A comparison of two summaries. ``layers`` stand in the new order, removed ones where they were."""

    old: Summary
    new: Summary
    layers: tuple[LayerDiff, ...]
    renamings: tuple[Renaming, ...]
    totals: tuple[Total, ...]
    causes: tuple[Cause, ...]
    #: Across frameworks: category of parameters -> what it adds to the new side; sums to the difference in parameters.
    reconciled: Mapping[str, int] | None = None
    #: Differences of the whole: its inputs, outputs, unused parameters.
    whole: tuple[Change, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """In what the two differ; empty if in nothing."""
        found = {kind for layer in self.layers for kind in layer.kinds} | {change.kind for change in self.whole}
        return frozenset(found)

    def of(self, *statuses: str) -> tuple[LayerDiff, ...]:
        """The layers of one status or more."""
        return tuple(layer for layer in self.layers if layer.status in statuses)
