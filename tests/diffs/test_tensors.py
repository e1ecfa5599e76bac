"""A model against a checkpoint: by their tensors, which is all that a checkpoint has."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_inspect.analysis.checkpoint_match import Entry
from resnet_inspect.readers.local import reader as from_local
from resnet_inspect.readers.request import Request
from tests.readers.checkpoint.test_weights import write_safetensors
from tests.support.command import local, needs, run

SAID = "Compared by their tensors alone: the layers of both aren't known\n"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "r.safetensors"
    write_safetensors(path, from_local.state(Request("resnet18")))
    return path


def test_equal_tensors_are_no_difference(checkpoint: Path) -> None:
    for sides in (["resnet18", str(checkpoint)], [str(checkpoint), "resnet18"]):
        done = local("diff", *sides, "--exit-code")
        assert (done.returncode, done.stdout.partition("\n")[2]) == (0, f"{SAID}No difference\n")


def test_a_wrapper_in_front_of_every_name_is_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.safetensors"
    entries = [
        Entry(f"model.module.{e.name}", e.shape, e.dtype)
        for e in from_local.state(Request("resnet18"))
        if not e.optional
    ]
    write_safetensors(path, entries)
    assert local("diff", "resnet18", str(path)).stdout.endswith("No difference\n")


def test_what_a_file_lacks_and_has_otherwise_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.safetensors"
    entries = [e for e in from_local.state(Request("resnet18")) if not e.name.startswith("layer4.1.")]
    entries = [Entry(e.name, (10, *e.shape[1:]), e.dtype) if e.name.startswith("fc.") else e for e in entries]
    write_safetensors(path, entries)
    done = local("diff", "resnet18", str(path), "--exit-code")
    assert done.returncode == 1
    assert "layer4.1" in done.stdout
    # The classifier has 512 weights and a bias for each of 1,000 classes, and has 10 in the file; the block that is
    # missing two convolutions of 512x512x3x3 and two norms of 1,024.
    difference = 990 * 513 + 2 * (512 * 512 * 9 + 1024)
    assert f"-{difference:,}" in done.stdout
    changed = [line for line in done.stdout.splitlines() if line and line[0] in "+-~"]
    assert len(changed) == 3  # the headline, and two lines


@needs("tensorflow")
def test_kerass_numbers_say_nothing(tmp_path: Path) -> None:
    from tests.support.command import script

    path = tmp_path / "m.weights.h5"
    script(f"import keras\nkeras.applications.MobileNet(weights=None).save_weights({str(path)!r})")
    done = run("diff", "keras:MobileNet", str(path), warm="keras")
    assert (done.returncode, done.stdout) == (2, "")
    assert "resnet-inspect weights MODEL FILE compares them" in done.stderr


@needs("torch")
def test_a_module_that_did_not_run_is_compared_with_a_checkpoint_as_well(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("import torchvision\n\ndef net():\n    return torchvision.models.resnet18()\n")
    done = run("diff", "net.py:net", str(checkpoint), "--exit-code", warm="torch")
    assert (done.returncode, done.stdout.partition("\n")[2]) == (0, f"{SAID}No difference\n")
