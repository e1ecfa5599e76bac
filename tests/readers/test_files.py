"""Files as models: each kind is told from its content, checkpoints are shown without code, nothing in them runs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from resnet_inspect.analysis.checkpoint_match import Entry
from resnet_inspect.errors import ModelError
from resnet_inspect.readers.checkpoint import reader as checkpoint
from resnet_inspect.readers.kind import kind_of
from tests.readers.checkpoint.test_weights import write_safetensors
from tests.support.command import document, local, needs, run, script

#: A convolution with its norm, and a layer of 8 features to 2; by hand 4 x 3 x 3 x 3 + 2 x 4 + 8 x 2 + 2 parameters.
ENTRIES = [
    Entry("stem.conv.weight", (4, 3, 3, 3), "float32"),
    Entry("stem.norm.weight", (4,), "float32"),
    Entry("stem.norm.bias", (4,), "float32"),
    Entry("stem.norm.running_mean", (4,), "float32"),
    Entry("stem.norm.running_var", (4,), "float32"),
    Entry("stem.norm.num_batches_tracked", (), "int64"),
    Entry("head.weight", (2, 8), "float32"),
    Entry("head.bias", (2,), "float32"),
]
PARAMS = 108 + 8 + 18


def test_tensors_in_the_order_of_the_alphabet_come_in_that_of_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_safetensors(path, [Entry(f"a.{number}.w", (2,), "float32") for number in (1, 10, 2)])
    assert [layer["path"] for layer in document("summary", str(path))["layers"]] == ["a.1", "a.2", "a.10"]
    # Any other order is somebody's own.
    write_safetensors(path, [Entry(f"a.{number}.w", (2,), "float32") for number in (10, 2, 1)])
    assert [layer["path"] for layer in document("summary", str(path))["layers"]] == ["a.10", "a.2", "a.1"]


def test_a_checkpoint_without_its_code(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_safetensors(path, ENTRIES)
    found = document("summary", str(path))
    totals = found["totals"]
    assert (totals["params"], totals["statistics"], totals["param_bytes"]) == (PARAMS, 8, PARAMS * 4)
    # Whether they are trained isn't in the file, nor is what a layer costs.
    assert (totals["trainable_params"], totals["frozen_params"]) == (None, None)
    assert totals["uncounted"] == [layer["id"] for layer in found["layers"]]
    assert found["trace"]["method"] == "header"
    assert [(layer["path"], layer["params"], layer["inputs"]) for layer in found["layers"]] == [
        ("stem.conv", 108, []),
        ("stem.norm", 8, []),
        ("head", 18, []),
    ]
    done = local("summary", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "weight 4x3x3x3 float32" in done.stdout
    assert "Buffers     1" in done.stdout
    assert "MACs        n/a" in done.stdout
    folded = local("summary", str(path), "--depth", "1")
    assert "6 tensors" in folded.stdout
    assert local("check", str(path), "--max-params", str(PARAMS)).returncode == 0
    assert local("check", str(path), "--max-params", str(PARAMS - 1)).returncode == 1
    # What isn't known can't pass.
    assert local("check", str(path), "--max-macs", "1G").returncode == 1
    assert local("check", str(path), "--strict").returncode == 5


def test_a_checkpoint_in_several_files(tmp_path: Path) -> None:
    parts = {"model-00001-of-00002.safetensors": ENTRIES[:6], "model-00002-of-00002.safetensors": ENTRIES[6:]}
    for name, entries in parts.items():
        write_safetensors(tmp_path / name, entries)
    index = tmp_path / "model.safetensors.index.json"
    weight_map = {entry.name: name for name, entries in parts.items() for entry in entries}
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    for path in (index, tmp_path):
        assert document("summary", str(path))["totals"]["params"] == PARAMS
    index.unlink()
    assert document("summary", str(tmp_path))["totals"]["params"] == PARAMS


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"weight_map": {"a": "../../secret.safetensors"}}, "names '../../secret.safetensors', which is not a file"),
        ({"weight_map": {"a": "model.safetensors.index.json"}}, "model.safetensors.index.json is an index itself"),
        ({"weight_map": {"a": ".."}}, "names '..', which is not a file of tensors beside it"),
        ({"weight_map": {"a": "folder"}}, "names 'folder', which is not a file of tensors beside it"),
        ({"weight_map": {"a": "\0"}}, "which is not a file of tensors beside it"),
        ({"weight_map": {"a": "\ud800"}}, "is damaged"),
        ({"weight_map": {"a": 1}}, "names 1, which is not a file of tensors beside it"),
        ({"weight_map": {"a": "absent.safetensors"}}, "absent.safetensors can't be read: No such file"),
        ({"weight_map": {"a": []}}, "is damaged"),
        ({"weight_map": [1]}, "it has no weight_map"),
    ],
)
def test_a_bad_index_is_one_message(document: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps(document))
    (tmp_path / "folder").mkdir()
    done = local("summary", str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert words in done.stderr


def test_indices_that_name_indices_are_told_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_text('{"weight_map": {"x": "model.bin"}}')
    (tmp_path / "first.bin").write_text('{"weight_map": {"x": "model.bin", "y": "other.bin"}}')
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "model.safetensors").write_text('{"weight_map": {"x": "model.safetensors"}}')
    for name in ("model.bin", "first.bin", "folder"):
        with pytest.raises(ModelError, match=r"^model\.\w+ is an index itself"):
            checkpoint.read(tmp_path / name)


def test_stored_bytes_of_types_that_are_packed(tmp_path: Path) -> None:
    # safetensors' F4: two numbers a byte.
    header = {"w": {"dtype": "F4", "shape": [4, 8], "data_offsets": [0, 16]}}
    text = json.dumps(header).encode()
    path = tmp_path / "packed.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))
    totals = document("summary", str(path))["totals"]
    assert (totals["params"], totals["param_bytes"]) == (32, 16)


def test_two_checkpoints_are_compared_whatever_their_order(tmp_path: Path) -> None:
    old, new, wider = tmp_path / "old.safetensors", tmp_path / "new.safetensors", tmp_path / "wider.safetensors"
    write_safetensors(old, ENTRIES)
    write_safetensors(new, ENTRIES[::-1])
    write_safetensors(
        wider, [*ENTRIES[:6], Entry("head.weight", (3, 8), "float32"), Entry("head.bias", (3,), "float32")]
    )
    done = local("diff", str(old), str(new))
    assert (done.returncode, "No difference" in done.stdout) == (0, True)
    done = local("diff", str(old), str(wider), "--fail-on", "params")
    assert done.returncode == 1
    assert "+9 parameters: head params 18 → 27" in done.stdout
    assert "trainable" not in done.stdout  # how many are trained is unknown on both sides, and didn't fall to 0


def test_what_a_file_of_tensors_cannot_tell_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_safetensors(path, ENTRIES)
    done = local("residual", str(path))
    assert (done.returncode, "there are no connections in it" in done.stderr) == (2, True)
    row = json.loads(local("compare", str(path), "--format", "json").stdout)["models"][0]
    assert row["params"] == PARAMS
    assert [row[key] for key in ("macs", "depth", "blocks", "peak_bytes", "activation_bytes", "rf")] == [None] * 6
    # A rule on connections isn't passed by what has none.
    done = local("check", str(path), "--max-params", "1M")
    assert (done.returncode, "skips" in done.stdout, "max-params" in done.stdout) == (0, False, True)


@needs("torch")
def test_a_file_of_one_of_two_tied_tensors_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.embed, self.out = nn.Embedding(5, 4), nn.Linear(4, 5, bias=False)\n"
        "        self.out.weight = self.embed.weight\n"
    )
    for name, code in (("embed.weight", 0), ("out.weight", 0), ("other.weight", 1)):
        write_safetensors(tmp_path / "net.safetensors", [Entry(name, (5, 4), "float32")])
        assert run("weights", "net.py:Net", "net.safetensors", warm="torch").returncode == code, name
    # torch reads its own file here, the user's code runs in a child.
    script(f"torch.save({{'embed.weight': torch.zeros(5, 4)}}, {str(tmp_path / 'net.pth')!r})", after="import torch")
    assert run("weights", "net.py:Net", "net.pth", warm="torch").returncode == 0


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    command = f"'{sys.executable}' -m resnet_inspect"
    both = f"{command} diff <({command} summary resnet18 --format json) <({command} summary resnet18 --format json)"
    done = subprocess.run(["bash", "-c", both], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "No difference" in done.stdout) == (0, True)


@needs("torch")
def test_the_kind_is_told_from_the_content(tmp_path: Path) -> None:
    script(
        f"""
