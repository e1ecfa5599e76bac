"""Building torch models without allocating weights, and how torch is set while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

from . import compat as torch_compat
from .failure import is_about_meta
from .standins import is_real
from .state import kept_random_state, quiet, to_meta

_FILLS = ("normal_", "uniform_", "fill_", "zero_", "trunc_normal_", "bernoulli_", "exponential_", "erfinv_")
#: Those of them whose values are random, under the names of ``torch.nn.init`` too.
_RANDOM = frozenset(
    ["normal_", "uniform_", "trunc_normal_", "bernoulli_", "exponential_", "orthogonal_", "sparse_"]
    + [f"{name}_{kind}_" for name in ("kaiming", "xavier") for kind in ("normal", "uniform")]
)


class _SkipInitialization(TorchFunctionMode):
    """Leaves tensors on meta as they are when they are to be filled.

    With ``zeros``, real parameters get those instead of random values. Others a constructor may read.
    """

    def __init__(self, zeros: bool = False) -> None:
        super().__init__()
        self._zeros = zeros

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        fills = getattr(func, "__module__", None) == "torch.nn.init" or getattr(func, "__name__", "") in _FILLS
        if fills:
            tensor = kwargs.get("tensor", args[0] if args else None)
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                return tensor
            if self._zeros and func.__name__ in _RANDOM and isinstance(tensor, nn.Parameter):
                tensor.data.zero_()
                return tensor
        return func(*args, **kwargs)


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """What ``build`` gives, with every parameter and buffer on meta.

    A constructor that reads a tensor's values (torchvision's RegNets) is run on the CPU, and each parameter
    goes to meta as it is registered: at no time is more than one of them in memory. One that computes with its
    parameters (it quantises them) is built as it is.
    """
    with quiet(), _SkipInitialization():
        try:
            with torch.device("meta"):
                return build()
        except Exception as error:
            if not is_about_meta(error):
                raise
        hooks = [
            register_module_parameter_registration_hook(_registered_on_meta),
            register_module_buffer_registration_hook(_registered_on_meta),
        ]
        try:
            return build()
        except Exception as error:
            if not is_about_meta(error):
                raise
        finally:
            for hook in hooks:
                hook.remove()
        return build()


def with_zeros(build: Callable[[], nn.Module]) -> nn.Module:
    """What ``build`` gives on the CPU with all parameters zero: values that are the same on every machine."""
    with quiet(), kept_random_state(), torch.no_grad():
        with _SkipInitialization(zeros=True):
            model = build()
        for parameter in model.parameters():
            parameter.zero_()
    return model


@contextmanager
def eager() -> Iterator[None]:
    """What was compiled runs as it was written inside: a compiler would hide it, or try to compile our observers."""
    torch_compat.import_compiler()
    if not is_real(torch_compat.COMPILER):
        yield  # nothing can have been compiled
        return
    with torch_compat.force_eager():
        yield


def _registered_on_meta(_module: nn.Module, _name: str, tensor: Any) -> Any:
    return to_meta(tensor)
