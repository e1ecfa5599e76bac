"""Summaries of zoo models, kept from run to run: what a framework takes seconds for is read in milliseconds.

Only the command keeps and reads them, and only of models whose backend says which packages make them (``kept_by``),
without weights: what can change an answer is known, and is part of the entry's key. (An edit by hand of a framework's
installed files isn't.)
``RESNET_INSPECT_CACHE`` is ``off``, or another folder. ``cache_folder.py`` sees to it that only we can have written it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from .. import process
from ..errors import InspectError, ModelError
from ..readers.backend import of_module
from ..readers.inputs import UserFunction
from ..readers.request import Answer, Request
from ..version import __version__
from .cache_folder import KEY, Folder, NotOursError, opened

VARIABLE = "RESNET_INSPECT_CACHE"
#: A package -> the distributions that may have brought it, where they have other names.
_DISTRIBUTIONS = {
    "tensorflow": ("tensorflow", "tensorflow_cpu", "tensorflow_macos", "tf_nightly"),
}
#: Variables that frameworks read, whatever each means; but for the one that we set ourselves.
_VARIABLES, _OURS = ("KERAS_", "TF_", "TORCH", "PYTORCH_", "TIMM_", "TRANSFORMERS_", "HF_"), "TF_CPP_MIN_LOG_LEVEL"

#: How entries are named, and what is ours beside them: the key, and files that are being written.
_ENTRY = re.compile(r"[0-9a-f]{64}\.summary")
_UNFINISHED = re.compile(r"\.([0-9a-f]{64}\.summary|key)\..+")
#: Bytes of all entries together; those that weren't read for longest go first. A ResNet50's takes 6 KiB.
LIMIT = 64 * 2**20
#: Bytes of an entry when it is unpacked; that of a network with 10,000 layers takes 10 MB.
_LONGEST = 2**26
#: What is left of a file that was being written when its process was killed is removed after so many seconds.
_ABANDONED = 3600
_said = threading.Lock()


@dataclass(frozen=True, slots=True)
class Contents:
    """Where entries are kept, and what is there; ``folder`` is None where nothing is kept.

    ``problem`` says why the folder isn't used.
    """

    folder: Path | None
    entries: int = 0
    bytes: int = 0
    problem: str | None = None


def remembered(module: str, request: Request, summarize: Callable[[Request], Answer]) -> Answer:
    """What an earlier run was answered, or else what ``summarize`` answers, which is kept for the next.

    A folder that isn't ours alone isn't used, which is said once on stderr.
    """
    path = _folder() if process.is_own() else None
    key = _key(module, request) if path is not None else None
    if path is None or key is None:
        return summarize(request)
    name = f"{key}.summary"
    try:
        with opened(path) as folder:
            kept = _read(folder, name) if folder else None
    except NotOursError as error:
        _say(error)
        return summarize(request)
    except OSError:
        kept = None
    if kept is not None:
        return kept
    answer = summarize(request)
    # A folder that can't be written, a full disk: the answer is there all the same.
    with contextlib.suppress(OSError, InspectError), opened(path, make=True) as folder:
        if folder:
            _write(folder, name, answer)
    return answer


def contents() -> Contents:
    """What is kept."""
    path = _folder()
    if path is None:
        return Contents(None)
    try:
        with opened(path) as folder:
            sizes = [size for _, size, name in _files(folder) if _ENTRY.fullmatch(name)] if folder else []
    except NotOursError as error:
        return Contents(path, problem=str(error))
    return Contents(path, len(sizes), sum(sizes))


def clear() -> Contents:
    """Removes every entry and the key; gives what was there. Other files in the folder stay.

    Raises:
        ModelError: the folder isn't ours alone, and nothing was removed.
    """
    found = contents()
    if found.problem:
        raise ModelError(f"nothing was removed: {found.problem}")
    if found.folder:
        with opened(found.folder) as folder:
            if folder:
                for _, _, name in _files(folder):
                    folder.remove(name)
    return found


def _folder() -> Path | None:
    given = os.environ.get(VARIABLE, "")
    if given.lower() in ("off", "0", "no", "false"):
        return None
    if given.lower() not in ("", "on", "1", "yes", "true"):
        return Path(given)
    try:
        import platformdirs
    except ImportError:
        return None  # comes with every framework's extra; without one there is nothing to keep
    return platformdirs.user_cache_path("resnet-inspect", appauthor=False)


def _say(problem: NotOursError) -> None:
    """Once a process: many models may ask, each in a thread."""
    if _said.acquire(blocking=False):
        print(f"note: summaries aren't kept: {problem}; or set {VARIABLE}=off", file=sys.stderr)


def _read(folder: Folder, name: str) -> Answer | None:
    import zlib

    from .answer_json import from_dict

    content = folder.read(name)
    if content is None:
        return None
    try:
        unpacking = zlib.decompressobj()
        document = json.loads(unpacking.decompress(content, _LONGEST))
        return from_dict(document, ours=True) if unpacking.eof else None
    except Exception:
        return None  # of a version that wrote something else: it is written again


def _write(folder: Folder, name: str, answer: Answer) -> None:
    import zlib

    from .answer_json import to_dict

    content = json.dumps(to_dict(answer)).encode()
    if len(content) > _LONGEST:
        return
    folder.write(name, zlib.compress(content))
    files = sorted(_files(folder))
    total = sum(size for _, size, _ in files)
    for written, size, old in files:
        if _UNFINISHED.fullmatch(old):
            if written > time.time() - _ABANDONED:
                continue
        elif total <= LIMIT or old in (name, KEY):
            continue
        folder.remove(old)
        total -= size


def _files(folder: Folder) -> Iterator[tuple[float, int, str]]:
    """When each of our files was last used, its size and its name."""
    for used, size, name in folder.files():
        if name == KEY or _ENTRY.fullmatch(name) or _UNFINISHED.fullmatch(name):
            yield used, size, name


def _key(module: str, request: Request) -> str | None:
    """What tells an answer from every other one; None where that isn't known, and nothing is kept.

    Weights are files, or come from the network; a call's inputs may be a function of the user's.
    """
    backend = of_module(module)
    if backend is None or not backend.kept_by or request.weights or isinstance(request.inputs, UserFunction):
        return None
    if module.endswith("transformers") and Path(request.model).exists():
        return None  # a folder with a configuration may stand where a type is named
    try:
        surroundings = _surroundings(module, backend.kept_by)
    except OSError:
        return None  # a folder on the path that can't be read
    if surroundings is None:
        return None
    import hashlib

    return hashlib.sha256(json.dumps([surroundings, astuple(request)]).encode()).hexdigest()


@functools.cache
def _surroundings(module: str, packages: tuple[str, ...]) -> str | None:
    """Our own code, the packages that a module's answers come from, Python and the settings that they read."""
    import hashlib

    from ..readers.keras.own_settings import keras_settings

    settings = keras_settings() if "keras" in packages else {}
    if settings is None:
        return None
    digest = hashlib.sha256()
    installed = {folder: _distributions(folder) for folder in sys.path}
    # Libraries take other ways where a package is there that they don't ask for: a backbone of timm, a fused kernel.
    digest.update(json.dumps(sorted(name for names in installed.values() for name in names)).encode())
    for package in packages:
        records = _records(package, installed)
        if not records:
            return None
        for record in records:
            digest.update(record.parent.name.encode())
            digest.update(record.read_bytes())
    variables = {k: v for k, v in os.environ.items() if k.startswith(_VARIABLES) and k != _OURS}
    python = (sys.version, sys.platform, platform.machine(), sys.flags.optimize)
    digest.update(json.dumps([module, __version__, _own_files(), python, variables, settings], sort_keys=True).encode())
    return digest.hexdigest()


