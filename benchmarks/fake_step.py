"""The memory of a training step on a GPU, without a GPU: torch's MemTracker on fake CUDA tensors.

Two parts of torch need a GPU even for fake tensors, and are replaced here. Its autograd engine asks for the GPU's
context, so ``backward`` follows autograd's graph in the engine's order (``torch/csrc/autograd/engine.cpp``). And
``scaled_dot_product_attention`` asks for the GPU's generation to choose a kernel, so ``attention`` chooses as torch
does on one of 2020 or later. On CPU tensors ``backward`` and torch's engine peak at the same byte
(``tests/analysis/test_training_by_torch.py``).
"""

from __future__ import annotations

import gc
import heapq
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools import mem_tracker
from torch.utils.checkpoint import checkpoint

#: ``foreach`` is torch's default for parameters on a GPU, but not for fake ones, whose class it doesn't know.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": partial(torch.optim.SGD, foreach=True),
    "momentum": partial(torch.optim.SGD, momentum=0.9, foreach=True),
    "adam": partial(torch.optim.Adam, foreach=True),
    "adamw": partial(torch.optim.AdamW, foreach=True),
}
#: A graph task has a number; outside of torch's engine there is none, and checkpoints would run again for each tensor.
_TASK = 7


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """Flash attention for half precision without a mask, else the memory-efficient kernel."""
    if torch.is_autocast_enabled("cuda"):
        lower = torch.get_autocast_dtype("cuda")
        query, key, value = (tensor.to(lower) for tensor in (query, key, value))
        if attn_mask is not None and attn_mask.is_floating_point():
            attn_mask = attn_mask.to(lower)
    if attn_mask is None and query.dtype in (torch.bfloat16, torch.float16):
        flash = torch.ops.aten._scaled_dot_product_flash_attention
        return flash(query, key, value, dropout_p, is_causal, False, scale=scale)[0]
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        bias = torch.zeros_like(attn_mask, dtype=query.dtype)
        attn_mask = bias.masked_fill_(attn_mask.logical_not(), -torch.inf)
    if attn_mask is not None:
        attn_mask = attn_mask.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])
    efficient = torch.ops.aten._scaled_dot_product_efficient_attention
    return efficient(query, key, value, attn_mask, True, dropout_p, is_causal, scale=scale)[0]


def backward(losses: list[torch.Tensor], in_place: bool = True) -> None:
    """The backward pass of the one loss in the list, which is emptied so that nobody else keeps the graph.

    The engine adds a second gradient in place if nobody else has the first. It never does so under a dispatch mode such
    as MemTracker; ``in_place=False`` is that.
    """
    loss = losses.pop()
    root: Any = loss.grad_fn
    buffers: dict[Any, list[torch.Tensor | None]] = {root: [torch.ones_like(loss)]}
    missing = _dependencies(root)
    count = itertools.count()
    ready = [(_order(root), next(count), root)]
    del loss, root
    with torch.no_grad(), mock.patch.object(torch._C, "_current_graph_task_id", return_value=_TASK):
        while ready:
            node = heapq.heappop(ready)[2]
            given = buffers.pop(node)
            if hasattr(node, "variable"):
                _accumulate(node.variable, given)
                continue
            edges = node.next_functions
            made = _call(node, given)
            del node
            for place, (following, number) in enumerate(edges):
                gradient, made[place] = made[place], None
                if following is None:
                    continue
                about = following._input_metadata
                buffer = buffers.setdefault(following, [None] * len(about))
                if gradient is not None:
                    gradient = _fitted(gradient, about[number])
                    before = buffer[number]
                    del about
                    if before is None:
                        buffer[number] = gradient
                    elif in_place and _is_alone(before):
                        before.add_(gradient)
                    else:
                        buffer[number] = before + gradient
                    del before
                del gradient, buffer
                missing[following] -= 1
                if not missing[following]:
                    del missing[following]
                    heapq.heappush(ready, (_order(following), next(count), following))
            edges = following = None


def _dependencies(root: Any) -> dict[Any, int]:
    """How many gradients each node waits for."""
    found: dict[Any, int] = {}
    seen, left = {root}, [root]
    while left:
        for following, _ in left.pop().next_functions:
            if following is not None:
                found[following] = found.get(following, 0) + 1
                if following not in seen:
                    seen.add(following)
                    left.append(following)
    return found


def _order(node: Any) -> int:
    """Gradients of leaves first, then what ran last in the forward pass."""
    return -(2**64) if hasattr(node, "variable") else -node._sequence_nr()


