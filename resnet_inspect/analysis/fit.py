"""Whether a network fits into a memory, and which batch is the largest that does."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from ..ir import Summary
from .batches import MOST, NotLinearError, at_batch, check_even, largest
from .training.plan import Plan
from .training.timeline import Timeline, doubled, inference, timeline, with_optimizer

#: What a process on a GPU holds beside tensors, at least and at most: CUDA's context with torch's kernels, and the
#: workspaces of cuBLAS and cuDNN.
CONTEXT = (256 * 2**20, 1024 * 2**20)
#: At most the peak's tenth part is lost between blocks: torch's allocator rounds to 512 bytes and takes segments of 2
#: and 20 MiB (c10/cuda/CUDACachingAllocator.h), which don't always fit into one another.
LOST = 10
#: What holds less has no framework in it, but a runtime of its own.
_SMALLEST = 2 * 2**30
#: Modules of fewer layers aren't worth running again.
_BLOCK = 3
#: What helps less isn't offered.
_WORTH = 0.01


class Help(NamedTuple):
    """What would make the peak smaller: options of the command, and the peak that they give."""

    options: str
    peak: int


@dataclass(frozen=True, slots=True)
class Fit:
    """How a network fits into ``memory`` bytes at a batch.

    ``beside`` is what can't be known, from and to so many bytes. ``largest`` is the largest batch that fits, and
    ``largest_beside`` with the most of what can't be known; None where ``fixed`` says why nobody knows.
    """

    memory: int
    batch: int
    timeline: Timeline
    beside: tuple[int, int]
    largest: int | None
    largest_beside: int | None
    fixed: str
    helps: tuple[Help, ...]

    @property
    def peak(self) -> int:
        """The most bytes that live at once; a lower bound where the timeline has unknown layers."""
        return self.timeline.peak.live if self.timeline.peak else 0

    @property
    def fits(self) -> bool | None:
        """Whether the peak is within the memory; None where it is a lower bound that is."""
        if self.peak > self.memory:
            return False
        return None if self.timeline.unknown else True


def fit(summary: Summary, larger: Summary | str | None, batch: int, plan: Plan | None, memory: int) -> Fit:
    """How a network fits.

    Args:
        summary: the network at ``batch``, as training runs it if there is a plan.
        larger: the same at twice the batch, or why there is none; None where every tensor begins with the batch.
        batch: how many images, or whatever its inputs are.
        plan: how it is trained; None for inference.
        memory: bytes.
    """
    found = _timeline(summary, plan)
    peak = found.peak.live if found.peak else 0
    beside = (CONTEXT[0], CONTEXT[1] + peak // LOST) if memory >= _SMALLEST else (0, 0)
    most = least = None
    fixed = larger if isinstance(larger, str) else ""
    if not isinstance(larger, str):
        growth = _Growth(summary, larger, batch, plan, found)
        try:
            most = growth.largest(memory)
            # The most that a peak may be which, with its tenth part and the context, is within the memory.
            room = (LOST * (memory - CONTEXT[1] + 1) - 1) // (LOST + 1)
            least = growth.largest(room) if beside[1] else most
        except NotLinearError:
            most, fixed = None, "its sizes don't grow evenly with the batch"
        except OverflowError:
            most = None
            grows = growth.grows
            fixed = f"even a batch of {MOST:,} fits" if grows else "its memory doesn't grow with the batch"
    return Fit(memory, batch, found, beside, most, least, fixed, _helps(summary, plan, found))


def _timeline(summary: Summary, plan: Plan | None) -> Timeline:
    return inference(summary) if plan is None else timeline(summary, plan)


class _Growth:
    """How the peak grows with the batch, from the network at a batch and at twice of it.

    Where the same operations run at both, what lives during each is a straight line, and so the largest batch that fits
    is that of the line which reaches the memory first. Else it is looked for.
    """

    def __init__(
        self, summary: Summary, larger: Summary | None, batch: int, plan: Plan | None, found: Timeline
    ) -> None:
        self._summaries = None if larger is None else (summary, larger)
        self._sizes = (batch, 2 * batch)
        self._plan = plan
        if larger is None:
            after = doubled(found)
        else:
            after = inference(larger) if plan is None else timeline(larger, plan, found)
        self._known = {batch: found, 2 * batch: after}
        self._lines: set[tuple[int, int]] = set()
        if larger is None or found.is_like(after):
            growths = (other - one for one, other in zip(found.live, after.live, strict=True))
            self._lines = set(zip(found.live, growths, strict=True))

    @property
    def grows(self) -> bool:
        """Whether a larger batch takes more."""
        one, other = (max(timeline.live) for timeline in list(self._known.values())[:2])
        return other > one

    def largest(self, memory: int) -> int:
        """The largest batch whose peak is within a memory; 0 if not even one image is.

        Raises:
            NotLinearError: a size of the network doesn't grow evenly.
            OverflowError: any batch fits.
        """
        batch = self._sizes[0]
        if self._summaries and not self._lines:
            return largest(partial(self._peak, self._summaries), memory, batch)
        room = [batch + (memory - one) * batch // more for one, more in self._lines if more > 0]
        if any(one > memory for one, more in self._lines if more <= 0):
            return 0
        most = max(min(room, default=MOST), 0)
        if most >= MOST:
            raise OverflowError
        if most and self._summaries:
            check_even(*self._summaries, self._sizes, most)
        return most

    def _peak(self, summaries: tuple[Summary, Summary], size: int) -> int:
        if size not in self._known:
            self._known[size] = _timeline(at_batch(*summaries, self._sizes, size), self._plan)
        return max(self._known[size].live)


def _helps(summary: Summary, plan: Plan | None, found: Timeline) -> tuple[Help, ...]:
    """What would help, the most helpful first."""
    if plan is None:
        return ()
    peaks: dict[str, int] = {}
    if plan.amp is None and any(p.dtype == "float32" for p in found.trained):
        peaks["--amp bf16"] = max(timeline(summary, replace(plan, amp="bf16"), found).live)
    if not plan.checkpoint and (pattern := repeated(summary)):
        again = timeline(summary, replace(plan, checkpoint=(pattern,)), found)
        peaks[f"--checkpoint '{pattern}'"] = max(again.live)
    if plan.optimizer in ("adam", "adamw"):
        peaks["--optimizer adam8bit"] = with_optimizer(found, plan, replace(plan, optimizer="adam8bit"))
        if plan.implementation == "foreach":
            peaks["--implementation fused"] = with_optimizer(found, plan, replace(plan, implementation="fused"))
    elif plan.optimizer != "sgd":
        peaks["--optimizer sgd"] = with_optimizer(found, plan, replace(plan, optimizer="sgd"))
    useful = [Help(words, peak) for words, peak in peaks.items() if peak <= (1 - _WORTH) * max(found.live)]
    return tuple(sorted(useful, key=lambda each: each.peak))


def repeated(summary: Summary) -> str | None:
    """The pattern of the paths of the blocks that a network mostly consists of: ``layer*.*``; None if it has none."""
    inside: Counter[str] = Counter()
    for path, count in Counter(layer.path.rpartition(".")[0] for layer in summary.layers).items():
        parts = path.split(".") if path else []
        for end in range(1, len(parts) + 1):
            inside[".".join(parts[:end])] += count
    blocks = Counter(
        re.sub(r"[0-9]+", "*", path) for path, count in inside.items() if count >= _BLOCK and re.search(r"[0-9]$", path)
    )
    pattern, count = max(blocks.items(), key=lambda found: found[1], default=("", 0))
    return pattern if count > 1 else None
