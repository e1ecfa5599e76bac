"""The parts of a TorchScript archive, read without torch: its code as trees, its pickles, its tensors' bytes."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from ...errors import ModelError, first_line
from .. import archive
from .pickle import RefusedArchiveError, read

#: Bytes of a pickle, and of all code together: a network of thousands of layers has a tenth of them.
_MOST_PICKLED = 32 * 2**20
_MOST_CODE = 8 * 2**20


@dataclass(slots=True)
class Kind:
    """A class of the code: what it says of its attributes, and its methods."""

    name: str
    base: str
    parameters: frozenset[str] = frozenset()
    buffers: frozenset[str] = frozenset()
    fields: tuple[str, ...] = ()
    constants: dict[str, ast.expr] = field(default_factory=dict)
    methods: dict[str, ast.FunctionDef] = field(default_factory=dict)
    hooked: bool = False


class Archive:
    """An open archive.

    Raises:
        ModelError: the file can't be read, is damaged, or isn't a TorchScript archive that is read.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._zip = archive.Archive(self._file)
        except (*archive.DAMAGES, OSError, ValueError) as error:
            raise ModelError(f"{path.name} is damaged: {first_line(error)}") from error
        swollen = next(filter(archive.is_swollen, self._zip.infolist()), None)
        if swollen is not None:
            raise RefusedArchiveError(f"{swollen.filename} would have {swollen.file_size} bytes")
        names = self._zip.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
        if any(name.endswith(("/model.json", "/attributes.pkl")) or name == "model.json" for name in names):
            raise RefusedArchiveError(
                "it has the format of torch 1.3 and before: load it with torch.jit, and save it again"
            )
        if len(pickles) != 1:
            raise RefusedArchiveError("it has no data.pkl, as a TorchScript archive has")
        self._top = pickles[0].removesuffix("data.pkl")
        code = f"{self._top}code/"
        if not any(name.startswith(code) and name.endswith(".py") for name in names):
            raise RefusedArchiveError("there is no code in it")
        sizes = [item.file_size for item in self._zip.infolist() if item.filename.startswith(code)]
        if sum(sizes) > 4 * _MOST_CODE:  # beside each text stands what a debugger would read
            raise RefusedArchiveError(f"its code has {sum(sizes)} bytes")
        self._units: dict[str, dict[str, Kind | ast.FunctionDef]] = {}
        self._read = 0

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._zip.close()
        self._file.close()

    def pickled(self, name: str) -> Any:
        """The value in ``data.pkl`` or ``constants.pkl``."""
        return read(self._entry(f"{name}.pkl", _MOST_PICKLED))

    def size(self, key: str) -> int:
        """Bytes of a tensor's storage; ``data/0`` or ``constants/0``."""
        try:
            return self._zip.getinfo(self._top + key).file_size
        except KeyError:
            raise RefusedArchiveError(f"it has no storage {key}") from None

    def storage(self, key: str, most: int) -> bytes:
        """A storage's bytes, at most so many."""
        return self._entry(key, most)

    def find(self, name: str) -> Kind | ast.FunctionDef:
        """A class or function by its qualified name: ``__torch__.net.Net``.

        Raises:
            RefusedArchiveError: there is none, or its text is not TorchScript.
        """
        unit, _, own = name.rpartition(".")
        if unit not in self._units:
            self._units[unit] = self._parsed(unit)
        try:
            return self._units[unit][own]
        except KeyError:
            raise RefusedArchiveError(f"its code has no {name}") from None

    def _parsed(self, unit: str) -> dict[str, Kind | ast.FunctionDef]:
        text = self._entry(f"code/{unit.replace('.', '/')}.py", _MOST_CODE)
        self._read += len(text)
        if self._read > _MOST_CODE:
            raise RefusedArchiveError(f"its code has more than {_MOST_CODE} bytes")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise RefusedArchiveError(f"the code of {unit} can't be read: {first_line(error)}") from error
        found: dict[str, Kind | ast.FunctionDef] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = _kind(f"{unit}.{node.name}", node)
            elif isinstance(node, ast.FunctionDef):
                found[node.name] = node
            else:
                raise RefusedArchiveError(f"the code of {unit} has a {type(node).__name__} outside of functions")
        return found

    def _entry(self, name: str, most: int) -> bytes:
        try:
            return archive.bounded(self._zip, self._top + name, most)
        except KeyError:
            raise RefusedArchiveError(f"there is no {name} in it") from None
        except archive.SwollenError as error:
            raise RefusedArchiveError(str(error)) from error
        except (*archive.DAMAGES, OSError, ValueError) as error:
            raise RefusedArchiveError(f"{name} is damaged: {first_line(error)}") from error


def _kind(name: str, node: ast.ClassDef) -> Kind:
    base = node.bases[0].id if len(node.bases) == 1 and isinstance(node.bases[0], ast.Name) else ""
    kind = Kind(name, base)
    fields: list[str] = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            kind.methods[item.name] = item
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            own = item.targets[0].id
            if own == "__parameters__":
                kind.parameters = _texts(item.value)
            elif own == "__buffers__":
                kind.buffers = _texts(item.value)
            elif own.endswith("hooks__"):
                kind.hooked = kind.hooked or bool(_texts(item.value))
            else:
                kind.constants[own] = item.value  # a member of an enumeration
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            fields.append(item.target.id)
            if item.value is not None:
                kind.constants[item.target.id] = item.value
    kind.fields = tuple(fields)
    return kind


def _texts(node: ast.expr) -> frozenset[str]:
    items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else []
    return frozenset(item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str))
