"""Who hears the functions and operators of a run, and brings what it hands to a pool of threads into one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from . import cost as torch_cost
from .compat import TorchDispatchMode, without_function_modes

if TYPE_CHECKING:
    from .trace import Recorder


@contextmanager
def in_turn() -> Iterator[None]:
    """Inside, what this thread submits to a ``ThreadPoolExecutor`` runs before ``submit`` returns.

    Other threads' pools, and threads that a model starts by itself, work as ever.
    """
    here = threading.get_ident()
    original = ThreadPoolExecutor.submit

    def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if threading.get_ident() != here:
            return original(pool, function, *args, **kwargs)
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        ThreadPoolExecutor.submit = original  # type: ignore[method-assign]


class Functions(TorchFunctionMode):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.recorder.call_function(func, args, kwargs or {})


class Operators(TorchDispatchMode):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.namespace != "aten":
            return self._run(func, args, kwargs or {})  # other people's kernels may lean on modes, for devices say
        with without_function_modes():
            return self._run(func, args, kwargs or {})

    def _run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if torch.is_inference_mode_enabled() and not torch_cost.has_formula(func):
            # Inference mode hands over composite operators (linear, conv2d) whole.
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        return self.recorder.run_operator(func, args, kwargs)