import zipfile
from torch import nn
folder = {str(tmp_path)!r}
model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
torch.save(model.state_dict(), folder + "/state.onnx")
torch.save(model.state_dict(), folder + "/old.keras", _use_new_zipfile_serialization=False)
torch.jit.script(model).save(folder + "/scripted.h5")
torch.export.save(torch.export.export(model.eval(), (torch.zeros(1, 3, 8, 8),)), folder + "/exported.pt2")
import os; os.rename(folder + "/exported.pt2", folder + "/exported.bin")
""",
        after="import torch",
    )
    write_safetensors(tmp_path / "tensors.pth", ENTRIES)
    (tmp_path / "summary.onnx").write_text(local("summary", "resnet18", "--format", "json").stdout)
    (tmp_path / "config.safetensors").write_text('{"model_type": "bert"}')
    (tmp_path / "readme.onnx").write_text("hello")
    (tmp_path / "empty.pt").write_bytes(b"")
    kinds = {path.name: kind_of(path) for path in tmp_path.iterdir()}
    assert kinds == {
        "state.onnx": "state",
        "old.keras": "state",
        "scripted.h5": "torchscript",
        "exported.bin": "pt2",
        "tensors.pth": "state",
        "summary.onnx": "summary",
        "config.safetensors": "transformers",
        "readme.onnx": None,
        "empty.pt": None,
    }
    # 4 x 28 and 2 x 4, whichever way they were written.
    for name in ("state.onnx", "old.keras", "scripted.h5", "exported.bin"):
        given = ["--input", "3x8x8"] if name == "scripted.h5" else []
        totals = document("summary", str(tmp_path / name), *given, warm="torch")["totals"]
        assert totals["params"] == 112 + 8, name
    assert document("summary", str(tmp_path / "tensors.pth"))["totals"]["params"] == PARAMS
    for name in ("readme.onnx", "empty.pt"):
        done = local("summary", str(tmp_path / name))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
        assert "is not a model in a supported format" in done.stderr


@needs("torch")
def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    script(
        f"""
