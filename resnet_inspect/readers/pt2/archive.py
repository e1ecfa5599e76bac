"""``.pt2`` archives as zip and JSON: a torch.export program is text, and reading it runs nothing.

``torch.export.load`` would hand strings of the file to sympy's ``eval``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import stranger_json
from ...errors import ModelError
from ..archive import Archive
from ..bounds import check_regular, door
from ..checkpoint.pickle_opcodes import Pickle
from ..checkpoint.pickle_values import ForbiddenNameError, Tensor
from ..checkpoint.torch_pickled import MOST_BYTES, pickled

#: The newest major version of the schema (torch/_export/serde/schema.py) that is understood: 8 since torch 2.6.
_NEWEST = 8
#: Bytes that a program's text may have: a network of ten thousand operators has 40 million.
_LONGEST = 2**26
#: Where the program stood until torch 2.7, and its weights.
_OLD = "serialized_exported_program.json"
_OLD_WEIGHTS = "serialized_state_dict.pt"
#: What helps with a damaged file.
AGAIN = ". Export the program again"


@dataclass(frozen=True)
class Program:
    """The ``GraphModule`` of a program, torch's version that wrote it, and which weights are one: name -> identity.

    ``trainable`` are those of which a pickle says that they require a gradient; the graph of torch 2.4 says it of none.
    """

    graph_module: Mapping[str, Any]
    torch: str
    weights: Mapping[str, str]
    trainable: frozenset[str]


def read(path: Path) -> Program:
    """The exported program in a file.

    Raises:
        ModelError: the file can't be read, is damaged, or holds no exported program.
    """
    check_regular(path)
    with door(path, AGAIN), path.open("rb") as file, Archive(file) as archive:
        document = stranger_json.loads(archive.content(_program(path, archive), _LONGEST), _LONGEST)
        version = document["schema_version"]
        major = version["major"] if isinstance(version, dict) else version
        if major > _NEWEST:
            raise ModelError(
                f"{path.name} has version {major} of torch.export's format, of which up to {_NEWEST} is known: "
                "update resnet-inspect"
            )
        return Program(document["graph_module"], str(document.get("torch_version", "<=2.4")), *_weights(archive))


def _program(path: Path, archive: Archive) -> str:
    """The name of the program's text."""
    names = archive.namelist()
    found = [name for name in names if _is_program(name)]
    if not found:
        compiled = any(name.endswith((".so", ".o", ".cpp")) for name in names)
        what = "compiled code only" if compiled else "no exported program"
        raise ModelError(f"{path.name} holds {what}: torch.export.save writes a program that can be read")
    if len(found) > 1:
        raise ModelError(
            f"{path.name} holds {len(found)} programs ({', '.join(found[:3])}): save each in a file of its own"
        )
    return found[0]


def _is_program(name: str) -> bool:
    return Path(name).name == _OLD or (_inside("models", name) and name.endswith(".json"))


def _inside(folder: str, name: str) -> bool:
    """Whether a file stands in a folder of the archive, whose own name comes first or not at all."""
    return f"/{folder}/" in f"/{name}"


def _weights(archive: Archive) -> tuple[dict[str, str], frozenset[str]]:
    """What tells whether two weights are one: the file they stand in and how, or their storage in a pickle.

    And those that require a gradient by a pickle.
    """
    found: dict[str, str] = {}
    trainable: frozenset[str] = frozenset()
    pickle = ""
    for name in archive.namelist():
        inside = _inside("data/weights", name)
        if inside and name.endswith("_config.json"):
            for weight, item in stranger_json.loads(archive.content(name), _LONGEST)["config"].items():
                meta = item["tensor_meta"] or {}
                seen = [item["path_name"], *(meta.get(key) for key in ("sizes", "strides", "storage_offset"))]
                found[weight] = json.dumps(seen)
        elif (Path(name).name == _OLD_WEIGHTS or (inside and name.endswith(".pt"))) and archive.getinfo(name).file_size:
            # All data is in there: it is passed over. A program without weights has an empty file.
            if pickle:
                raise ValueError(f"it has two files of weights, {pickle[:100]} and {name[:100]}")
            pickle = name
            with archive.window(name) as file, Archive(file) as inner:
                tensors = _tensors(inner.content(pickled(inner), MOST_BYTES))
            for weight, tensor in tensors.items():
                if tensor.storage is not None:
                    found[weight] = f"{tensor.storage.key} {tensor.offset} {tensor.shape} {tensor.stride}"
            trainable = frozenset(weight for weight, tensor in tensors.items() if tensor.requires_grad)
    return found, trainable


def _tensors(text: bytes) -> dict[str, Tensor]:
    """The tensors of a pickled state dictionary. Empty if it isn't one."""
    try:
        state = Pickle(text).load()
    except ForbiddenNameError:
        return {}
    return {name: item for name, item in state.items() if isinstance(item, Tensor)} if isinstance(state, dict) else {}
