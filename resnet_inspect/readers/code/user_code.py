"""Models that users wrote: imported from their files and modules, with their errors told as theirs."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from ...errors import InspectError, ModelError, first_line, listed
from ...host.paths import has_folder, split_reference
from ..backend import BACKENDS

#: Code that isn't the user's: what a traceback passes through on its way.
_NOT_THEIRS = (
    *("site-packages", "dist-packages", "importlib", "/lib/python"),
    *(str(Path(os.__file__).parent), str(Path(__file__).parents[2])),
)


def is_reference(place: str) -> bool:
    """Whether what stands before the colon of a model is a file or module of Python: ``net.py``, ``package.module``."""
    return place.endswith(".py") or has_folder(place) or _is_module(place)


def _is_module(name: str) -> bool:
    """Whether there is a module of this name, of which nothing is imported, nor of the packages that it is in."""
    folders: Sequence[str] | None = [*sys.path, str(Path.cwd())]
    for part in name.split("."):
        spec = None
        if folders is not None and part.isidentifier():
            with contextlib.suppress(ImportError, ValueError, OSError):
                spec = PathFinder.find_spec(part, folders)
        if spec is None:
            return False
        folders = spec.submodule_search_locations and list(spec.submodule_search_locations)
    return True


def attribute(reference: str) -> Any:
    """What ``path/to/net.py:Net`` or ``package.module:build_net`` names. The current folder is importable.

    Raises:
        ModelError: there is no such file, module or attribute, or the code itself fails.
    """
    place, name = split_reference(reference)
    if not place or not name:
        raise ModelError(f"{reference} names no function of yours: {reference.strip(':')}:NAME does")
    with theirs(reference):
        found: Any = _file(Path(place)) if place.endswith(".py") or has_folder(place) else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            public = [item for item in vars(found) if not item.startswith("_")] if hasattr(found, "__dict__") else []
            own = [item for item in public if getattr(getattr(found, item), "__module__", None) == found.__name__]
            raise ModelError(f"{place} has no {name!r}; it has {listed(own or public) or 'nothing'}")
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
        raise ModelError(f"{reference}: its code ends the program (exit code {error.code!r:.20})") from error
    except BaseException as error:
        raise ModelError(f"{reference}: {place(error)}{told(error)}{_remedy(error)}") from error


def _remedy(error: BaseException) -> str:
    """How to install the framework that the code imports, which this program's environment doesn't have."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    extras = [backend.extra for backend in BACKENDS.values() if error.name in backend.packages and backend.extra]
    if not extras:
        return ""
    from ...requirements import advice

    return f". {advice(extras[0], error)}"


def told(error: BaseException) -> str:
    """An exception's kind, and what it says, which is users' code, too."""
    said = first_line(error)
    kind = type(error).__name__[:1000]
    return said if said == kind else f"{kind}: {said}"


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
        raise ModelError(f"no such file: {path}")
    folder, package = path.resolve().parent, ""
    while (folder / "__init__.py").is_file():
        folder, package = folder.parent, f"{folder.name}.{package}"
    if package:  # it may import what stands beside it
        _make_importable(Path.cwd(), folder)
        return importlib.import_module(package + path.stem)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Registered as if imported: dataclasses and pickling look their module up.
    sys.modules.setdefault(path.stem, module)
    _make_importable(Path.cwd(), path.resolve().parent)
    spec.loader.exec_module(module)
    return module


def _module(name: str) -> ModuleType:
    _make_importable(Path.cwd())
    return importlib.import_module(name)


def _make_importable(*folders: Path) -> None:
    """From here on, the folders are searched, first by the code in them, last by all other.

    What Python and installed packages import is theirs, whatever stands in the folders under the same names. Code may
    import when it is called, too: it stays so to the end of this process, which is the code's own.
    """
    places = [str(folder) for folder in folders]
    sys.path += [place for place in places if place not in sys.path]
    sys.meta_path.insert(0, _Beside(places))


class _Beside(MetaPathFinder):
    """Finds what stands beside users' code for that code, before installed packages and behind Python's own."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._prefixes = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or fullname in sys.stdlib_module_names or not self._is_asked_by_them():
            return None
        return PathFinder.find_spec(fullname, self._folders)

    def _is_asked_by_them(self) -> bool:
        """Whether the import stands in a file of the folders, or is that of the model itself, here.

        Installed packages may stand below one of the folders.
        """
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        place = frame.f_code.co_filename if frame is not None else ""
        return place == __file__ or (place.startswith(self._prefixes) and "site-packages" not in place)