def _distributions(folder: str) -> list[str]:
    """The names of the folders that say what is installed in a folder of ``sys.path``."""
    try:
        return [name for name in os.listdir(folder or ".") if name.endswith(".dist-info")]  # noqa: PTH208 - three times as fast
    except (FileNotFoundError, NotADirectoryError):
        return []


def _records(package: str, installed: Mapping[str, Sequence[str]]) -> list[Path]:
    """The lists of files of the distribution that a package is imported from, with their hashes.

    None where it is imported from anywhere else: a checkout, a folder on the path, an editable installation.
    """
    for path in installed:
        folder = Path(path)
        if (folder / package / "__init__.py").is_file():
            names = _DISTRIBUTIONS.get(package, (package,))
            found = [name for name in installed[path] if name.partition("-")[0].lower() in names]
            records = [folder / name / "RECORD" for name in found]
            return sorted(record for record in records if record.is_file())
        if (folder / f"{package}.py").is_file():
            break
    return []


def _own_files(folder: Path | str = Path(__file__).parent.parent) -> list[tuple[str, int, int]]:
    """Our code may be a checkout that changes while its version doesn't: sizes and times of its files."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                found.append((entry.path, status.st_size, status.st_mtime_ns))
            elif entry.is_dir() and entry.name != "__pycache__":
                found += _own_files(entry.path)
    return sorted(found)
