"""The private names of torch that we use, in one place, and what differs between its versions from 2.4 on.

Each comment says in which versions a name was seen; ``tests/readers/torch/test_compat.py`` fails with its name once
it moves.
Attributes that torch's own objects have under private names are used where they are needed; ``ATTRIBUTES`` lists them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as modules

# 2.4-2.14. The module is private, the class is documented.
from torch.utils._python_dispatch import TorchDispatchMode

# 2.4-2.14. It takes away the modes of operators, not those of functions.
from torch.utils._python_dispatch import _disable_current_modes as without_operator_modes

#: 2.4-2.14. No mode of functions sees what is done inside: looking at a tensor's shape is a call of one to them.
without_function_modes = torch._C.DisableTorchFunction
#: 2.4-2.14. Undoes ``without_function_modes`` inside of it.
_with_function_modes = torch._C._EnableTorchFunction
#: 2.4-2.14. The class of ``torch.ops.aten.add.Tensor``.
OpOverload = torch._ops.OpOverload
#: 2.4-2.14. The class of ``cond`` and of other operators that are given functions, and the key of that of their
#: ``py_kernels`` which runs these as they are.
HigherOrderOperator = torch._ops.HigherOrderOperator
DENSE = torch._C.DispatchKey.CompositeExplicitAutograd

#: 2.4-2.14. The compiler.
COMPILER = "torch._dynamo"
#: 2.4-2.14. What torch asks about sizes that may be unknown.
SHAPES = "torch.fx.experimental.symbolic_shapes"

#: Owner -> its private attributes that we read, all seen in 2.4-2.14.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "module": ("_modules", "_parameters", "_buffers"),
    "tensor": ("_version", "_base"),
    "storage": ("_cdata",),
    "operator": ("_schema", "_overloadpacket"),
    "operator of functions": ("py_kernels",),
    "compiled module": ("_orig_mod",),
}

#: 2.4-2.14. What a module's call looks at before it calls ``forward``, of the module and of all modules.
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_compiled_call_impl")
GLOBAL_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
)

#: Functions of ``symbolic_shapes`` -> the plain kinds of a first argument that they are asked about, and their answer.
#: torch imports some of them by the way, and calls them for every operator on meta.
ANSWERS: dict[str, tuple[tuple[type, ...], Callable[[Any], Any]]] = {
    # Conditions that are true or false already.
    "definitely_true": ((bool,), lambda condition: condition),  # 2.4-2.7
    "expect_true": ((bool,), lambda condition: condition),  # 2.4-2.14
    "guard_or_false": ((bool,), lambda condition: condition),  # 2.8-2.14
    "guard_or_true": ((bool,), lambda condition: condition),  # 2.8-2.14
    "guard_size_oblivious": ((bool,), lambda condition: condition),  # 2.4-2.14
    "statically_known_true": ((bool,), lambda condition: condition),  # 2.4-2.14
    # Sizes that are numbers already.
    "guard_int": ((int,), lambda size: size),  # 2.4-2.14
    "guarding_hint_or_throw": ((int, bool), lambda size: size),  # 2.12-2.14
    "size_hint": ((int,), lambda size: size),  # 2.10, 2.11
    "has_hint": ((int, float, bool), lambda size: True),  # 2.4-2.11
    "has_guarding_hint": ((int, float, bool), lambda size: True),  # 2.12-2.14
    "is_nested_int": ((int, float, bool), lambda size: False),  # 2.4-2.14
    "_advise_is_size": ((int,), lambda size: None),  # 2.4-2.14
    "_advise_is_bounded": ((int,), lambda size: None),  # 2.7-2.14
    # A class that is imported, but made by the compiler only.
    "SymIntEqByExpr": ((), lambda size: size),  # 2.6-2.14
}
#: Functions of ``symbolic_shapes`` that take several values; ``standins.py`` answers them.
SEVERAL = ("sym_and", "sym_or", "sym_eq")  # sym_eq 2.4-2.14, the others 2.8-2.14
#: Names of sympy that sizes are compared with on the way: Basic in 2.5-2.14, Expr in 2.4.
EXPRESSIONS = ("Basic", "Expr")


@contextmanager
def without_modes() -> Iterator[None]:
    """No mode is on inside, of functions or of operators, nor is one shut out: as where torch itself is imported."""
    with ExitStack() as stack:
        stack.enter_context(_with_function_modes())
        # 2.4-2.14. The stack of modes of functions.
        popped = [torch.overrides._pop_mode() for _ in range(torch._C._len_torch_function_stack())]
        for mode in popped:  # an ExitStack calls back in reverse: the lowest mode is pushed first
            stack.callback(torch.overrides._push_mode, mode)
        stack.enter_context(without_operator_modes())
        yield


def import_compiler() -> None:
    """Imports ``torch._dynamo``, which torch 2.7 and later does in its first operator on meta.

    In the middle of a run, 2.7 and 2.8 fail at that: their compiler looks at what its own modes see while it is
    imported, and our observers shut them out.
    """
    if COMPILER not in sys.modules:
        importlib.import_module(COMPILER)


def force_eager() -> AbstractContextManager[Any]:
    """What was compiled runs as it was written inside. ``torch._dynamo`` must be imported."""
    # 2.6-2.14 have stances; 2.4 and 2.5 have a switch of the compiler's settings.
    stance = getattr(torch.compiler, "set_stance", None)
    context: AbstractContextManager[Any] = (
        stance("force_eager") if stance else sys.modules[COMPILER].config.patch(disable=True)
    )
    return context


@contextmanager
def compiling() -> Iterator[None]:
    """``torch.compiler.is_compiling()`` is true inside, as in an export: libraries then read no values."""
    # 2.4-2.14. Libraries look it up when they call it.
    original = torch.compiler.is_compiling
    torch.compiler.is_compiling = lambda: True
    try:
        yield
    finally:
        torch.compiler.is_compiling = original


@contextmanager
def autocast_on_meta() -> Iterator[None]:
    """``autocast(x.device.type)`` inside, which torch refuses for a tensor on meta, is what it is on the CPU."""
    # 2.4-2.15. Both kinds of name are looked up when they are called.
    functions = ("get_autocast_dtype", "is_autocast_enabled", "set_autocast_dtype", "set_autocast_enabled")
    owners: list[tuple[Any, str]] = [(torch.autocast, "__init__"), *((torch, name) for name in functions)]
    originals = [getattr(owner, name) for owner, name in owners]

    def on_cpu(original: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any, **kwargs: Any) -> Any:
            named = {key: "cpu" if key == "device_type" and value == "meta" else value for key, value in kwargs.items()}
            return original(*("cpu" if value == "meta" else value for value in args), **named)

        return asked

    for (owner, name), original in zip(owners, originals, strict=True):
        setattr(owner, name, on_cpu(original))
    try:
        yield
    finally:
        for (owner, name), original in zip(owners, originals, strict=True):
            setattr(owner, name, original)


def call(original: Callable[..., Any], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``original``, torch's ``Module.__call__``, gives: by a plain call of ``forward`` where it would do no more.

    Python 3.12 and 3.13 count calls that go through C, and nobody can raise that limit. Torch's way to ``forward``
    takes two of these a level; this takes none, so that models may be more than twice as deep.
    """
    forward = module.forward
    if isinstance(module, torch.jit.ScriptModule) or type(forward) is not MethodType or _is_hooked(module):
        return original(module, *args, **kwargs)
    return forward.__func__(forward.__self__, *args, **kwargs)


