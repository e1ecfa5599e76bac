"""Building torch models without allocating weights, and running models without changing them."""

from __future__ import annotations

import random
import sys
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

from .torch_walk import modules_of

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
            register_module_parameter_registration_hook(_registered_on_meta),
            register_module_buffer_registration_hook(_registered_on_meta),
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

    A forward may do anything to its modules: fill caches, count steps, register buffers. So every module's
    attributes are put back, and the contents of its plain containers. On real tensors the fast path hides the
    work of attention from every observer. Modes are set module by module, because models override ``train``.
    """
    # A frozen script has no mode.
    modules = [module for _, module in modules_of(model) if hasattr(module, "training")]
    kept = [(module, type(module), module.training, dict(vars(module)), _contents(module)) for module in modules]
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        for module in modules:
            module.training = False
        with torch.inference_mode(False), torch.no_grad(), kept_random_state(), quiet():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for module, kind, training, attributes, contents in kept:
            if type(module) is not kind:
                module.__class__ = kind
            module.training = training  # a scripted module keeps its mode elsewhere
            own = vars(module)
            for name in [name for name in own if name not in attributes]:
                del own[name]
            own.update(attributes)
            for container, items in contents:
                container.clear()
                container.update(items) if isinstance(container, (dict, set)) else container.extend(items)


def _contents(module: nn.Module) -> list[tuple[Any, Any]]:
    """The plain containers among a module's attributes (its parameters and buffers too), and what is in them."""
    containers = [value for value in vars(module).values() if isinstance(value, (dict, list, set))]
    return [(container, container.copy()) for container in containers]


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
def eager() -> Iterator[None]:
    """What was compiled runs as it was written inside: a compiler would hide it, or try to compile our observers."""
    if "torch._dynamo" not in sys.modules:
        yield  # nothing can have been compiled
        return
    with torch.compiler.set_stance("force_eager"):
        yield


@contextmanager
def compiling() -> Iterator[None]:
    """``torch.compiler.is_compiling()`` is true inside, as in an export: libraries then read no values."""
    original = torch.compiler.is_compiling
    torch.compiler.is_compiling = lambda: True
    try:
        yield
    finally:
        torch.compiler.is_compiling = original


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings: they are the frameworks' chatter, and a failure says its own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def stand_ins(model: nn.Module, on_meta: bool) -> Iterator[None]:
    """Swaps a model's tensors for others, on meta or copies of the same values, and puts them back.

    Whatever a forward writes into them is lost. Tied tensors stay tied: one stand-in each.
    """
    made: dict[int, Any] = {}
    originals: list[tuple[Any, str, Any]] = []
    modules = [module for _, module in modules_of(model)]
    recurrent = [module for module in modules if isinstance(module, nn.RNNBase)]
    flat = [module._flat_weights for module in recurrent]
    try:
        for module in modules:
            for store in (module._parameters, module._buffers, vars(module)):
                for name, tensor in list(store.items()):
                    if not isinstance(tensor, torch.Tensor) or (on_meta and tensor.is_meta):
                        continue
                    if id(tensor) not in made:
                        made[id(tensor)] = _to_meta(tensor) if on_meta else _like(tensor, tensor.detach().clone())
                    originals.append((store, name, tensor))
                    store[name] = made[id(tensor)]
        for module in recurrent:
            module.__dict__["_flat_weights"] = [getattr(module, name) for name in module._flat_weights_names]
        yield
    finally:
        for store, name, tensor in originals:
            store[name] = tensor
        for module, weights in zip(recurrent, flat, strict=True):
            module.__dict__["_flat_weights"] = weights


def _like(original: Any, tensor: torch.Tensor) -> Any:
    """``tensor`` as a parameter where the original is one, with whatever attributes its owner gave it."""
    if not isinstance(original, nn.Parameter):
        return tensor
    parameter = nn.Parameter(tensor, requires_grad=original.requires_grad)
    parameter.__dict__.update(original.__dict__)
    return parameter


def _to_meta(tensor: Any) -> Any:
    """A stand-in of the same logical shape; of a packed or sharded tensor, ``stored_bytes`` remembers the real size."""
    if tensor is None:
        return None
    if nn.parameter.is_lazy(tensor):
        return type(tensor)(tensor.requires_grad, device="meta", dtype=tensor.dtype)
    if not hasattr(tensor, "__tensor_flatten__"):
        return _like(tensor, tensor.detach().to("meta"))
    stand_in = _like(tensor, torch.empty(tensor.shape, dtype=tensor.dtype, device="meta"))
    if not hasattr(tensor, "full_tensor"):  # a shard of a DTensor is a part of its global size
        stand_in.stored_bytes = _stored_bytes(tensor)
    return stand_in


def _stored_bytes(tensor: Any) -> int:
    """Bytes of the tensors that a packed one is made of."""
    if not hasattr(tensor, "__tensor_flatten__"):
        return int(tensor.numel() * tensor.element_size())
    return sum(_stored_bytes(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])


def _registered_on_meta(_module: nn.Module, _name: str, tensor: Any) -> Any:
    return _to_meta(tensor)
