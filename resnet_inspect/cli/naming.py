"""What kind of model a name on the command line means: a backend's, a file, or users' code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadRequestError
from ..readers import NAMED
from ..readers.backend import CALLED

if TYPE_CHECKING:
    import click


def split_model(model: str, backend: str | None) -> tuple[str, str]:
    """The backend and the name in ``torch:resnet50``; the backend is ``--backend``, or local, where it isn't named.

    ``net.py:Net`` and ``package.module:build`` are users' code; ``model.onnx`` and folders are files.

    Raises:
        BadRequestError: ``--backend`` says another one, or a file of code is named without what is in it.
    """
    if "://" in model:
        raise BadRequestError(f"{model} is an address, and nothing is fetched: download the file and name that")
    prefix, separator, name = model.partition(":")
    # torchvision:resnet50; but torchvision.models:resnet50 is code, and a file may be called as anything.
    prefix = CALLED.get(prefix, prefix) if separator and not Path(model).exists() else prefix
    if prefix in NAMED and separator:
        if backend not in (None, prefix):
            raise BadRequestError(f"{model} names the backend {prefix}, but --backend says {backend}")
        # A configuration is a stranger's file, whoever's library it is for.
        is_configuration = prefix == "transformers" and (name.endswith(".json") or Path(name).exists())
        return ("file", name) if is_configuration else (prefix, name)
    if model.endswith(".py"):
        raise BadRequestError(f"{model} is code: name the class or function in it that gives the model, {model}:Net")
    own = "python" if separator and _is_code(model) else None
    if _is_file(model) or (backend is None and _is_folder_of_model(model)):
        own = "file"
    if own is None:
        if not separator:
            return (backend, model) if backend else _of_some_library(model)
        from ..host.paths import has_drive

        return (backend or "local", model) if has_drive(model) else (prefix, name)
    if backend:
        what = "a file" if own == "file" else "code"
        raise BadRequestError(f"{model} is {what}, which brings its framework along: leave --backend out")
    return own, model


def complete_model(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names that a shell completes MODEL with."""
    from ..blocks import networks
    from ..readers import zoo

    known = [*networks.names("torch"), *(f"local:{name}" for name in networks.names("torch"))]
    known += [f"torch:{name}" for name in zoo.names("torchvision")]
    known += [f"keras:{name}" for name in zoo.names("keras")]
    return [name for name in known if name.startswith(incomplete)]


def is_ours(model: str) -> bool:
    """Whether a bare name is a network of the local backend."""
    from ..blocks import networks

    # One after the other: most names are torch's, and Keras' networks needn't be loaded for them.
    return any(model.lower() == name.lower() for flavor in ("torch", "keras") for name in networks.names(flavor))


def _of_some_library(model: str) -> tuple[str, str]:
    """The backend of a bare name, and its name there: a network of ours, else the only library's that has one."""
    if is_ours(model):
        return "local", model
    from ..readers import zoo

    found = [(backend, name) for backend, name in zoo.known() if name.lower() == model.lower()]
    if len(found) > 1:
        choices = " or ".join(f"{backend}:{name}" for backend, name in found)
        raise BadRequestError(f"{model} is a model of several libraries: name it {choices}")
    if not found:
        return "local", model  # whose reader says what there is
    from .delivery import say

    ((backend, name),) = found
    say("note", f"{model} is taken as {backend}:{name}, the only library here that has it")
    return backend, name


def _is_file(model: str) -> bool:
    """Whether a model is named by its file or folder: one that exists, or whose name looks like one."""
    path = Path(model)
    if path.suffix:
        from ..readers.kind import endings

        if path.suffix in endings():
            return True
    if path.suffix == ".py" or not path.exists():
        return False
    from ..host.paths import has_folder

    return path.is_file() or has_folder(model)


def _is_folder_of_model(model: str) -> bool:
    """Whether a name without a slash is a folder with a model in it, and none of our own networks'."""
    path = Path(model)
    if not path.is_dir():
        return False
    from ..blocks import networks
    from ..readers.kind import kind_of

    return kind_of(path) is not None and model not in networks.names("torch")


def _is_code(model: str) -> bool:
    """Whether what stands before the last colon is a file or module of Python."""
    from ..host.paths import split_reference
    from ..readers.code.user_code import is_reference

    return is_reference(split_reference(model)[0])
