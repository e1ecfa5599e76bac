"""Readers: a folder for each framework or format, a table of strings, and what they need. Imported when asked for."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from .. import process
from ..errors import ModelError
from .request import UNLIMITED, Answer, Limits, Request

#: Backend -> the module with its ``summarize(request)`` and ``summarize_block(spec, request)``.
BACKENDS = {
    "local": "resnet_inspect.readers.local.reader",
    "torch": "resnet_inspect.readers.torch.reader",
    "keras": "resnet_inspect.readers.keras.reader",
    "transformers": "resnet_inspect.readers.libraries.transformers",
    "keras_hub": "resnet_inspect.readers.libraries.keras_hub",
    "python": "resnet_inspect.readers.code.reader",
    "file": "resnet_inspect.readers.file",
}
#: Entry points of this group fill the same table: timm's is in our own pyproject.toml, others are in other packages.
ENTRY_POINTS = "resnet_inspect.backends"
#: Backend -> the module with its ``summarize_object(model, ...)`` and ``summarize_built(build, request)``.
OBJECTS = {"torch": "resnet_inspect.readers.torch.object", "keras": "resnet_inspect.readers.keras.object"}
#: What isn't let into the command's own process: users' code and strangers' files.
APART = ("python", "file")
#: Those that a person names and that have blocks; users' own code is told by its file or module.
NAMES = ("local", "torch", "keras")
#: Other libraries' models, named as well: ``timm:resnet18``.
LIBRARIES = ("timm", "transformers", "keras_hub")
#: Element types that inputs and weights may have in every backend.
DTYPES = ("float32", "float64", "float16", "bfloat16")

#: What a person installs to have a backend.
EXTRAS = {
    "torch": "torch",
    "keras": "tensorflow",
    "timm": "timm",
    "transformers": "transformers",
    "keras_hub": "keras-hub",
    "onnx": "onnx",
}

#: The framework that each library's models are made of.
_FRAMEWORKS = {"torch": "torch", "timm": "torch", "transformers": "torch", "keras": "keras", "keras_hub": "keras"}


def module_of(backend: str) -> str:
    """Where a backend is: in the table, or in an installed package that says so by an entry point.

    Raises:
        ModelError: there is no such backend.
    """
    if backend in BACKENDS:
        return BACKENDS[backend]
    from importlib.metadata import entry_points

    found = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
    if backend not in found:
        raise ModelError(f"there is no backend {backend!r}; choose one of {', '.join([*NAMES, *LIBRARIES])}")
    return found[backend]


def load_framework(backend: str, module: str) -> Any:
    """Imports a module that needs a backend's framework, with the framework's chatter held back.

    Raises:
        ModelError: the framework isn't installed or doesn't work, with what it said.
    """
    if backend == "local" or module in sys.modules:
        return importlib.import_module(module)
    from .chatter import held_back

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with held_back(), process.importing():
            if process.is_own() and _FRAMEWORKS.get(backend) == "torch":
                importlib.import_module(".torch.standins", __package__).install()
            return importlib.import_module(module)
    except Exception as error:
        from ..requirements import advice, unsupported

        extra = EXTRAS.get(backend, "all")
        # A version that isn't supported explains any error, and what Python says of it helps nobody.
        if backend in EXTRAS and (said := unsupported(extra)):
            raise ModelError(f"the {backend} backend can't be used: {said}") from error
        if isinstance(error, ImportError):
            hint = advice(extra, error)
            raise ModelError(f"the {backend} backend can't be used: {error}. {hint}{_chatter(error)}") from error
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


def others(backend: str) -> frozenset[str]:
    """The packages that must not be in the process of this backend.

    Where nobody knows what a backend imports (users' code, files, other packages' backends), none of the two.
    """
    if backend == "local":
        return frozenset()
    framework = _FRAMEWORKS.get(backend)
    if framework == "torch":
        return frozenset(["tensorflow"])
    if framework == "keras":
        return frozenset(["torch"] if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow" else [])
    return frozenset(["tensorflow", "torch"])


__all__ = [
    "APART",
    "BACKENDS",
    "DTYPES",
    "EXTRAS",
    "LIBRARIES",
    "NAMES",
    "OBJECTS",
    "UNLIMITED",
    "Answer",
    "Limits",
    "Request",
    "load_framework",
    "module_of",
    "others",
]