import os
class Evil:
    def __reduce__(self):
        return os.mkdir, ({str(tmp_path / "ran")!r},)
torch.save({{"weight": Evil()}}, {str(tmp_path / "evil.pth")!r})
torch.save({{"weight": Evil()}}, {str(tmp_path / "evil-old.pth")!r}, _use_new_zipfile_serialization=False)
""",
        after="import torch",
    )
    for name in ("evil.pth", "evil-old.pth"):
        done = local("summary", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04broken", b"\x80\x02broken", b"\x10\0\0\0\0\0\0\0{broken", b"\x89HDF\r\n\x1a\n"]
)
@needs("torch")
@needs("tensorflow")
def test_damaged_files_are_one_message(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(content)
    done = local("summary", str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "damaged" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        *(["--input", "3x8x8"], ["--arg", "a=1"], ["--input-json", '["1x3"]'], ["--input-from", "a:b"]),
        *(["--batch", "7"], ["--layout", "NHWC"], ["--dtype", "float16"], ["--weights", "other.safetensors"]),
        ["--mode", "train"],
    ],
)
def test_tensors_take_no_input(options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_safetensors(path, ENTRIES)
    done = local("summary", str(path), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has tensors but no model" in done.stderr


def test_a_saved_summary_is_a_model_too(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    assert local("summary", "resnet18", "-o", str(path)).returncode == 0
    assert local("summary", str(path), "--format", "json").stdout == path.read_text()
    done = local("summary", str(path), "--batch", "2")
    assert (done.returncode, "is a saved summary" in done.stderr) == (2, True)


def test_an_archive_of_nothing_known(tmp_path: Path) -> None:
    path = tmp_path / "things.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")
    done = local("summary", str(path))
    assert (done.returncode, "is not a model in a supported format" in done.stderr) == (3, True)
