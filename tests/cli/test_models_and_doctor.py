"""``models`` and ``doctor``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import local, needs, run, script


def test_the_list_imports_no_framework() -> None:
    loaded = script(
        "import sys; sys.argv = ['resnet-inspect', 'models', 'resnet*']\n"
        "from resnet_inspect.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('LOADED', *sys.modules)"
    )
    names, modules = loaded.split("LOADED")
    assert "local:resnet50" in names.split()
    assert not {"torch", "keras", "tensorflow", "numpy", "rich"} & set(modules.split())


def test_a_pattern_without_a_match() -> None:
    done = local("models", "nothing*")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing*" in done.stderr


@needs("torch")
@needs("tensorflow")
def test_counts_of_every_backend() -> None:
    done = run("models", "mobilenet*", "--counts", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {(row["backend"], row["model"]): (row["params"], row["macs"]) for row in json.loads(done.stdout)}
    assert found["torch", "mobilenet_v2"] == (3_504_872, 300_774_272)  # torchvision publishes 0.301 GMACs
    assert found["keras", "MobileNetV2"][0] == 3_538_984  # and 34,112 statistics are Keras' parameters
    assert len(found) == 7


def test_doctor_examines_the_local_backend() -> None:
    done = run("doctor", "local")
    assert done.returncode == 0
    assert "local: works" in done.stdout


@needs("torch")
def test_doctor_examines_torch() -> None:
    answer = json.loads(run("doctor", "torch", "--format", "json").stdout)
    assert answer["backends"]["torch"]["usable"] is True
    assert answer["backends"]["torch"]["versions"]["torchvision"]


@pytest.mark.parametrize(
    ("broken", "words", "fix"),
    [
        ({"torchvision/__init__.py": "raise RuntimeError('operator torchvision::nms does not exist')"},
         "built for different versions", "pip install --upgrade torch torchvision"),
        ({"torch/__init__.py": "import os; os.write(2, b'libcudart is missing'); raise OSError('no library')"},
         "no library (it said: libcudart is missing", "--force-reinstall"),
    ],
)  # fmt: skip
@needs("torch")
def test_doctor_says_what_is_wrong(broken: dict[str, str], words: str, fix: str, tmp_path: Path) -> None:
    for name, text in broken.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "resnet_inspect"]
    done = subprocess.run([*command, "doctor", "torch"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3
    assert words in done.stdout
    assert fix in done.stdout
    done = subprocess.run(
        [*command, "summary", "torch:resnet18"], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)


def test_a_missing_framework_is_said_with_its_command(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    import click

    import resnet_inspect

    # Only click and ourselves are there.
    paths = {str(Path(module.__file__ or "").parent.parent) for module in (resnet_inspect,)}
    site = next(bare.glob("lib/python*/site-packages"))
    (site / "click").symlink_to(Path(click.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for backend, extra in (("torch", "torch"), ("keras", "tensorflow")):
        done = subprocess.run(
            [str(bare / "bin" / "python"), "-m", "resnet_inspect", "summary", "--backend", backend],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
        assert f"pip install 'resnet-inspect[{extra}]'" in done.stderr
