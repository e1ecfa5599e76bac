"""Modules of torch that no summary needs, kept out of a process of our own.

``torch._dynamo`` (the compiler), ``torch.fx.experimental.symbolic_shapes`` and sympy are imported by the way: by
torchvision, by the first operator on meta, by every check of a shape. Together they take as long as the rest of
torch. Stand-ins answer what is asked of them where nothing is compiled and every size is a number; at the first other
question they go, the real modules are imported, and what was asked for is theirs.

``install`` is called in a process of our own only: a caller's torch stays as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from . import compat


def install() -> None:
    """Puts stand-ins in the place of the modules that aren't imported yet. Imports torch."""
    import torch.fx.experimental

    several = {"sym_and": _sym_and, "sym_or": _sym_or, "sym_eq": _sym_eq}
    dynamo, utils = compat.COMPILER, f"{compat.COMPILER}.utils"
    standins = {
        dynamo: _StandIn(dynamo, disable=_disable),
        utils: _StandIn(utils, is_compile_supported=_later(utils, "is_compile_supported")),
        compat.SHAPES: _StandIn(
            compat.SHAPES,
            **{name: _of_plain(name, kinds, answer) for name, (kinds, answer) in compat.ANSWERS.items()},
            **{name: several[name] for name in compat.SEVERAL},
        ),
        "sympy": _StandIn("sympy", **dict.fromkeys(compat.EXPRESSIONS, _NoExpression)),
    }
    if sys.modules.keys() & standins.keys():
        return
    sys.modules.update(standins)
    standins[dynamo].utils = standins[utils]  # type: ignore[attr-defined]
    torch.fx.experimental.symbolic_shapes = standins[compat.SHAPES]
    sys.meta_path.insert(0, _Submodules())
    _without_triton()


def is_real(module: str) -> bool:
    """Whether a module is imported, and no stand-in of ours."""
    return module in sys.modules and not isinstance(sys.modules[module], _StandIn)


class _NoExpression:
    """In the place of ``sympy.Basic``: what is asked of it is whether a size is one."""


class _StandIn(ModuleType):
    """Has what it is made with; at any other question all stand-ins go, and whoever keeps one sees the real module."""

    def __init__(self, name: str, **known: Any) -> None:
        super().__init__(name)
        # The spec is the real one: whoever asks whether the module could be imported is told so.
        self.__dict__.update(known, __path__=[], __spec__=_spec(name))

    def __getattr__(self, name: str) -> Any:
        # Others of Python's own are asked for on its rounds through all modules.
        hidden = name.startswith("__") and name not in ("__all__", "__version__")
        if hidden and sys.modules.get(self.__name__) is self:
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


def _spec(name: str) -> ModuleSpec | None:
    """Where a module is, without importing the packages around it."""
    package, _, _ = name.rpartition(".")
    around = _spec(package) if package else None
    return PathFinder.find_spec(name, around.submodule_search_locations if around else None)


class _Submodules:
    """Finds the modules below stand-ins: the real ones, which their packages may have imported already."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        package = name.rpartition(".")[0]
        if not isinstance(sys.modules.get(package), _StandIn):
            return None
        _real(package)
        if name in sys.modules:
            return ModuleSpec(name, _Imported(sys.modules[name]))
        return importlib.util.find_spec(name)


class _Imported(Loader):
    """Loads a module that is there."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, _spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, _module: ModuleType) -> None:
        """Nothing: that was done."""


def _real(name: str) -> ModuleType:
    """The real module, imported where none of our observers looks on. No stand-in is left then: real modules know one
    another.
    """
    for other, module in list(sys.modules.items()):
        if isinstance(module, _StandIn):
            del sys.modules[other]
            vars(module).clear()
            module.__name__ = other
    with compat.without_modes():
        return importlib.import_module(name)


def _later(module: str, name: str) -> Callable[..., Any]:
    """The real function, once it is called."""
    return lambda *args, **kwargs: getattr(_real(module), name)(*args, **kwargs)


def _of_plain(name: str, kinds: tuple[type, ...], answer: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function that gives ``answer`` of a plain first argument, and what the real one gives of all else."""
    real = _later(compat.SHAPES, name)

    def function(item: Any, *args: Any, **kwargs: Any) -> Any:
        return answer(item) if type(item) in kinds else real(item, *args, **kwargs)

    return function


def _sym_and(*conditions: Any) -> Any:
    return all(conditions) if _are_plain(conditions, bool) else _real(compat.SHAPES).sym_and(*conditions)


def _sym_or(*conditions: Any) -> Any:
    return any(conditions) if _are_plain(conditions, bool) else _real(compat.SHAPES).sym_or(*conditions)


def _sym_eq(one: Any, other: Any) -> Any:
    """Sizes are compared, or shapes by their sizes, whatever holds them."""
    if type(one) is int and type(other) is int:
        return one == other
    both = isinstance(one, (tuple, list)) and isinstance(other, (tuple, list))
    if both and _are_plain((*one, *other), int):
        return tuple(one) == tuple(other)
    return _real(compat.SHAPES).sym_eq(one, other)


def _are_plain(items: Iterable[Any], kind: type) -> bool:
    return all(type(item) is kind for item in items)


def _disable(function: Any = None, *_: Any, **__: Any) -> Any:
    """What isn't compiled needs no mark against it."""
    return (lambda decorated: decorated) if function is None else function


def _without_triton() -> None:
    """torch's FLOP counter looks whether triton is there, and imports it for that."""
    if "triton" in sys.modules:
        return
    sys.modules["triton"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("torch.utils.flop_counter")
    finally:
        del sys.modules["triton"]
