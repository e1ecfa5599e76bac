"""All modules of a model with their paths, without torch's own recursion: models may be thousands of levels deep."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from torch import nn

from ..room import with_room

T = TypeVar("T")

#: Python's frames that a level of modules takes while a forward runs, with our own among them.
_FRAMES_A_LEVEL = 20
#: More levels than this run in a thread with a stack of their own.
_SHALLOW = 40
_STACK = 512 * 2**20


def modules_of(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Path and module, each module once, in the order of ``named_modules``."""
    found: list[tuple[str, nn.Module]] = []
    seen: set[int] = set()
    waiting: list[tuple[str, nn.Module]] = [("", model)]
    while waiting:
        path, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        found.append((path, module))
        prefix = f"{path}." if path else ""
        children = [(f"{prefix}{name}", child) for name, child in module._modules.items() if child is not None]
        waiting += reversed(children)
    return found


def tensors_of(model: nn.Module, store: str) -> Iterator[tuple[str, Any]]:
    """Name and tensor of all ``_parameters`` or ``_buffers``, each tensor once; tied ones have their first name."""
    seen: set[int] = set()
    for path, module in modules_of(model):
        for name, tensor in getattr(module, store).items():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor


def depth_of(model: nn.Module) -> int:
    """How many modules are inside one another, at most; the model itself is not counted."""
    return max(path.count(".") + 1 if path else 0 for path, _ in modules_of(model))


def too_deep(model: nn.Module) -> str:
    """What to say where Python can't nest as many calls as a forward needs."""
    version = platform.python_version()
    return (
        f"its forward nests more calls than Python {version} allows: a recursion without an end, or too many levels "
        f"(its modules are nested {depth_of(model)} deep). Python 3.12 allows the fewest, 3.11 and 3.13 more"
    )


def deeply(model: nn.Module, run: Callable[[], T]) -> T:
    """What ``run`` gives, with room for as many calls inside one another as the model has levels."""
    depth = depth_of(model)
    if depth <= _SHALLOW:
        return run()
    return with_room(run, 1000 + depth * _FRAMES_A_LEVEL, _STACK)
