"""Budgets: how large a network, or a part of it, may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from .. import units
from ..analysis.facts import Facts
from ..analysis.metrics import activation_bytes, macs, params
from ..analysis.nearest import nearest
from ..ir import Layer, Summary
from .rule import Case, Finding, Rule, layer, network


@dataclass(frozen=True, slots=True)
class _Budget(Rule):
    """``part`` is the path of a module; empty for the whole model. ``warn`` is the smaller limit of a warning."""

    limit: int | None = None
    part: str = ""
    warn: int | None = None

    name: ClassVar[str] = ""
    message: ClassVar[str] = "{part} has {value} {unit}, {over} over the {kind} of {limit}"
    unit: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """With the part that it is about."""
        return f"{self.name} {self.part}".rstrip()

    def check(self, summary: Summary) -> Iterator[Finding]:
        layers = [found for found in summary.layers if _within(found.path, self.part)]
        part = self.part or "the model"
        if not layers:
            hint = nearest(summary, self.part)
            yield Finding("error", f"there is no {self.part} in the model, so its budget can't be checked; {hint}")
            return
        facts = Facts(summary)
        amounts = {found.id: self._amount(found, facts) for found in layers}
        least = sum(amount for amount in amounts.values() if amount is not None)
        unknown = [name for name, amount in amounts.items() if amount is None]
        for level, kind, limit in (("fail", "limit", self.limit), ("warn", "warning level", self.warn)):
            if limit is not None and least > limit:
                yield Finding(
                    level,
                    self.message.format(
                        part=part,
                        value=self.said(least),
                        unit=self.unit,
                        over=self.said(least - limit),
                        kind=kind,
                        limit=self.said(limit),
                    ),
                    places=(self.part,),
                )
                return
        if not unknown:
            limit = self.limit if self.limit is not None else self.warn
            yield Finding("note", f"{self.said(least)} of {self.said(limit or 0)} {self.unit}", places=(self.part,))
        else:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            words = f"{part} has at least {self.said(least)} {self.unit}: {unknown[0]}{more} isn't counted"
            yield Finding("error", words, places=tuple(unknown))

    def _amount(self, found: Layer, facts: Facts) -> int | None:
        """One layer's share; None if it is unknown."""
        raise NotImplementedError

    @staticmethod
    def said(value: int) -> str:
        """The amount in full: a budget is compared exactly."""
        return units.exact(value)


def _within(path: str, part: str) -> bool:
    return not part or path == part or path.startswith(f"{part}.")


_NET = network(
    layer("a.conv", "conv2d", params=600, macs=400), layer("b.conv", "conv2d", "a.conv", params=500, macs=300)
)
_UNKNOWN = network(layer("a", "conv2d", params=10, macs=100), layer("b", "other", "a", macs=None))


class MaxParams(_Budget):
    """The parameters of the model, as its framework counts them, or of one module, are within a limit.

    `--max-params 26M`, `--max-params layer4=15M`; `--warn-params` for a warning.
    """

    name = "max-params"
    unit = "parameters"
    valid = (Case("just within", _NET, {"limit": 1100}), Case("a part", _NET, {"limit": 500, "part": "b"}))
    invalid = (
        Case("one too many", _NET, {"limit": 1099}),
        Case("a part that isn't there", _NET, {"limit": 1, "part": "c"}),
    )

    def _amount(self, found: Layer, facts: Facts) -> int | None:
        return params.METRIC.of_layer(found, facts)


class MaxMacs(_Budget):
    """The multiply-adds of one forward pass are within a limit.

    Layers that nobody can count make the rule fail, unless the others alone are over the limit already.
    `--max-macs 4.2G`, `--max-macs layer4=1G`; `--warn-macs`.
    """

    name = "max-macs"
    unit = "MACs"
    valid = (Case("just within", _NET, {"limit": 700}),)
    invalid = (Case("one too many", _NET, {"limit": 699}), Case("a layer isn't counted", _UNKNOWN, {"limit": 1000}))

    def _amount(self, found: Layer, facts: Facts) -> int | None:
        return macs.METRIC.of_layer(found, facts)


class MaxActivationMemory(_Budget):
    """The outputs of all layers together, as if none were freed, are within a limit.

    `--max-activation-memory 200MiB`, `layer1=50MiB`; `--warn-activation-memory`.
    """

    name = "max-activation-memory"
    unit = "of activations"
    valid = (Case("two outputs of 1,024 bytes", _NET, {"limit": 2048}),)
    invalid = (Case("one byte too many", _NET, {"limit": 2047}),)

    def _amount(self, found: Layer, facts: Facts) -> int | None:
        # As in the total, the network's inputs are its caller's.
        return 0 if found.op == "input" else activation_bytes.METRIC.of_layer(found, facts)

    @staticmethod
    def said(value: int) -> str:
        """Exact bytes, with what they are roughly."""
        return f"{units.exact(value)} {'byte' if value == 1 else 'bytes'} ({units.binary(value)})"


class MaxLayers(_Budget):
    """The number of rows, one for each call of a layer or an operation, is within a limit.

    `--max-layers 200`; `--warn-layers`.
    """

    name = "max-layers"
    unit = "layers"
    valid = (Case("input and two more", _NET, {"limit": 3}),)
    invalid = (Case("one too many", _NET, {"limit": 2}),)

    def _amount(self, found: Layer, facts: Facts) -> int | None:
        return 1
