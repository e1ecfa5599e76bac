"""Running torch models without changing them: whatever a forward does to its modules is undone."""

from __future__ import annotations

import random
import sys
import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from ...errors import InputError, first_line
from .tensors import replaced
from .walk import modules_of

#: Where random numbers begin in a run as in training.
_SEED = 0
#: Where modules keep things. What derives from these may have rules of its own, and is left alone.
_CONTAINERS = (dict, OrderedDict, defaultdict, list, deque, set)


@contextmanager
def kept_state(model: nn.Module, on_meta: bool, grad: bool = False) -> Iterator[None]:
    """``eval`` mode, no gradients (but with ``grad``) and no attention fast path inside; outside, everything as it was.

    A forward may do anything to its modules: fill caches, count steps, register buffers. So every module's
    attributes are put back, and the contents of what they hold: containers in containers, dataclasses, namespaces and
    objects of the module's own package. The tensors among them have stand-ins inside, on meta or copies of the same
    values, so that whatever is written into them is lost. On real tensors the fast path hides the work of attention
    from every observer. Modes are set module by module, because models override ``train``.
    """
    modules = [module for _, module in modules_of(model)]
    # A frozen script has no mode.
    kinds = [(module, type(module), getattr(module, "training", None)) for module in modules]
    # Scripted modules keep parameters and buffers in wrappers of their own, which can't be emptied.
    wrapped = [store for m in modules for store in (m._parameters, m._buffers) if not isinstance(store, dict)]
    originals = [(store, key, value) for store in wrapped for key, value in store.items()]
    # Most are empty: a module has a dozen dicts for hooks.
    kept = [(store, store.copy() if store else ()) for store in _stores(modules)]
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        for module, _, training in kinds:
            if training is not None:
                module.training = False
        with torch.inference_mode(False), torch.set_grad_enabled(grad), kept_random_state(), quiet():
            _swap_tensors((*(store for store, _ in kept), *wrapped), on_meta)
            if on_meta:
                _forget_distribution(modules)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for module, kind, _ in kinds:
            if type(module) is not kind:
                module.__class__ = kind
        for store, contents in kept:
            if store or contents:
                store.clear()
                store.extend(contents) if isinstance(store, (list, deque)) else store.update(contents)
        for store, key, value in originals:
            store[key] = value
        for module, _, training in kinds:
            if training is not None:
                module.training = training  # a scripted module keeps its mode elsewhere


@contextmanager
def in_training(model: nn.Module) -> Iterator[None]:
    """The modes that ``model.train()`` sets, inside ``kept_state``: a model may keep frozen parts in eval mode.

    Layers that are dropped at random and masks are drawn alike at each run; outside, numbers go on as they would have.

    Raises:
        InputError: the model refuses to be trained.
    """
    numpy = sys.modules.get("numpy")
    drawn = numpy.random.get_state() if numpy else None
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices):
        try:
            random.seed(_SEED)
            # ``torch.manual_seed`` would seed devices that are used for the first time later.
            torch.default_generator.manual_seed(_SEED)
            if devices:
                torch.cuda.manual_seed_all(_SEED)
            if numpy:
                numpy.random.seed(_SEED)
            try:
                model.train()
            except Exception as error:
                raise InputError(f"{type(model).__name__} has no train mode: {first_line(error)}") from error
            yield
        finally:
            if numpy:
                numpy.random.set_state(drawn)


def _swap_tensors(stores: Iterable[Any], on_meta: bool) -> None:
    """Puts stand-ins in the place of all tensors. Tied tensors stay tied: one stand-in each."""
    made: dict[int, Any] = {}

    def stand_in(tensor: torch.Tensor) -> Any:
        if on_meta and tensor.is_meta:
            return tensor
        if id(tensor) not in made:
            made[id(tensor)] = to_meta(tensor) if on_meta else _like(tensor, tensor.detach().clone())
        return made[id(tensor)]

    for store in stores:
        if not store or isinstance(store, set):
            continue
        for key, value in list(enumerate(store) if isinstance(store, (list, deque)) else store.items()):
            if isinstance(value, torch.Tensor) or _has_tensors(value):
                store[key] = replaced(value, stand_in)


def _forget_distribution(modules: Iterable[nn.Module]) -> None:
    """Takes away the hooks that gather and scatter shards: on meta, every weight has its whole, logical size."""
    for module in modules:
        for hooks in (module._forward_pre_hooks, module._forward_hooks):
            for key, hook in list(hooks.items()):
                if str(getattr(hook, "__module__", "")).startswith("torch.distributed"):
                    del hooks[key]


def _stores(modules: Iterable[nn.Module]) -> list[Any]:
    """Everything that modules keep things in, each once: their attributes, and containers and plain objects in them."""
    modules = list(modules)
    packages = {_package(module) for module in modules} - {"torch"}
    found: dict[int, Any] = {}
    waiting: list[Any] = [vars(module) for module in reversed(modules)]
    while waiting:
        store = waiting.pop()
        if id(store) in found:
            continue
        if not isinstance(store, tuple):
            found[id(store)] = store
        for value in store.values() if isinstance(store, dict) else store:
            if type(value) in _CONTAINERS or type(value) is tuple:
                waiting.append(value)
            elif _is_plain(value, packages):
                waiting.append(vars(value))
    return list(found.values())


def _has_tensors(value: Any) -> bool:
    return type(value) is tuple and any(isinstance(item, torch.Tensor) for item in value)


def _is_plain(value: Any, packages: set[str]) -> bool:
    """Whether it is a namespace, a dataclass' instance, or an object of the modules' own packages."""
    if isinstance(value, (torch.Tensor, nn.Module, type)) or not hasattr(value, "__dict__"):
        return False
    return isinstance(value, SimpleNamespace) or is_dataclass(value) or _package(value) in packages


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


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


def _like(original: Any, tensor: torch.Tensor) -> Any:
    """``tensor`` as a parameter where the original is one, with whatever attributes its owner gave it."""
    if not isinstance(original, nn.Parameter):
        return tensor
    parameter = nn.Parameter(tensor, requires_grad=original.requires_grad)
    parameter.__dict__.update(original.__dict__)
    return parameter


def to_meta(tensor: Any) -> Any:
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
