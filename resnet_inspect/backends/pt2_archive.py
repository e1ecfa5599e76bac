"""``.pt2`` archives as zip and JSON: a torch.export program is text, and reading it runs nothing.

``torch.export.load`` would hand strings of the file to sympy's ``eval``.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .archive import DAMAGES as ARCHIVE_DAMAGES
from .archive import bounded
from .pt2_storages import storages

#: The newest major version of the schema (torch/_export/serde/schema.py) that is understood: 8 since torch 2.6.
_NEWEST = 8
#: Bytes that a program's text may have: a network of ten thousand operators has 40 million.
_LONGEST = 2**28
#: Where the program stood until torch 2.7, and its weights.
_OLD = "serialized_exported_program.json"
_OLD_WEIGHTS = "serialized_state_dict.pt"
#: What a damaged file makes of reading it.
DAMAGES = (*ARCHIVE_DAMAGES, KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration)


@dataclass(frozen=True)
class Program:
    """The ``GraphModule`` of a program, torch's version that wrote it, and which weights are one: name -> identity."""

    graph_module: Mapping[str, Any]
    torch: str
    weights: Mapping[str, Hashable]


def read(path: Path) -> Program:
    """The exported program in a file.

    Raises:
        ModelError: the file can't be read, is damaged, or holds no exported program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            document = json.loads(bounded(archive, _program(path, archive), _LONGEST))
            version = document["schema_version"]
            major = version["major"] if isinstance(version, dict) else version
            if major > _NEWEST:
                raise ModelError(
                    f"{path.name} has version {major} of torch.export's format, of which up to {_NEWEST} is known: "
                    "update resnet-inspect"
                )
            return Program(document["graph_module"], str(document.get("torch_version", "<=2.4")), _weights(archive))
    except OSError as error:
        raise ModelError(f"{path.name} can't be read: {error.strerror or error}") from error
    except DAMAGES as error:
        raise damaged(path.name, error) from error


def damaged(name: str, error: BaseException) -> ModelError:
    """What to say of a file that breaks off, or isn't built as a program is."""
    said = str(error) or type(error).__name__
    if isinstance(error, KeyError):
        said = f"it has no {error}"
    elif isinstance(error, (TypeError, AttributeError, IndexError, RecursionError)):
        said = "its text is built otherwise than torch.export builds one"
    return ModelError(f"{name} is damaged: {said}. Export the program again")


def _program(path: Path, archive: zipfile.ZipFile) -> str:
    """The name of the program's text."""
    names = archive.namelist()
    found = [name for name in names if _is_program(name)]
    if not found:
        compiled = any(name.endswith((".so", ".o", ".cpp")) for name in names)
        what = "compiled code only" if compiled else "no exported program"
        raise ModelError(f"{path.name} holds {what}: torch.export.save writes a program that can be read")
    if len(found) > 1:
        raise ModelError(
            f"{path.name} holds {len(found)} programs ({', '.join(found)}): save each in a file of its own"
        )
    return found[0]


def _is_program(name: str) -> bool:
    return Path(name).name == _OLD or (_inside("models", name) and name.endswith(".json"))


def _inside(folder: str, name: str) -> bool:
    """Whether a file stands in a folder of the archive, whose own name comes first or not at all."""
    return f"/{folder}/" in f"/{name}"


def _weights(archive: zipfile.ZipFile) -> dict[str, Hashable]:
    """What tells whether two weights are one: the file they stand in and how, or their storage in a pickle."""
    found: dict[str, Hashable] = {}
    for name in archive.namelist():
        inside = _inside("data/weights", name)
        if inside and name.endswith("_config.json"):
            for weight, item in json.loads(bounded(archive, name, _LONGEST))["config"].items():
                meta = item["tensor_meta"] or {}
                seen = [item["path_name"], *(meta.get(key) for key in ("sizes", "strides", "storage_offset"))]
                found[weight] = json.dumps(seen)
        elif (Path(name).name == _OLD_WEIGHTS or (inside and name.endswith(".pt"))) and archive.getinfo(name).file_size:
            # All data is in there: it is passed over. A program without weights has an empty file.
            with archive.open(name) as file, zipfile.ZipFile(file) as inner:
                pickled = next(item for item in inner.namelist() if item.endswith("data.pkl"))
                found |= storages(bounded(inner, pickled, _LONGEST))
    return found
