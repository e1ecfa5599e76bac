"""Files that torch itself writes, of every kind and protocol: what is read of their text is what torch loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnet_inspect.errors import ModelError
from resnet_inspect.readers.checkpoint import reader as checkpoint
from tests.support.command import loaded_by, needs, script

# nn.Buffer is new in 2.5, and the newest of the types in 2.7.
pytestmark = needs("torch", "2.7")

_WRITE = """
import argparse, collections, json, pathlib, random, sys, warnings
import numpy, torch
from torch import nn

warnings.simplefilter("ignore")
model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 4))
optimizer = torch.optim.Adam(model.parameters())
model(torch.zeros(2, 3, 6, 6)).sum().backward()
optimizer.step()
state, base = model.state_dict(), torch.rand(10, 10)
marked = nn.Parameter(torch.rand(3))
marked.note = "said of it"
types = "bfloat16 float8_e4m3fn float8_e5m2 float8_e8m0fnu float16 float64 int8 uint8 int16 int32 int64 bool complex64"
types += " complex128 complex32 uint16 uint32 uint64"
quantised = torch.quantize_per_channel(torch.rand(4, 6), torch.ones(4), torch.zeros(4), 0, torch.quint4x2)
everything = {
    "epoch": 3, "model": state, "optimizer": optimizer.state_dict(), "random": torch.get_rng_state(),
    "rate": [0.1, -2e-3],
    "set": {1, 2}, "bytes": b"abc", "array": bytearray(b"abc"), "complex": 1 + 2j, "large": 2**70, "below": -5,
    "size": torch.Size([1, 2]), "device": torch.device("cpu"), "type": torch.float16,
}
settings = {
    "args": argparse.Namespace(a=1, path=pathlib.Path("x")), "number": numpy.float64(3), "array": numpy.zeros(3),
    "random": [random.getstate(), numpy.random.get_state()], "counts": collections.Counter("abca"),
    "default": collections.defaultdict(list, a=[1]), "model": state,
}
files = {
    "plain": state, "everything": everything, "nested": {"model": {"state_dict": state}}, "settings": settings,
    "types": {name: torch.zeros(4, dtype=getattr(torch, name)) for name in types.split()},
    "parameters": {**dict(model.named_parameters()), "marked": marked, "buffer": nn.Buffer(torch.zeros(3))},
    "views": {"a": base[2:4, ::3], "b": base.t(), "c": base[:0], "d": base[5, 5], "e": torch.zeros(3).expand(9, 3)},
    "quantised": {"a": torch.quantize_per_tensor(torch.rand(4, 5), 0.1, 3, torch.quint8), "b": quantised},
    "sparse": {"a": base.to_sparse(), "b": base.to_sparse_csr(), "c": base.to_sparse_bsr((2, 2))},
    "meta": {"a": torch.zeros(3, 4, device="meta", dtype=torch.bfloat16)},
    "numbers": {0: torch.zeros(2), 1: torch.zeros(3)}, "empty": {"a": torch.zeros(0, 5)},
    "names": {"w\u00e9\u2603\U0001f600": torch.zeros(1)},
}
folder, expected = sys.argv[1], {}
for name, saved in files.items():
    tensors = saved
    while isinstance(tensors, dict) and (key := next((k for k in ("model", "state_dict") if k in tensors), None)):
        tensors = tensors[key]
    expected[name] = [[list(t.shape), str(t.dtype)[6:], str(k)] for k, t in tensors.items() if torch.is_tensor(t)]
    for zipped in (True, False):
        for protocol in (2, 3, 4, 5):
            torch.save(saved, f"{folder}/{name}.{zipped}.{protocol}.pth",
                       _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
with torch.serialization.skip_data():  # a hole in the file
    torch.save({"large": torch.empty(30_000, 40_000), "last": torch.zeros(2)}, f"{folder}/large.model")
torch.save(model, f"{folder}/whole.model")
torch.save(torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]), f"{folder}/nested.model")
json.dump(expected, open(f"{folder}/expected.json", "w"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pth")
    script(f"import sys; sys.argv = ['', {str(path)!r}]\n{_WRITE}")
    return path


def test_every_kind_of_file(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    files = sorted(folder.glob("*.pth"))
    assert len(files) == len(expected) * 2 * 4
    for path in files:
        kind, found = checkpoint.read(path)
        wanted = expected[path.name.partition(".")[0]]
        assert kind == "torch"
        assert [[list(entry.shape), entry.dtype] for entry in found] == [row[:2] for row in wanted], path.name
        assert all(entry.name.endswith(row[2]) for entry, row in zip(found, wanted, strict=True)), path.name


def test_no_framework_is_imported(folder: Path) -> None:
    for zipped in (True, False):
        loaded = loaded_by("summary", str(folder / f"everything.{zipped}.2.pth"))
        assert not {"torch", "numpy", "h5py"} & loaded


def test_whole_models_are_refused_by_name(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"whole\.model is refused: it names torch\.nn\.modules\.\w+\.\w+"):
        checkpoint.read(folder / "whole.model")
    with pytest.raises(ModelError, match=r"is refused: it names torch\._utils\._rebuild_nested_tensor"):
        checkpoint.read(folder / "nested.model")


def test_a_cut_file_of_every_length_is_damaged(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.pth"
    for zipped in (True, False):
        whole = (folder / f"everything.{zipped}.2.pth").read_bytes()
        for length in range(8, len(whole), max(1, len(whole) // 200)):
            path.write_bytes(whole[:length])
            with pytest.raises(ModelError, match=r"cut\.pth is damaged"):
                checkpoint.read(path)


def test_files_of_more_than_four_gigabytes(folder: Path) -> None:
    path = folder / "large.model"
    assert path.stat().st_size > 2**32
    assert [(entry.name, entry.shape) for entry in checkpoint.read(path)[1]] == [
        ("large", (30_000, 40_000)),
        ("last", (2,)),
    ]
