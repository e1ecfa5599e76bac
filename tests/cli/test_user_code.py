"""Models in users' own files and modules, named on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_inspect.errors import ModelError
from resnet_inspect.readers.code.user_code import theirs
from tests.support.command import needs, run

NET = """
import torch
from torch import nn
from helper import WIDTH
print("said by the user's code")

class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, WIDTH, 3), nn.Linear(WIDTH, classes)
    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).mean((2, 3)))

class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        1 / 0

def build(classes=7):
    return Net(classes)

made = Net(3)
"""
KERAS = """
import keras

def build(classes=4):
    layers = keras.layers
    return keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(classes)])

def unbuilt():
    return keras.Sequential([keras.layers.Dense(3)])

def save():
    build().save_weights("own.weights.h5")
"""


def write_code(folder: Path) -> None:
    """A user's files."""
    (folder / "net.py").write_text(NET)
    (folder / "helper.py").write_text("WIDTH = 8\n")
    (folder / "in_keras.py").write_text(KERAS)
    (folder / "bad.py").write_text("def f(:\n")


def ask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``resnet-inspect`` as typed in a folder with a user's files."""
    write_code(folder)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "resnet_inspect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


#: 3 x 3 x 3 weights and a bias for each of 8 channels.
CONV = 8 * (27 + 1)


@needs("torch")
@pytest.mark.parametrize(
    ("arguments", "classes"),
    [
        (["net.py:Net", "--input", "3x16x16"], 10),
        (["net:build", "--input", "16", "--arg", "classes=5"], 5),
        (["net.py:made", "--input", "3x16x16"], 3),
    ],
)
def test_a_class_a_function_and_an_instance(arguments: list[str], classes: int, tmp_path: Path) -> None:
    done = ask(tmp_path, "summary", *arguments, "--format", "csv", "--columns", "path,params")
    completed = "note: input 16 has no channels and was completed: 3x16x16 CHW\n" if "16" in arguments else ""
    assert (done.returncode, done.stderr) == (0, completed)
    rows = [f"conv,{CONV}", "relu,0", "mean,0", f"fc,{8 * classes + classes}"]
    assert done.stdout.splitlines() == ["path,params", "input,0", *rows]


@needs("tensorflow")
def test_a_keras_model_says_what_it_reads(tmp_path: Path) -> None:
    done = ask(
        tmp_path, "compare", "in_keras:build", "--arg", "classes=9", "--format", "csv", "--columns", "input,params"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == f"1x16x16x3,{4 * 28 + 14 * 14 * 4 * 9 + 9}"


@needs("torch")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["net.py:Broken", "--input", "3x8x8"], 3, "net.py:Broken: net.py:17: ZeroDivisionError: division by zero"),
        (["net.py:Nett", "--input", "3x8x8"], 3, "net.py has no 'Nett'; it has Net, Broken, build"),
        (["bad.py:f"], 3, "bad.py:1: SyntaxError"),
        (["none.py:f"], 3, "no such file: none.py"),
        (["net.py"], 2, "name the class or function in it that gives the model, net.py:Net"),
        (["net.py:made", "--input", "3x16x16", "--weights", "default"], 2, "has no weights of that name"),
        (["net.py:made", "--input", "x=1x3x16x16", "--batch", "2"], 2, "leave --batch out"),
        (["net.py:Net", "--batch", "2"], 2, "add --input 3x224x224"),
        (["net.py:Net", "--input", "1x8x8"], 4, "conv (Conv2d) expects 3 input channels, got 1"),
        (["net.py:made", "--arg", "classes=2", "--input", "3x8x8"], 2, "is built already: it takes no --arg"),
        (["net.py:Net", "--arg", "depth=2", "--input", "3x8x8"], 3, "unexpected keyword argument 'depth'"),
        (["net.py:Net", "--backend", "torch"], 2, "leave --backend out"),
        (["torhc:resnet50"], 3, "no such backend: 'torhc'"),
    ],
)
def test_what_goes_wrong_is_one_line(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_code(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = run("summary", *arguments, warm="torch")
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_framework_that_isnt_there_is_told_with_the_command_that_helps() -> None:
    """``pipx install resnet-inspect`` has an environment of its own, without the framework that the code imports."""
    wanted = r"^net.py:Net: .*No module named 'torch'\. Install it with: pip install 'resnet-inspect\[torch\]'$"
    with pytest.raises(ModelError, match=wanted), theirs("net.py:Net"):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")
    with pytest.raises(ModelError, match=r"No module named 'mine'$"), theirs("net.py:Net"):  # who knows what it is
        raise ModuleNotFoundError("No module named 'mine'", name="mine")


@needs("torch")
def test_a_file_in_a_package_imports_what_stands_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "parts.py").write_text("WIDTH = 6\n")
    (package / "net.py").write_text(
        "from torch import nn\nfrom .parts import WIDTH\ndef build():\n    return nn.Linear(WIDTH, 2)\n"
    )
    done = ask(tmp_path, "summary", "package/net.py:build", "--input", "6", "--format", "csv", "--columns", "params")
    assert (done.returncode, done.stdout.split()) == (0, ["params", "0", str(6 * 2 + 2)]), done.stderr


@needs("tensorflow")
def test_weights_of_a_keras_model_are_known_once_it_is_built(tmp_path: Path) -> None:
    ask(tmp_path, "--help")
    saving = [sys.executable, "-c", "import in_keras; in_keras.save()"]
    subprocess.run(saving, cwd=tmp_path, check=True, capture_output=True)
    done = ask(tmp_path, "weights", "in_keras.py:build", "own.weights.h5")
    assert (done.returncode, "4 matching, 0 missing" in done.stdout) == (0, True), done.stderr
    done = ask(tmp_path, "weights", "in_keras.py:unbuilt", "own.weights.h5")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Sequential isn't built yet, so its weights are not known" in done.stderr


@needs("torch")
@pytest.mark.parametrize("model", ["net.py:Net", "net:Net"])
def test_code_imports_what_stands_beside_it_when_it_is_called(model: str, tmp_path: Path) -> None:
    (tmp_path / "width.py").write_text("WIDTH = 2\n")
    (tmp_path / "later.py").write_text("raise RuntimeError('imported by torch')\n")
    (tmp_path / "statistics.py").write_text("raise RuntimeError('imported in place of Python's own')\n")
    net = "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self):\n        import width, statistics\n"
    net += "        super().__init__(4, width.WIDTH)\n    def forward(self, x):\n        from width import WIDTH\n"
    (tmp_path / "net.py").write_text(net + "        return super().forward(x)\n")
    command = [sys.executable, "-m", "resnet_inspect", "summary", model, "--input", "4", "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["params"] == 10


def test_a_folder_that_is_gone_needs_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\n")
    begin = "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')"
    begin += "; os.execv(sys.executable, sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for model, code in (("resnet18", 0), (f"{tmp_path / 'net.py'}:Net", 3)):
        command = [sys.executable, "-c", begin, sys.executable, "-m", "resnet_inspect", "summary", model]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (code, code // 3), done.stderr
