"""Limits of memory: the peaks of inference and of training, and devices that a network has to fit into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .. import units
from ..analysis.facts import Facts
from ..analysis.training.plan import USUAL, Plan
from ..devices import Device
from ..ir import Layer, Summary
from .budgets import Amount, InBytes
from .rule import Case, Finding, Rule, layer, network

if TYPE_CHECKING:
    from ..analysis.training.timeline import Timeline

_USUAL_DEVICE = Device("8gib", "8 GiB", 2**33)
_NET = network(layer("a", "conv2d", params=600), layer("b", "relu", "a"))
_ODD = network(layer("a", "conv2d", params=600), layer("b", "lstm", "a"))


def _timeline(summary: Summary, plan: Plan | None) -> Timeline:
    from ..analysis.training.timeline import inference, timeline  # few checks ask

    return inference(summary) if plan is None else timeline(summary, plan)


def _amount(found: Timeline) -> Amount:
    peak = found.peak.live if found.peak else 0
    return Amount(None, peak, found.unknown) if found.unknown else Amount(peak)


class _Peak(InBytes):
    has_parts: ClassVar[bool] = False
    example: ClassVar[str] = "8GiB"


class MaxPeakMemory(_Peak):
    """The most memory that inference takes at once is within a limit: weights, input and the outputs that are alive.

    `--max-peak-memory 512MiB`; `--warn-peak-memory` for a warning.
    """

    name = "max-peak-memory"
    valid = (Case("two outputs, an input and weights of 600", _NET, {"limit": 4 * (600 + 3 * 256)}),)
    invalid = (Case("one byte too many", _NET, {"limit": 4 * (600 + 3 * 256) - 1}),)

    @classmethod
    def unit(cls) -> str:
        return "at the peak of inference"

    def _amount(self, facts: Facts, layers: Sequence[Layer]) -> Amount:
        return _amount(_timeline(facts.summary, None))


@dataclass(frozen=True, slots=True)
class MaxTrainingMemory(_Peak):
    """The most memory that a training step takes at once is within a limit, by the timeline of `fit`.

    `--max-training-memory 22GiB --optimizer adam --amp bf16`; `--warn-training-memory` for a warning. Train mode is
    asked for by `--mode train`.
    """

    plan: Plan = USUAL

    name: ClassVar[str] = "max-training-memory"
    valid = (Case("much is allowed", _NET, {"limit": 1_000_000}),)
    invalid = (
        Case("weights alone are more", _NET, {"limit": 2399}),
        Case("it is not known what a layer keeps", _ODD, {"limit": 10**9}),
    )

    @classmethod
    def unit(cls) -> str:
        return "at the peak of a training step"

    def _amount(self, facts: Facts, layers: Sequence[Layer]) -> Amount:
        return _amount(_timeline(facts.summary, self.plan))


@dataclass(frozen=True, slots=True)
class Fits(Rule):
    """The network fits into the memory of a device, in inference or as it is trained.

    `--fits rtx-4090 --fits t4`, with `--train`, `--optimizer` and their like in training. `resnet-inspect fit --device
    list` shows the devices. What a process needs beside tensors isn't counted: `resnet-inspect fit` tells how much that
    may be.
    """

    device: Device = _USUAL_DEVICE
    plan: Plan | None = None

    name: ClassVar[str] = "fits"
    message: ClassVar[str] = "{what} takes {peak} at its peak, and {device} has {memory}: it doesn't fit"
    valid = (Case("a small network", _NET),)
    invalid = (
        Case("a device of 4 KiB", _NET, {"device": Device("tiny", "Tiny", 4096)}),
        Case("it is not known what a layer keeps", _ODD, {"plan": USUAL}),
    )

    @property
    def label(self) -> str:
        """With the device."""
        return f"{self.name} {self.device.name}"

    def check(self, summary: Summary) -> Iterator[Finding]:
        found = _timeline(summary, self.plan)
        peak = found.peak.live if found.peak else 0
        what = "inference" if self.plan is None else "training"
        sizes = f"{units.binary(peak)} of {units.binary(self.device.memory)}"
        if peak > self.device.memory:
            yield Finding(
                "fail",
                self.message.format(
                    what=what,
                    peak=units.binary(peak),
                    device=self.device.title,
                    memory=units.binary(self.device.memory),
                ),
                found.peak.layer or None if found.peak else None,
            )
        elif found.unknown:
            yield Finding("error", f"{what} takes at least {sizes}: what some layers keep isn't known")
        else:
            yield Finding("note", f"{what} takes {sizes}")
