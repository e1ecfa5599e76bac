"""Backends: a table of strings, one adapter per framework, imported only when asked for."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import ModelError
from .request import Answer, Request

#: Backend -> the module with its ``summarize(request)`` and ``summarize_block(spec, request)``.
BACKENDS = {
    "local": "resnet_inspect.backends.from_local",
    "torch": "resnet_inspect.backends.from_torch",
}
NAMES = ("local", "torch", "keras")
#: Element types that inputs and weights may have in every backend.
DTYPES = ("float32", "float64", "float16", "bfloat16")


def adapter(backend: str) -> Any:
    """The module of a backend.

    Raises:
        ModelError: there is no such backend, or its framework isn't installed.
    """
    if backend == "keras":
        raise ModelError(
            "the keras backend comes with the next version; --backend local --flavor keras has its ResNets"
        )
    if backend not in BACKENDS:
        raise ModelError(f"there is no backend {backend!r}; choose one of {', '.join(NAMES)}")
    try:
        return importlib.import_module(BACKENDS[backend])
    except ImportError as error:
        raise ModelError(
            f"the {backend} backend can't be used: {error}. Install it with: pip install 'resnet-inspect[{backend}]'"
        ) from error
    except RuntimeError as error:
        if "torchvision::" in str(error):
            raise ModelError(
                f"torch and torchvision were built for different versions of one another ({error}). "
                "Install a matching pair: pip install --upgrade torch torchvision"
            ) from error
        raise


__all__ = ["BACKENDS", "DTYPES", "NAMES", "Answer", "Request", "adapter"]
