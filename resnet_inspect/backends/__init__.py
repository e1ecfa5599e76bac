"""Backends: a table of strings, one adapter per framework, imported only when asked for."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from ..errors import ModelError
from .request import Answer, Request

#: Backend -> the module with its ``summarize(request)`` and ``summarize_block(spec, request)``.
BACKENDS = {
    "local": "resnet_inspect.backends.from_local",
    "torch": "resnet_inspect.backends.from_torch",
    "keras": "resnet_inspect.backends.from_keras",
    "python": "resnet_inspect.backends.from_python",
}
#: Backend -> the module with its ``summarize_object(model, ...)`` and ``summarize_built(build, request)``.
OBJECTS = {"torch": "resnet_inspect.backends.torch_object", "keras": "resnet_inspect.backends.keras_object"}
#: Those that a person names; users' own code is told by its file or module.
NAMES = ("local", "torch", "keras")
#: Element types that inputs and weights may have in every backend.
DTYPES = ("float32", "float64", "float16", "bfloat16")

#: What a person installs to have a backend.
EXTRAS = {"torch": "torch", "keras": "tensorflow"}


def adapter(backend: str, timeout: float | None = None) -> Any:
    """The module of a backend, or a stand-in that runs it in a child process.

    A child is used where this process holds a framework that the backend's can't share it with, or where the
    answer must come within ``timeout`` seconds.

    Raises:
        ModelError: there is no such backend, or its framework isn't installed.
    """
    if backend not in BACKENDS:
        raise ModelError(f"there is no backend {backend!r}; choose one of {', '.join(NAMES)}")
    if timeout is not None or _other_framework(backend) in sys.modules:
        from .worker import Remote

        return Remote(BACKENDS[backend], timeout)
    return load_framework(backend, BACKENDS[backend])


def load_framework(backend: str, module: str) -> Any:
    """Imports a module that needs a backend's framework, with the framework's chatter held back.

    Raises:
        ModelError: the framework isn't installed or doesn't work, with what it said.
    """
    from .chatter import held_back

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with held_back():
            return importlib.import_module(module)
    except ImportError as error:
        hint = f"Install it with: pip install 'resnet-inspect[{EXTRAS.get(backend, 'all')}]'"
        raise ModelError(f"the {backend} backend can't be used: {error}. {hint}{_chatter(error)}") from error
    except Exception as error:
        if "torchvision::" in str(error):
            raise ModelError(
                f"torch and torchvision were built for different versions of one another ({error}). "
                "Install a matching pair: pip install --upgrade torch torchvision"
            ) from error
        said = f"{type(error).__name__}: {error}"
        raise ModelError(f"the {backend} backend can't be used: {said}{_chatter(error)}") from error


def _chatter(error: BaseException) -> str:
    said = getattr(error, "chatter", "")
    return f" (it said: {said[-500:]})" if said else ""


def _other_framework(backend: str) -> str | None:
    """The package that must not be in the process of this backend."""
    if backend == "torch":
        return "tensorflow"
    keras_runs_on = os.environ.get("KERAS_BACKEND", "tensorflow")
    return "torch" if backend == "keras" and keras_runs_on == "tensorflow" else None


__all__ = ["BACKENDS", "DTYPES", "EXTRAS", "NAMES", "OBJECTS", "Answer", "Request", "adapter", "load_framework"]
