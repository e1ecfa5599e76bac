"""Models that users wrote: imported from their files and modules, with their errors told as theirs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import InspectError, ModelError

#: Code that isn't the user's: what a traceback passes through on its way.
_NOT_THEIRS = ("site-packages", "dist-packages", "importlib", "/lib/python", str(Path(__file__).parent.parent))


def is_reference(place: str) -> bool:
    """Whether what stands before the colon of a model is a file or module of Python: ``net.py``, ``package.module``."""
    if place.endswith(".py") or "/" in place:
        return True
    with _importable(Path.cwd()):
        try:
            return importlib.util.find_spec(place) is not None
        except (ImportError, ValueError):
            return False


def attribute(reference: str) -> Any:
    """What ``path/to/net.py:Net`` or ``package.module:build_net`` names. The current folder is importable.

    Raises:
        ModelError: there is no such file, module or attribute, or the code itself fails.
    """
    place, _, name = reference.rpartition(":")
    if not place or not name:
        raise ModelError(f"{reference} names no function of yours: {reference.strip(':')}:NAME does")
    with theirs(reference):
        found: Any = _file(Path(place)) if place.endswith(".py") or "/" in place else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            public = [item for item in vars(found) if not item.startswith("_")] if hasattr(found, "__dict__") else []
            own = [item for item in public if getattr(getattr(found, item), "__module__", None) == found.__name__]
            raise ModelError(f"{place} has no {name!r}; it has {', '.join(own or public) or 'nothing'}")
        found = getattr(found, part)
    return found


@contextmanager
def theirs(reference: str) -> Iterator[None]:
    """An exception of the user's code becomes one line: file, line and what it says.

    Raises:
        ModelError: instead of it.
    """
    try:
        yield
    except InspectError:
        raise
    except SystemExit as error:
        raise ModelError(f"{reference}: its code ends the program (exit code {error.code})") from error
    except Exception as error:
        raise ModelError(f"{reference}: {place(error)}{type(error).__name__}: {error}") from error


def place(error: BaseException) -> str:
    """``net.py:12: `` of the user's line that was the last to run, or that can't be read."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}: "
    import traceback

    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(part in frame.filename for part in _NOT_THEIRS) and not frame.filename.startswith("<")
    ]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"there is no file {path}")
    folder, package = path.resolve().parent, ""
    while (folder / "__init__.py").is_file():
        folder, package = folder.parent, f"{folder.name}.{package}"
    if package:  # it may import what stands beside it
        with _importable(Path.cwd(), folder):
            return importlib.import_module(package + path.stem)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    # Registered as if imported: dataclasses and pickling look their module up.
    sys.modules.setdefault(path.stem, module)
    with _importable(Path.cwd(), path.resolve().parent):
        spec.loader.exec_module(module)
    return module


def _module(name: str) -> ModuleType:
    with _importable(Path.cwd()):
        return importlib.import_module(name)


@contextmanager
def _importable(*folders: Path) -> Iterator[None]:
    """The folders are searched first inside, as Python does for the folder of a script."""
    kept = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders if str(folder) not in sys.path]
    try:
        yield
    finally:
        sys.path[:] = kept
