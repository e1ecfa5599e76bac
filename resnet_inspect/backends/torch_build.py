"""Building torch models without allocating weights, and running models without changing them."""

from __future__ import annotations

import random
import warnings
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

_FILLS = ("normal_", "uniform_", "fill_", "zero_", "trunc_normal_", "bernoulli_", "exponential_", "erfinv_")


class _SkipInitialization(TorchFunctionMode):
    """Leaves tensors on meta as they are when they are to be filled: there is nothing to fill."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        fills = getattr(func, "__module__", None) == "torch.nn.init" or getattr(func, "__name__", "") in _FILLS
        if fills:
            tensor = kwargs.get("tensor", args[0] if args else None)
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """What ``build`` gives, with every parameter and buffer on meta.

    A constructor that reads a tensor's values (torchvision's RegNets) is run on the CPU, and each parameter
    goes to meta as it is registered: at no time is more than one of them in memory.
    """
    with quiet(), _SkipInitialization():
        try:
            with torch.device("meta"):
                return build()
        except (RuntimeError, NotImplementedError) as error:
            if "meta" not in str(error):
                raise
        hooks = [
            register_module_parameter_registration_hook(_parameter_to_meta),
            register_module_buffer_registration_hook(lambda _module, _name, buffer: _to_meta(buffer)),
        ]
        try:
            return build()
        finally:
            for hook in hooks:
                hook.remove()


def with_zeros(build: Callable[[], nn.Module]) -> nn.Module:
    """What ``build`` gives on the CPU with all parameters zero: values that are the same on every machine."""
    with quiet(), kept_random_state(), torch.no_grad():
        model = build()
        for parameter in model.parameters():
            parameter.zero_()
    return model


@contextmanager
def kept_state(model: nn.Module) -> Iterator[None]:
    """``eval`` mode, no gradients and no attention fast path inside; outside, everything as it was.

    On real tensors the fast path hides the work of attention from every observer. Modes are set and put back
    module by module, because models override ``train``.
    """
    modes = [(module, module.training) for module in model.modules()]
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        for module, _ in modes:
            module.training = False
        with torch.no_grad(), kept_random_state(), quiet():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for module, training in modes:
            module.training = training


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Puts back Python's and torch's random states."""
    python, cpu = random.getstate(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        torch.set_rng_state(cpu)


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings: they are the frameworks' chatter, and a failure says its own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def tensors_on_meta(model: nn.Module) -> Iterator[None]:
    """Swaps a model's parameters and buffers for twins on meta, and puts the originals back.

    Tied tensors stay tied: one twin each.
    """
    twins: dict[int, Any] = {}
    originals: list[tuple[dict[str, Any], str, Any]] = []

    def twin(tensor: torch.Tensor) -> Any:
        if id(tensor) not in twins:
            twins[id(tensor)] = _to_meta(tensor)
        return twins[id(tensor)]

    recurrent = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
    flat = [module._flat_weights for module in recurrent]
    try:
        for module in model.modules():
            for store in (module._parameters, module._buffers):
                for name, tensor in store.items():
                    if tensor is not None and not tensor.is_meta:
                        originals.append((store, name, tensor))
                        store[name] = twin(tensor)
        for module in recurrent:
            module.__dict__["_flat_weights"] = [getattr(module, name) for name in module._flat_weights_names]
        yield
    finally:
        for store, name, tensor in originals:
            store[name] = tensor
        for module, weights in zip(recurrent, flat, strict=True):
            module.__dict__["_flat_weights"] = weights


def _to_meta(tensor: Any) -> Any:
    if tensor is None:
        return None
    moved = tensor.detach().to("meta")
    return nn.Parameter(moved, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else moved


def _parameter_to_meta(_module: nn.Module, _name: str, parameter: Any) -> Any:
    return None if parameter is None else _to_meta(parameter)
