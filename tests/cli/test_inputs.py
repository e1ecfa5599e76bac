"""What models are given from the command line: by name, by type, nested, or by a function of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnet_inspect.call import Call, Spec, of_inputs, parse_spec
from resnet_inspect.errors import BadRequestError
from tests.support.command import needs, run

NET = """
import torch
from torch import nn

class Text(nn.Module):
    '''A word's vector, masked, to 3 classes.'''
    def __init__(self, words=50):
        super().__init__()
        self.embed, self.out = nn.Embedding(words, 8), nn.Linear(8, 3)
    def forward(self, ids, mask=None, scale=1, extra=None):
        x = self.embed(ids)
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        if extra is not None:
            x = x + extra["bias"][0]
        return {"logits": self.out(x) * scale, "count": 3}

class Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
    def forward(self, x):
        y = self.fc(x)
        return y + torch.zeros(5)

def real():
    return {"ids": torch.tensor([[1, 2, 3]]), "mask": torch.ones(1, 3, dtype=torch.bool)}

def nothing():
    return 3

def broken():
    raise KeyError("no data here")
"""
#: 50 vectors of 8, and 8 by 3 with 3 biases.
PARAMS = 50 * 8 + 8 * 3 + 3


def line(text: str) -> int:
    """The number of the line of ``NET`` with a text in it."""
    return next(number for number, found in enumerate(NET.splitlines(), 1) if text in found)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "tokens", "inputs"),
    [
        (["--input", "2x6:int64"], 12, [[2, 6]]),
        (["--input", "ids=2x6:int64", "--input", "mask=2x6:bool"], 12, [[2, 6], [2, 6]]),
        (["--input-json", '["2x6:int64", null, 2]'], 12, [[2, 6]]),
        (["--input-json", '{"ids": "1x6:int64", "extra": {"bias": ["1x6x8"]}}'], 6, [[1, 6], [1, 6, 8]]),
        (["--input-json", '{"args": ["4x6:int64"], "kwargs": {"scale": 0.5}}'], 24, [[4, 6]]),
        (["--input-from", "net:real"], 3, [[1, 3], [1, 3]]),
        (["--input-from", "net.py:real"], 3, [[1, 3], [1, 3]]),
    ],
)
@needs("torch")
def test_inputs_by_name_and_type(options: list[str], tokens: int, inputs: list[list[int]], folder: Path) -> None:
    done = run("summary", "net.py:Text", *options, "--format", "json", warm="torch")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["totals"]["params"], found["totals"]["macs"]) == (PARAMS, tokens * 24)
    assert [tensor["shape"] for tensor in found["inputs"]] == inputs
    assert found["outputs"][0]["shape"] == [inputs[0][0], inputs[0][1], 3]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--input", "ids=2x6:int65"], 2, "no such element type: int65. Did you mean int64?"),
        (["--input", "ids=2y6"], 2, "2y6"),
        (["--input", "ids=2x6", "--input", "ids=2x6"], 2, "'ids' is given twice"),
        (["--input", "2 ids=2x6"], 2, "is not a name"),
        (["--input", "2x6", "--input-json", "[]"], 2, "--input and --input-json both describe the model's inputs"),
        (["--input-json", "{"], 2, "can't be read as JSON"),
        (["--input-json", "3"], 2, "neither an object of arguments nor a list"),
        (["--input-json", '{"args": 3}'], 2, "args is a list, and kwargs an object"),
        (["--input", "idz=2x6:int64"], 4, "unexpected keyword argument 'idz'"),
        (["--input", "ids=2x6"], 4, "embed (Embedding) expects int64 or int32 indices, got float32"),
        (["--input-from", "net:nothing"], 3, "net:nothing must return a tensor, got int"),
        (["--input-from", "net:broken"], 3, f"net:broken: net.py:{line('raise KeyError')}: KeyError: 'no data here'"),
        (["--input-from", "net:absent"], 3, "has no 'absent'"),
        (["--input-from", "absent:real"], 3, "absent"),
    ],
)
@needs("torch")
def test_what_is_wrong_with_an_input_is_one_line(options: list[str], code: int, words: str, folder: Path) -> None:
    done = run("summary", "net.py:Text", *options, warm="torch")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
    assert words in done.stderr


@needs("torch")
def test_a_failing_forward_is_shown_as_the_users(folder: Path) -> None:
    done = run("summary", "net.py:Fails", "--input", "x=2x4:float32", warm="torch")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert f"Fails: net.py:{line('return y')}: add (add) fails on 2x3 float32 and 5 float32" in done.stderr
    debugged = run("summary", "net.py:Fails", "--input", "x=2x4:float32", "--debug", warm="torch")
    assert (debugged.returncode, "Traceback" in debugged.stderr) == (4, True)
    assert "return y + torch.zeros(5)" in debugged.stderr


@needs("torch")
@needs("tensorflow")
def test_code_of_both_frameworks_in_one_command(folder: Path) -> None:
    (folder / "in_keras.py").write_text(
        "import keras\ndef build():\n    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])\n"
    )
    (folder / "in_torch.py").write_text("from torch import nn\ndef build():\n    return nn.Linear(8, 3)\n")
    done = run("compare", "in_keras.py:build", "in_torch.py:build", "--input", "8", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["models"]
    assert [(row["params"], row["macs"]) for row in rows] == [(27, 24), (27, 24)]


@pytest.mark.parametrize("model", ["resnet50", "keras:ResNet50"])
@needs("tensorflow")
def test_zoo_models_read_one_image_without_a_name(model: str) -> None:
    done = run("summary", model, "--input", "x=1x3x64x64", warm="keras")
    assert (done.returncode, done.stdout) == (2, "")
    assert "reads one image, without a name or a type of its own" in done.stderr


def test_a_call_is_written_as_it_is_read() -> None:
    call = Call((Spec((1, 3), "int64"), None, True, 2.5, "train"), (("deep", {"a": (Spec((2,)),)}),))
    assert Call.from_json(call.to_json()) == call
    assert of_inputs(["1x3", "mask=scalar:bool"]) == Call((Spec((1, 3)),), (("mask", Spec((), "bool")),))
    assert str(parse_spec("1x128:int64")) == "1x128:int64"
    with pytest.raises(BadRequestError, match=r"no such element type: int\. Did you mean"):
        Call.from_json('{"x": "1x3:int"}')


@needs("torch")
def test_check_looks_at_code_that_says_no_input_of_its_own(folder: Path) -> None:
    (folder / "conv.py").write_text("from torch import nn\ndef build():\n    return nn.Conv2d(3, 4, 3)\n")
    # 4 filters of 3 x 3 x 3 and a bias.
    inputs = ("--input", "3x8x8", "--input", "3x9x9")
    done = run("check", "conv.py:build", *inputs, "--find-min", "--max-params", "112", warm="torch")
    assert (done.returncode, done.stderr) == (0, "")
    assert "gives 1x4x6x6" in done.stdout
    assert "the smallest square is 3x3" in done.stdout
    done = run("check", "conv.py:build", "--input", "4x8x8", warm="torch")
    assert (done.returncode, "expects 3 input channels, got 4" in done.stdout) == (1, True)
    done = run("check", "conv.py:build", warm="torch")
    assert "add --input" in done.stdout


@needs("tensorflow")
def test_check_tries_other_sizes_than_those_of_the_models_own_call(folder: Path) -> None:
    (folder / "conv.py").write_text(
        "import keras\n"
        "def build():\n    return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])\n"
    )
    own = ["conv.py:build", "--input-json", '["1x8x8x3"]']
    assert "the smallest square is 3x3" in run("check", *own, "--find-min", warm="keras").stdout
    done = run("check", *own, "--input", "2x2x3", "--input", "9x9x3", warm="keras")
    assert (done.returncode, "gives 1x7x7x4" in done.stdout) == (1, True)
