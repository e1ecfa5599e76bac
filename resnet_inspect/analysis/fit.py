"""Whether a network fits into a memory, and which batch is the largest that does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..ir import Summary
from .batches import MOST, NotLinearError, at_batch, largest
from .training.plan import Plan
from .training.timeline import Timeline, inference, timeline

#: What a process on a GPU holds beside tensors, at least and at most: CUDA's context with torch's kernels, and the
#: workspaces of cuBLAS and cuDNN.
CONTEXT = (256 * 2**20, 1024 * 2**20)
#: At most so much of the peak is lost between blocks: torch's allocator rounds to 512 bytes and takes segments of 2 and
#: 20 MiB (c10/cuda/CUDACachingAllocator.h), which don't always fit into one another.
ROUNDING = 0.1
#: What holds less has no framework in it, but a runtime of its own.
_SMALLEST = 2 * 2**30
#: Modules of fewer layers aren't worth running again.
_BLOCK = 3
#: What helps less isn't offered.
_WORTH = 0.01


@dataclass(frozen=True, slots=True)
class Help:
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


def fit(summary: Summary, larger: Summary | str, batch: int, plan: Plan | None, memory: int) -> Fit:
    """How a network fits.

    Args:
        summary: the network at ``batch``, as training runs it if there is a plan.
        larger: the same at twice the batch, or why there is none.
        batch: how many images, or whatever its inputs are.
        plan: how it is trained; None for inference.
        memory: bytes.
    """
    found = _timeline(summary, plan)
    peak = found.peak.live if found.peak else 0
    beside = (CONTEXT[0], CONTEXT[1] + int(ROUNDING * peak)) if memory >= _SMALLEST else (0, 0)
    most, fixed = None, larger if isinstance(larger, str) else ""
    least = None
    if isinstance(larger, Summary):
        try:
            known = {batch: found, 2 * batch: _timeline(larger, plan)}
            of_batch = _peaks(summary, larger, plan, known)
            straight = _straight_peaks(found, known[2 * batch], batch)
            most = largest(straight, memory, batch)
            if most and of_batch(most) > memory:
                most = largest(of_batch, memory, most)
            least = largest(lambda size: int(straight(size) * (1 + ROUNDING)) + CONTEXT[1], memory, batch)
            least = min(most, least) if beside[1] else most
        except NotLinearError:
            most, fixed = None, "its sizes don't grow evenly with the batch"
        except OverflowError:
            grows = straight(MOST) > peak
            fixed = f"even a batch of {MOST:,} fits" if grows else "its memory doesn't grow with the batch"
    return Fit(memory, batch, found, beside, most, least, fixed, _helps(summary, plan, peak))


def _timeline(summary: Summary, plan: Plan | None) -> Timeline:
    return inference(summary) if plan is None else timeline(summary, plan)


def _straight_peaks(found: Timeline, doubled: Timeline, batch: int) -> Callable[[int], int]:
    """The peak at any batch, by a straight line for each step through what it holds at two batches.

    A step is the most of several operations, each of which grows evenly: what a batch takes is never less than the
    lines say. A batch that is too large by them is so, and one that fits has to be looked at.

    Raises:
        NotLinearError: at the two batches, other layers are at work.
    """
    if [(step.phase, step.layer) for step in found.steps] != [(step.phase, step.layer) for step in doubled.steps]:
        raise NotLinearError
    lines = {(one.live, other.live - one.live) for one, other in zip(found.steps, doubled.steps, strict=True)}
    return lambda size: max(one + more * (size - batch) // batch for one, more in lines)


def _peaks(summary: Summary, larger: Summary, plan: Plan | None, known: dict[int, Timeline]) -> Callable[[int], int]:
    """The peak at any batch, where those of the two summaries are ``known``; each is computed once."""
    batch, twice = known

    def peak(size: int) -> int:
        if size not in known:
            known[size] = _timeline(at_batch(summary, larger, (batch, twice), size), plan)
        step = known[size].peak
        return step.live if step else 0

    return peak


def _helps(summary: Summary, plan: Plan | None, peak: int) -> tuple[Help, ...]:
    """What would help, the most helpful first."""
    if plan is None:
        return ()
    plans: list[tuple[str, Plan]] = []
    types = {p.dtype for layer in summary.layers for p in layer.parameters if p.role == "trainable"}
    if plan.amp is None and "float32" in types:
        plans.append(("--amp bf16", replace(plan, amp="bf16")))
    if not plan.checkpoint and (pattern := repeated(summary)):
        plans.append((f"--checkpoint '{pattern}'", replace(plan, checkpoint=(pattern,))))
    if plan.optimizer in ("adam", "adamw"):
        plans.append(("--optimizer adam8bit", replace(plan, optimizer="adam8bit")))
        if plan.implementation == "foreach":
            plans.append(("--implementation fused", replace(plan, implementation="fused")))
    elif plan.optimizer != "sgd":
        plans.append(("--optimizer sgd", replace(plan, optimizer="sgd")))
    found = [Help(words, step.live) for words, other in plans if (step := timeline(summary, other).peak)]
    useful = [each for each in found if each.peak <= (1 - _WORTH) * peak]
    return tuple(sorted(useful, key=lambda each: each.peak))


def repeated(summary: Summary) -> str | None:
    """The pattern of the paths of the blocks that a network mostly consists of: ``layer*.*``; None if it has none."""
    inside: Counter[str] = Counter()
    for layer in summary.layers:
        parts = layer.path.split(".")
        inside.update(".".join(parts[:end]) for end in range(1, len(parts)))
    blocks = Counter(
        re.sub(r"[0-9]+", "*", path) for path, count in inside.items() if count >= _BLOCK and re.search(r"[0-9]$", path)
    )
    pattern, count = max(blocks.items(), key=lambda found: found[1], default=("", 0))
    return pattern if count > 1 else None