def _call(node: Any, given: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
    gradients = tuple(given)
    given.clear()
    made = node.apply(*gradients) if hasattr(node, "apply") else node(*gradients)
    return list(made) if isinstance(made, tuple) else [made]


def _accumulate(leaf: torch.Tensor, given: list[torch.Tensor | None]) -> None:
    gradient = given.pop()
    if gradient is None:
        return
    if leaf.grad is not None:
        leaf.grad.add_(gradient)
    else:
        leaf.grad = gradient.detach() if gradient.stride() == leaf.stride() else gradient.clone()


def _fitted(gradient: torch.Tensor, about: Any) -> torch.Tensor:
    """As the engine's ``validate_outputs``: summed over what was broadcast, in the type of the value."""
    if gradient.shape != about.shape:
        gradient = gradient.sum_to_size(about.shape)
    return gradient.to(about.dtype)


def _uses(tensor: torch.Tensor) -> int:
    return int(torch._C._storage_Use_Count(tensor.untyped_storage()._cdata))


_ONE = _uses(torch.ones(1))


def _is_alone(tensor: torch.Tensor) -> bool:
    """Whether no other tensor stands in its memory."""
    return _uses(tensor) <= _ONE


@contextmanager
def without_gpu() -> Iterator[None]:
    """torch, for as long, takes a GPU to be there where it only asks for what it may do with one."""
    with (
        mock.patch.object(nn.functional, "scaled_dot_product_attention", attention),
        mock.patch("torch.cuda.amp.common.amp_definitely_not_available", return_value=False),
        mock.patch.object(torch.cuda, "is_bf16_supported", return_value=True),
        mock.patch.object(nn.init, "trunc_normal_", lambda tensor, *args, **options: tensor),  # reads values
        mock.patch.object(mem_tracker, "_PYTORCH_MIN_ALLOCATE", 1),  # bytes, as the allocator's blocks are not tensors
        _one_sequence(),
    ):
        yield


def _one_sequence() -> AbstractContextManager[Any]:
    """transformers, if it is imported, takes a row of tokens for one sequence, as it does where it can read values.

    Of fake tensors it can't, takes them for several in a row, and makes masks that no run on a GPU has.
    """
    if "transformers" not in sys.modules:
        return nullcontext()
    return mock.patch("transformers.masking_utils.find_packed_sequence_indices", return_value=None)


def compute_again(model: nn.Module, patterns: tuple[str, ...]) -> None:
    """Checkpoint the outermost modules whose paths fit a pattern."""
    done: list[str] = []
    for name, module in model.named_modules():
        fits = any(fnmatchcase(name, pattern) for pattern in patterns)
        if fits and not any(name.startswith(f"{outer}.") for outer in done):
            done.append(name)
            forward = partial(checkpoint, module.forward, use_reentrant=False, preserve_rng_state=False)
            module.forward = forward


def peak(
    build: Callable[[], nn.Module],
    inputs: Callable[[], tuple[Any, ...]],
    optimizer: str,
    amp: str | None = None,
    checkpoints: tuple[str, ...] = (),
    device: str = "cuda",
    own_engine: bool = True,
    in_place: bool = True,
    accumulate: int = 1,
) -> int:
    """The most bytes of tensors alive in the second step of training. The loss is the sum of all outputs.

    What ``build`` freezes isn't trained. A step has ``accumulate`` forward and backward passes.
    """
    with without_gpu(), FakeTensorMode():
        with torch.device(device):
            model, given = build().train(), inputs()
        compute_again(model, checkpoints)
        optim = OPTIMIZERS[optimizer]([weight for weight in model.parameters() if weight.requires_grad], lr=0.1)
        tracker = mem_tracker.MemTracker()
        tracker._mod_tracker = _NoModules()
        tracker.track_external(model, optim, *given)

        def step() -> None:
            lower = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(amp or "")
            for _ in range(accumulate):
                with torch.autocast(device, dtype=lower) if lower else nullcontext():
                    losses = [loss_of(model(*given))]
                if own_engine:
                    backward(losses, in_place)
                else:
                    losses.pop().backward()
            optim.step()
            optim.zero_grad()

        with tracker:
            step()
        gc.collect()
        tracker.reset_mod_stats()
        with tracker:
            step()
        return max(int(snapshot["Total"]) for snapshot in tracker.get_tracker_snapshot("peak").values())


class _NoModules:
    """Stands in for MemTracker's statistics of modules, whose hooks would keep autograd's nodes and what these save."""

    is_bw = False
    parents: frozenset[str] = frozenset()

    def register_user_hooks(self, *hooks: Any) -> None: ...

    def clear_user_hooks(self) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *problem: object) -> None: ...


def loss_of(outputs: Any) -> torch.Tensor:
    """The sum of all outputs of a network, whatever holds them."""
    if isinstance(outputs, torch.Tensor):
        return outputs.sum()
    parts = outputs.values() if isinstance(outputs, dict) else outputs
    total: Any = sum(part.sum() for part in parts if isinstance(part, torch.Tensor))
    return total
