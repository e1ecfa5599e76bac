"""What a file holds is told from its content: every kind under every other's ending."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_inspect.readers.kind import kind_of

_ENDINGS = (".pt", ".pth", ".pt2", ".keras", ".h5", ".onnx", ".safetensors", ".json", ".zip", "")


def _zip(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"")

    return write


def _bytes(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


_SAFETENSORS = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()

#: The smallest files of each kind, as the frameworks lay them out.
_FILES = {
    "pt2": [
        _zip("serialized_exported_program.json", "serialized_state_dict.pt", "version"),
        _zip("m/data/weights/weight_0", "m/models/model.json", "m/archive_format", "m/.data/version"),
    ],
    "torchscript": [_zip("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl", "m/version")],
    "state": [
        _zip("m/data.pkl", "m/byteorder", "m/data/0", "m/version"),
        _bytes(pickle.dumps({"w": 1}, protocol=2)),
        _bytes(struct.pack("<Q", len(_SAFETENSORS)) + _SAFETENSORS + bytes(4)),
        _bytes(b'{"weight_map": {}}'),
        _bytes(b"PK\x03\x04 cut off"),
    ],
    "keras": [_zip("metadata.json", "config.json", "model.weights.h5")],
    # ir_version 8, producer_name "pytorch".
    "onnx": [_bytes(b"\x08\x08\x12\x07pytorch\x3a\x00")],
    "transformers": [_bytes(b'{"model_type": "bert"}'), _bytes(b'{"architectures": ["BertModel"]}')],
    "summary": [_bytes(b'{"schema_version": 1}')],
    None: [
        _zip("models/readme.json", "README.md"),
        _zip("src/code/main.py"),
        _bytes(b""),
        _bytes(b"import torch\n"),
        _bytes(b"\x7fELF\x02\x01\x01"),
        _bytes(b"\x00" * 64),
    ],
}


@pytest.mark.parametrize("kind", _FILES, ids=str)
def test_a_kind_is_told_under_every_ending(kind: str | None, tmp_path: Path) -> None:
    for number, write in enumerate(_FILES[kind]):
        for ending in _ENDINGS:
            path = tmp_path / f"file{number}{ending}"
            write(path)
            assert kind_of(path) == kind, path.name


def test_json_that_is_damaged_is_a_damaged_summary_by_its_ending_alone(tmp_path: Path) -> None:
    for name, kind in (("cut.json", "summary"), ("cut.pt2", None)):
        (tmp_path / name).write_bytes(b'{"schema_version"')
        assert kind_of(tmp_path / name) == kind


def test_folders(tmp_path: Path) -> None:
    for name, files, kind in (
        ("saved", ["saved_model.pb"], "savedmodel"),
        ("sharded", ["a.safetensors"], "state"),
        ("empty", [], None),
        ("text.pt2", ["readme.txt"], None),
    ):
        folder = tmp_path / name
        folder.mkdir()
        for file in files:
            (folder / file).write_bytes(b"\x08\x01")
        assert kind_of(folder) == kind, name
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "config.json").write_text('{"model_type": "bert"}')
    (hub / "model.safetensors").write_bytes(b"")
    assert kind_of(hub) == "transformers"


def test_what_is_not_there_is_of_no_kind(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "none.pt2") is None