def _is_hooked(module: nn.Module) -> bool:
    """Whether torch does more than to call ``forward``."""
    return (
        any(getattr(module, name) for name in HOOKS)
        or any(getattr(modules, name) for name in GLOBAL_HOOKS)
        or torch._C._get_tracing_state() is not None  # 2.4-2.14. While torch.jit.trace or an ONNX export looks on.
    )


def unwrapped(tensor: torch.Tensor) -> torch.Tensor:
    """What ``vmap`` and ``grad`` have wrapped."""
    # 2.4-2.14.
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def schemas_of(name: str) -> Sequence[Any]:
    """The schemas of an operator (``aten::add``), of each of its overloads; none for a name that isn't known."""
    # 2.4-2.14.
    schemas: Sequence[Any] = torch._C._jit_get_schemas_for_operator(name)
    return schemas


__all__ = [
    "ANSWERS",
    "ATTRIBUTES",
    "COMPILER",
    "DENSE",
    "EXPRESSIONS",
    "GLOBAL_HOOKS",
    "HOOKS",
    "SEVERAL",
    "SHAPES",
    "HigherOrderOperator",
    "OpOverload",
    "TorchDispatchMode",
    "autocast_on_meta",
    "call",
    "compiling",
    "force_eager",
    "import_compiler",
    "schemas_of",
    "unwrapped",
    "without_function_modes",
    "without_modes",
    "without_operator_modes",
]
