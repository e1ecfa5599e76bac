"""Checkpoints: the files here are written by the frameworks themselves, or by hand to the format's letter."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.analysis.checkpoint_match import Entry, compare
from resnet_inspect.errors import ModelError
from resnet_inspect.readers.checkpoint import reader as checkpoint
from resnet_inspect.readers.local import reader as from_local
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, local, needs, run, script


def write_safetensors(path: Path, entries: Any, cut: int = 0) -> None:
    """A safetensors file of zeros: an eight-byte length, a JSON header, the data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for entry in entries:
        start, width = end, {"float32": 4, "int64": 8}[entry.dtype]
        for size in entry.shape:
            width *= size
        end = start + width
        kind = {"float32": "F32", "int64": "I64"}[entry.dtype]
        header[entry.name] = {"dtype": kind, "shape": entry.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end - cut)


def weights(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = local("weights", *arguments, "--format", "json")
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)


def test_only_the_header_of_safetensors_is_read(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.safetensors"
    entries = from_local.state(Request("resnet18"))
    write_safetensors(path, entries)
    code, answer = weights("resnet18", str(path))
    # 62 weights and biases, 40 moving averages, 20 counters of batches.
    assert (code, answer["fits"], answer["matching"]) == (0, True, 62 + 40 + 20)
    # Without a framework, and without the data: a hole in the file reads as zeros at no cost.
    assert path.stat().st_blocks * 512 < 200_000


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    entries = [entry for entry in from_local.state(Request("resnet18")) if entry.name != "fc.bias"]
    entries = [Entry("fc.weight", (10, 512), "float32") if e.name == "fc.weight" else e for e in entries]
    entries = [Entry("stem.weight", e.shape, e.dtype) if e.name == "conv1.weight" else e for e in entries]
    write_safetensors(path, entries)
    code, answer = weights("resnet18", str(path))
    assert (code, answer["fits"]) == (1, False)
    assert [item["name"] for item in answer["missing"]] == ["conv1.weight", "fc.bias"]
    assert [item["name"] for item in answer["unexpected"]] == ["stem.weight"]
    (wrong,) = answer["wrong_shape"]
    assert (wrong["name"], wrong["shape"], wrong["file_shape"]) == ("fc.weight", [1000, 512], [10, 512])
    done = local("weights", "resnet18", str(path))
    assert done.returncode == 1
    assert "1000x512 float32" in done.stdout
    assert "10x512 float32" in done.stdout


def test_the_closest_name_is_looked_for_among_a_few() -> None:
    def names(count: int) -> list[Entry]:
        return [Entry(f"layer4.b3.ntw{number}", (512,), "float32") for number in range(count)]

    missing = Entry("layer4.2.bn3.weight", (512,), "float32")
    assert compare([missing], names(100)).closest(missing) is not None
    assert compare([missing], names(100_000)).closest(missing) is None


def test_prefixes_are_taken_off_together() -> None:
    model = [Entry("model.a", (1,), "float32"), Entry("model.b", (1,), "float32")]
    file = [Entry("module.model.a", (1,), "float32"), Entry("module.model.b", (1,), "float32")]
    match = compare(model, file)
    # The model's own "model." stays.
    assert (match.prefix, match.is_loadable) == ("module.", True)
    assert compare(model, model).prefix == ""


def test_counters_of_batches_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    write_safetensors(path, [e for e in from_local.state(Request("resnet18")) if not e.optional])
    assert weights("resnet18", str(path))[0] == 0


def test_damaged_files_get_a_clear_line(tmp_path: Path) -> None:
    entries = from_local.state(Request("resnet18"))
    write_safetensors(tmp_path / "cut.safetensors", entries, cut=5)
    (tmp_path / "long.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    (tmp_path / "json.safetensors").write_bytes(struct.pack("<Q", 4) + b"{{{{")
    (tmp_path / "list.safetensors").write_bytes(struct.pack("<Q", 9) + b'{"a": []}')
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "text.pth").write_text("nothing of the kind at all")
    (tmp_path / "zip.pth").write_bytes(b"PK\x03\x04 but no archive")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", "hello")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(ModelError, match=f"^{path.name} (is damaged|is truncated|is not a checkpoint)"):
            checkpoint.read(path)
    done = local("weights", "resnet18", str(tmp_path / "cut.safetensors"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "truncated" in done.stderr


@in_child("torch")
def test_torchs_files() -> None:
    import tempfile

    import torch
    import torchvision

    state = torchvision.models.resnet18().state_dict()
    folder = Path(tempfile.mkdtemp())
    torch.save(state, folder / "plain.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    wrapped = {"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}
    torch.save(wrapped, folder / "wrapped.pt")
    expected = [Entry(name, tuple(tensor.shape), str(tensor.dtype)[6:]) for name, tensor in state.items()]
    for name, prefix in (("plain.pth", ""), ("legacy.pth", ""), ("wrapped.pt", "state_dict.module.")):
        kind, found = checkpoint.read(folder / name)
        match = compare(expected, found)
        assert (kind, match.is_loadable, match.prefix) == ("torch", True, prefix), name
        assert [entry.dtype for entry in found] == [entry.dtype for entry in expected]

    marker = folder / "it ran"

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(marker),)

    for legacy in (False, True):
        torch.save({"a": Evil()}, folder / "evil.pth", _use_new_zipfile_serialization=not legacy)
        with pytest.raises(ModelError, match=r"evil\.pth is refused: it names \w+\.mkdir"):
            checkpoint.read(folder / "evil.pth")
    torch.save(torchvision.models.resnet18(), folder / "whole.pth")
    with pytest.raises(ModelError, match="refused: it names torchvision"):
        checkpoint.read(folder / "whole.pth")
    assert not marker.exists()
    for cut in (10, 1000, 100_000, 40_000_000):
        (folder / "cut.pth").write_bytes((folder / "plain.pth").read_bytes()[:cut])
        with pytest.raises(ModelError, match=r"damaged|no checkpoint"):
            checkpoint.read(folder / "cut.pth")
    torch.save([1, 2], folder / "list.pth")
    with pytest.raises(ModelError, match="no state dictionary but a list"):
        checkpoint.read(folder / "list.pth")


@needs("torch")
def test_weights_of_a_summary_must_fit(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.safetensors"
    write_safetensors(path, from_local.state(Request("resnet18")))
    for backend in ("local", "torch"):
        done = run("summary", f"{backend}:resnet18", "--weights", str(path), "--format", "json", warm="torch")
        assert json.loads(done.stdout)["model"]["weights"] == "resnet18.safetensors"
        done = run("summary", f"{backend}:resnet34", "--weights", str(path), warm="torch")
        assert (done.returncode, done.stdout) == (3, "")
        assert f"resnet18.safetensors doesn't fit {backend}:resnet34" in done.stderr


@needs("torch")
def test_published_weights_are_loaded_by_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    done = run("summary", "torch:resnet18", "--weights", "default", warm="torch")
    # Without a network nothing can be downloaded; with one, this is the real thing.
    assert (done.returncode, done.stdout) == (3, "") or "11,689,512" in done.stdout
    if done.returncode:
        assert "can't be downloaded" in done.stderr
        assert done.stderr.count("\n") == 1
    cached = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    cached.parent.mkdir(parents=True, exist_ok=True)
    script(f"import torch, torchvision; torch.save(torchvision.models.resnet18().state_dict(), {str(cached)!r})")
    done = run("summary", "torch:resnet18", "--weights", "IMAGENET1K_V1", "--format", "json", warm="torch")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["model"]["weights"] == "IMAGENET1K_V1"
    refused = run("summary", "torch:resnet18", "--weights", "nothing", warm="torch")
    assert "has default, IMAGENET1K_V1, or" in refused.stderr


@in_child("tensorflow")
def test_keras_files() -> None:
    import tempfile

    import keras

    from resnet_inspect.readers.keras import reader as from_keras
    from resnet_inspect.readers.weights import legacy

    folder = Path(tempfile.mkdtemp())
    # It has nested optimizers' state, random generators (dropout) and layers of every kind.
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(224, 224, 3), classes=10)
    model.compile("adam", "mse")
    model.save_weights(folder / "a.weights.h5")
    model.save(folder / "a.keras")
    model.save(folder / "a.h5")
    expected = from_keras.state(Request("MobileNetV3Small", arguments=(("classes", 10),)))
    assert sum(1 for _ in expected) == len(model.weights)
    for name, kind in (("a.weights.h5", "keras"), ("a.keras", "keras"), ("a.h5", "legacy keras")):
        found_kind, found = checkpoint.read(folder / name)
        match = compare(legacy(expected) if kind == "legacy keras" else expected, found)
        assert (found_kind, match.is_loadable, match.matching) == (kind, True, len(model.weights)), name
    other = from_keras.state(Request("MobileNetV3Small"))
    (wrong,) = (ours.alias for ours, _ in compare(other, checkpoint.read(folder / "a.keras")[1]).mismatched[:1])
    assert wrong is not None
    assert wrong.startswith("logits/")
    (folder / "cut.h5").write_bytes((folder / "a.h5").read_bytes()[:3000])
    with pytest.raises(ModelError, match="damaged"):
        checkpoint.read(folder / "cut.h5")


@needs("tensorflow")
def test_keras_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    done = run("summary", "keras:MobileNet", "--weights", "default", warm="keras")
    assert (done.returncode, done.stdout) == (3, "") or "4,253,864" in done.stdout
    assert done.returncode == 0 or "can't be downloaded" in done.stderr
    assert done.stderr.count("\n") <= 1
    assert "has default (imagenet)" in run("summary", "keras:MobileNet", "--weights", "nothing", warm="keras").stderr
