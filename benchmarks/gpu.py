"""Our peak of a training step against what a GPU takes: ``python benchmarks/gpu.py [NAME...] > gpu.md``.

The truth is ``torch.cuda.max_memory_allocated`` of the second step, on the networks and settings of
``training_memory.py``. Some of what ``fit`` calls overhead is in it: blocks are multiples of 512 bytes, and
convolutions have workspaces; what CUDA's context takes isn't. ``--cpu`` runs the same steps without counting, to try
the script where there is no GPU.
"""

from __future__ import annotations

import argparse
import gc
import sys
from contextlib import nullcontext
from typing import Any

import fake_step
import torch
from torch import nn
from training_memory import BATCH, SETTINGS, Result, page
from training_networks import NETWORKS, Network, summary_of

from resnet_inspect.analysis.training.plan import Plan
from resnet_inspect.analysis.training.timeline import timeline

_LOWER = {"bf16": torch.bfloat16}


def step(model: nn.Module, optimizer: torch.optim.Optimizer, given: tuple[Any, ...], amp: str | None) -> None:
    """Forward, backward of the sum of all outputs, and the optimizer's step."""
    device = given[0].device.type
    with torch.autocast(device, dtype=_LOWER[amp]) if amp else nullcontext():
        loss = fake_step.loss_of(model(*given))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def peak(network: Network, optimizer: str, amp: str | None, patterns: tuple[str, ...], device: str) -> int:
    """The most bytes that tensors have had in the second step; 0 on a CPU, which counts nothing."""
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    with torch.device(device):
        model, given = network.build().train(), network.inputs(BATCH)
    fake_step.compute_again(model, patterns)
    optim = fake_step.OPTIMIZERS[optimizer](model.parameters(), lr=1e-3)
    step(model, optim, given, amp)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    step(model, optim, given, amp)
    return torch.cuda.max_memory_allocated() if device == "cuda" else 0


def main() -> None:
    """Write the table to stdout; progress goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[])
    parser.add_argument("--cpu", action="store_true", help="run without a GPU, and count nothing")
    options = parser.parse_args()
    device = "cpu" if options.cpu else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch sees no GPU here; --cpu runs the steps without counting")
    results = []
    for name in options.names or list(NETWORKS):
        network = NETWORKS[name]
        summary = summary_of(network, BATCH)
        for amp, again, optimizer in SETTINGS:
            patterns = network.checkpoints if again else ()
            at = timeline(summary, Plan(optimizer=optimizer, amp=amp, checkpoint=patterns)).peak
            assert at is not None
            taken = peak(network, optimizer, amp, patterns, device)
            results.append(Result(name, amp, again, optimizer, at.live, taken or at.live, 0, f"{at.phase} {at.layer}"))
            case = f"{name} {amp or 'fp32'} {optimizer}{' with checkpoints' if again else ''}"
            print(f"{case}: ours {at.live:,}, the GPU's {taken:,}", file=sys.stderr, flush=True)
    if device == "cuda":
        what = (
            f"Batch {BATCH}, PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, the second step.",
            "The loss is the sum of the outputs. `max_memory_allocated`: blocks of 512 bytes, workspaces among them.",
        )
        print(page(results, what))


if __name__ == "__main__":
    main()
