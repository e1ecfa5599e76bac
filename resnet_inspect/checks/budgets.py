"""Budgets: how large a network, or a part of it, may be. Each total below a table has one, by the name of its file."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import ClassVar, NamedTuple

from .. import units
from ..analysis import metrics
from ..analysis.facts import Facts
from ..analysis.nearest import nearest
from ..ir import HELD, Decoding, Layer, Parameter, Summary, Tensor
from .rule import Case, Finding, Rule, layer, network

_KEPT = tuple(Parameter(f"b.conv.{role}", (8,), "float32", role) for role in ("frozen", *HELD))
#: A network that has some of everything.
_NET = replace(
    network(
        layer("a.conv", "conv2d", params=600, macs=400),
        replace(layer("b.conv", "conv2d", "a.conv", macs=300), parameters=_KEPT),
    ),
    inactive=(("a.conv.weight", 100),),
    decoding=Decoding(1, (Tensor((1, 4, 2, 8), "float32"),)),
)


class Amount(NamedTuple):
    """What the layers of a part have; None if the ``unknown`` ones have more than the ``least`` that is known."""

    value: int | None
    least: int = 0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget(Rule):
    """``part`` is the path of a module; empty for the whole model. ``warn`` is the smaller limit of a warning."""

    limit: int | None = None
    part: str = ""
    warn: int | None = None

    message: ClassVar[str] = "{part} has {value} {unit}, {over} over the {kind} of {limit}"
    #: Whether a module has such an amount too.
    has_parts: ClassVar[bool] = True
    #: An amount as people write it.
    example: ClassVar[str] = "26M"
    valid = (Case("much is allowed", _NET, {"limit": 1_000_000}),)
    invalid: ClassVar[tuple[Case, ...]] = (Case("nothing is allowed", _NET, {"limit": 0}),)

    @property
    def label(self) -> str:
        """With the part that it is about."""
        return f"{self.name} {self.part}".rstrip()

    def check(self, summary: Summary) -> Iterator[Finding]:
        layers = [found for found in summary.layers if _within(found.path, self.part)]
        part = self.part or "the model"
        if not layers and not self.part:
            yield Finding("error", "the model has no layers, so its budget can't be checked")
            return
        if not layers:
            hint = nearest(summary, self.part)
            yield Finding("error", f"the model has no part {self.part}, so its budget can't be checked; {hint}")
            return
        value, least, unknown = self._amount(Facts(summary), layers)
        least = least if value is None else value
        for level, kind, limit in (("fail", "limit", self.limit), ("warn", "warning level", self.warn)):
            if limit is not None and least > limit:
                yield Finding(
                    level,
                    self.message.format(
                        part=part,
                        value=self.said(least),
                        unit=self.unit(),
                        over=self.said(least - limit),
                        kind=kind,
                        limit=self.said(limit),
                    ),
                    places=(self.part,),
                )
                return
        if value is not None:
            limit = self.limit if self.limit is not None else self.warn
            words = f"{self.said(value)} of {self.said(limit or 0)} {self.unit()}"
            yield Finding("note", words, places=(self.part,))
        elif unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            words = f"{part} has at least {self.said(least)} {self.unit()}: {unknown[0]}{more} isn't counted"
            yield Finding("error", words, places=tuple(unknown))
        else:
            yield Finding("error", f"it is not known how many {self.counted()} {part} has", places=(self.part,))

    @classmethod
    def unit(cls) -> str:
        """What stands behind an amount: 12 ``parameters``, 12 bytes ``of activations``."""
        raise NotImplementedError

    @classmethod
    def counted(cls) -> str:
        """What there are many of: ``parameters``, ``bytes of activations``."""
        return cls.unit()

    @classmethod
    def said(cls, value: int) -> str:
        """The amount in full: a budget is compared exactly."""
        return units.exact(value)

    def _amount(self, facts: Facts, layers: Sequence[Layer]) -> Amount:
        raise NotImplementedError


class _OfTotal(Budget):
    """What a total of the network may be at most, or what its column has for one module."""

    #: One of ``TOTALS``. Its file is imported where somebody has such a budget.
    key: ClassVar[str]

    @classmethod
    def explanation(cls) -> str:
        of = "of the model, or of one module," if cls.has_parts else "of the model"
        about = inspect.getdoc(import_module(f"{metrics.__name__}.{cls.key}"))
        part = f", `--{cls.name} layer4={cls.example}`" if cls.has_parts else ""
        warning = f"`--warn-{cls.name.removeprefix('max-')}` for a warning"
        usage = f"`--{cls.name} {cls.example}`{part}; {warning}."
        unknown = "Where some aren't known, the rule fails, unless the others are over the limit already."
        return f"The {cls.counted()} {of} are within a limit. {unknown}\n\n{about}\n\n{usage}"

    @classmethod
    def unit(cls) -> str:
        return metrics.total(cls.key).unit

    def _amount(self, facts: Facts, layers: Sequence[Layer]) -> Amount:
        whole = metrics.total(self.key).of(facts)
        if not self.has_parts:
            return Amount(whole)
        metric = metrics.metric(self.key)
        # The network's inputs are its caller's.
        amounts = [(found, metric.of_layer(found, facts)) for found in layers if found.op != "input"]
        unknown = tuple(found.id for found, amount in amounts if amount is None)
        known = [
            (metric.known(found) if metric.known else 0) if amount is None else amount for found, amount in amounts
        ]
        least = metric.fold(known)
        if unknown:
            return Amount(None, least, () if whole is None and len(unknown) == len(amounts) else unknown)
        return Amount(least if self.part else whole)


class InBytes(Budget):
    """One whose amount is a number of bytes."""

    @classmethod
    def counted(cls) -> str:
        return f"bytes {cls.unit()}"

    @classmethod
    def said(cls, value: int) -> str:
        """Exact bytes, with what they are roughly."""
        return f"{units.exact(value)} {'byte' if value == 1 else 'bytes'} ({units.binary(value)})"


class _OfBytes(InBytes, _OfTotal):
    example = "200MiB"


class MaxLayers(Budget):
    """The number of rows, one for each call of a layer or an operation, is within a limit.

    `--max-layers 200`, `--max-layers layer4=200`; `--warn-layers` for a warning.
    """

    name = "max-layers"
    example = "200"

    @classmethod
    def unit(cls) -> str:
        return "layers"

    def _amount(self, facts: Facts, layers: Sequence[Layer]) -> Amount:
        return Amount(len(layers))


def _within(path: str, part: str) -> bool:
    return not part or path == part or path.startswith(f"{part}.")


def _of_total(key: str) -> type[Budget]:
    """The budget of one of ``TOTALS``: ``max-active-params``, and of ``kv_cache_bytes`` ``max-kv-cache-memory``."""
    name = f"max-{key}".replace("bytes", "memory").replace("_", "-")
    base = _OfBytes if key.endswith("_bytes") else _OfTotal
    budget: type[Budget] = type(name, (base,), {"key": key, "name": name, "has_parts": key in metrics.METRICS})
    return budget


#: The budgets of what stands below a table.
TOTALS: tuple[type[Budget], ...] = (*map(_of_total, metrics.TOTALS), MaxLayers)
