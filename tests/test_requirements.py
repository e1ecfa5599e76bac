"""What is said when a package can't be imported: its version, the supported ones, and the command that helps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_inspect.requirements import advice, unsupported
from tests.support.command import loaded_by

#: As hatchling writes our requirements, and as other tools do.
_OURS = (
    "click>=8.1",
    "keras>=3.10; extra == 'tensorflow'",
    'Tensorflow >=2.16 ; extra == "tensorflow"',
    "torch<3,>=2.4; extra == 'torch'",
    "torchsummary; extra == 'torch'",
    "tomli>=1; python_version < '3.11'",
)


def installed(folder: Path, **versions: str) -> None:
    """Our own metadata, and that of packages, where an interpreter looks first."""
    versions["resnet_inspect"] = "1"
    for name, version in versions.items():
        about = folder / f"{name}-{version}.dist-info" / "METADATA"
        about.parent.mkdir()
        requires = "".join(f"Requires-Dist: {line}\n" for line in _OURS if name == "resnet_inspect")
        about.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")


@pytest.mark.parametrize(
    ("extra", "versions", "said"),
    [
        ("tensorflow", {"keras": "3.10", "tensorflow": "2.16.1"}, None),
        ("tensorflow", {"keras": "3.10.0rc1", "tensorflow": "10.0"}, None),
        (
            "tensorflow",
            {"keras": "3.6.0", "tensorflow": "2.16.1"},
            "keras 3.6.0 is installed; resnet-inspect needs 3.10 or newer: pip install --upgrade keras",
        ),
        (
            "tensorflow",
            {"keras": "2.15.0", "tensorflow": "2.15.1"},
            (
                "keras 2.15.0 is installed; resnet-inspect needs 3.10 or newer: pip install --upgrade keras. "
                "tensorflow 2.15.1 is installed; resnet-inspect needs 2.16 or newer: pip install --upgrade tensorflow"
            ),
        ),
        ("torch", {"torch": "2.4.0+cpu", "torchsummary": "0"}, None),
        (
            "torch",
            {"torch": "3.0", "torchsummary": "0"},
            "torch 3.0 is installed; resnet-inspect needs 2.4 or newer and older than 3: pip install 'torch<3'",
        ),
    ],
)
def test_an_unsupported_version_is_told_from_our_own_metadata(
    extra: str, versions: dict[str, str], said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, **versions)
    monkeypatch.syspath_prepend(tmp_path)
    assert unsupported(extra) == said


@pytest.mark.parametrize(
    ("error", "versions", "said"),
    [
        # It isn't there.
        (ModuleNotFoundError("No module named 'torch'", name="torch"), {}, "pip install 'resnet-inspect[torch]'"),
        # It is there and supported, and doesn't work.
        (
            ImportError("libtorch.so", name="torch._C"),
            {"torch": "2.9"},
            (
                "Installed: torch 2.9 (2.4 or newer and older than 3 is supported). "
                "Repair with: pip install --upgrade --force-reinstall torch"
            ),
        ),
        # What it needs isn't there, or nobody says what isn't.
        (
            ModuleNotFoundError("No module named 'sympy'", name="sympy"),
            {"torch": "2.9", "torchsummary": "1"},
            "pip install --upgrade --force-reinstall torch torchsummary",
        ),
        (ImportError("nobody knows"), {"torch": "2.9"}, "pip install 'resnet-inspect[torch]'"),
    ],
)
def test_a_failed_import_is_told_with_the_command_that_helps(
    error: ImportError, versions: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, **versions)
    # Only what this folder says is installed: nothing of this environment.
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert advice("torch", error).endswith(said)


def test_a_checkout_without_metadata_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert advice("plot", ImportError("no")) == "Install it with: pip install 'resnet-inspect[plot]'"


@pytest.mark.parametrize("failure", ["from collections import Variable", "import collections; collections.Variable"])
def test_an_old_framework_is_one_line_and_exit_3(failure: str, tmp_path: Path) -> None:
    installed(tmp_path, keras="3.6.0")
    (tmp_path / "keras.py").write_text(failure)
    done = subprocess.run(
        [sys.executable, "-m", "resnet_inspect", "summary", "keras:MobileNet", "--no-cache"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    needed = "keras 3.6.0 is installed; resnet-inspect needs 3.10 or newer: pip install --upgrade keras"
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"error: the keras backend can't be used: {needed}\n"


def test_metadata_is_read_after_an_import_has_failed_only() -> None:
    assert "resnet_inspect.requirements" not in loaded_by("summary", "resnet18")
