"""Frameworks: imported when a reader needs one, and kept apart from those that they can't share a process with."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from .. import process
from ..activity import doing
from ..errors import ModelError
from .backend import BACKENDS

#: The frameworks that models are made of, by the backend that has their own.
FRAMEWORKS = ("torch", "keras")


def load_framework(backend: str, module: str) -> Any:
    """Imports a module that needs a backend's framework, with the framework's chatter held back.

    Raises:
        ModelError: the framework isn't installed or doesn't work, with what it said.
    """
    if _framework(backend) == "" or module in sys.modules:
        return importlib.import_module(module)
    from .chatter import held_back

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        package = BACKENDS[backend].packages[:1] if backend in BACKENDS else ()
        with doing(f"importing {''.join(package) or backend}"), held_back(), process.importing():
            if process.is_own() and _framework(backend) == "torch":
                importlib.import_module(".torch.standins", __package__).install()
            return importlib.import_module(module)
    except Exception as error:
        from ..requirements import advice, unsupported

        extra = BACKENDS[backend].extra if backend in BACKENDS else None
        # A version that isn't supported explains any error, and what Python says of it helps nobody.
        if extra and (said := unsupported(extra)):
            raise ModelError(f"the {backend} backend can't be used: {said}") from error
        if isinstance(error, ImportError):
            hint = f". {advice(extra, error)}" if extra else ""  # what another package needs, nobody here knows
            raise ModelError(f"the {backend} backend can't be used: {error}{hint}{_chatter(error)}") from error
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
    framework = _framework(backend)
    if framework == "":
        return frozenset()
    if framework == "torch":
        return frozenset(["tensorflow"])
    if framework == "keras":
        return frozenset(["torch"] if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow" else [])
    return frozenset(["tensorflow", "torch"])


def framework_of(kind: type) -> str | None:
    """Whose model a class is, by its ancestors; Keras' layers are torch modules too where Keras runs on torch."""
    origins = {cls.__module__.partition(".")[0] for cls in kind.__mro__}
    return "keras" if "keras" in origins else "torch" if "torch" in origins else None


def backend_of(kind: type) -> str | None:
    """The backend for models of a class that a caller brings: as ``framework_of``, but transformers' have their own."""
    found = framework_of(kind)
    is_transformers = found == "torch" and any(cls.__module__.startswith("transformers.") for cls in kind.__mro__)
    return "transformers" if is_transformers else found


def _framework(backend: str) -> str | None:
    return BACKENDS[backend].framework if backend in BACKENDS else None
