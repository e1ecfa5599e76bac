"""``--mode`` and ``--optimizer`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from resnet_inspect import ir_json
from tests.support.command import SCHEMA, document, local, needs, run

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, channels, 8), nn.BatchNorm2d(channels)
        self.head, self.auxiliary = nn.Conv2d(channels, 2, 1), nn.Conv2d(channels, 5, 1)

    def forward(self, x):
        x = self.norm(self.stem(x))
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    return "net.py:Net"


def test_the_default_is_eval_and_leaves_no_trace_in_json() -> None:
    plain, said = (document("summary", "resnet18", *options) for options in ((), ("--mode", "eval")))
    assert plain == said
    assert set(plain["trace"]) == {"method", "reason"}


def test_a_resnet_of_ours_is_the_same_in_both_modes() -> None:
    used, trained = (document("summary", "resnet18", "--mode", mode) for mode in ("eval", "train"))
    assert trained["trace"] == {**used["trace"], "mode": "train"}
    assert {**trained, "trace": None} == {**used, "trace": None}
    jsonschema.validate(trained, json.loads(SCHEMA.read_text()))
    assert ir_json.loads(json.dumps(trained)).trace.training
    table = local("summary", "--mode", "train").stdout
    assert "Trace              computed by rules, no framework, train mode\n" in table


@needs("torch")
def test_what_only_training_calls(net: str) -> None:
    given = (net, "--input", "3x9x9")
    assert (
        "Unused parameters  auxiliary.weight, auxiliary.bias (in eval mode; --mode train may use them)\n"
        in run("summary", *given, warm="torch").stdout
    )
    trained = run("summary", *given, "--mode", "train", warm="torch")
    assert (trained.returncode, "Unused" in trained.stdout, ", train mode\n" in trained.stdout) == (0, False, True)
    failed = run("check", *given, warm="torch")
    assert failed.returncode == 1
    assert "no call uses auxiliary.weight, auxiliary.bias in eval mode; --mode train may use them" in failed.stdout
    assert run("check", *given, "--mode", "train", warm="torch").returncode == 0
    Path("resnet-inspect.toml").write_text(f'[models.net]\nmodel = "{net}"\ninputs = ["3x9x9"]\nmode = "train"\n')
    assert run("check", warm="torch").returncode == 0
    assert run("diff", net, *given, "--new-mode", "train", "--exit-code", warm="torch").returncode == 1
    both = run("diff", net, *given, "--mode", "train", "--exit-code", warm="torch")
    assert (both.returncode, both.stderr) == (0, "")
    line = json.dumps({"model": net, "input": "3x9x9", "mode": "train"})
    (answer,) = map(json.loads, local("batch", "-", text=line + "\n").stdout.splitlines())
    assert (answer["trace"]["mode"], answer["totals"]["unused_params"]) == ("train", [])


@needs("torch")
def test_training_is_estimated_from_the_graph_that_is_trained(net: str) -> None:
    given = ("summary", net, "--input", "3x9x9", "--optimizer", "sgd")
    assert ", train mode\n" in run(*given, warm="torch").stdout
    assert ", train mode\n" not in run(*given, "--mode", "eval", warm="torch").stdout
    # One pixel is left of 8x8, which BatchNorm doesn't train on.
    done = run("summary", net, "--input", "3x8x8", "--optimizer", "sgd", warm="torch")
    assert (done.returncode, ", train mode" in done.stdout, "Training, sgd" in done.stdout) == (0, False, True)
    assert done.stderr.startswith("note: training is estimated from the graph in eval mode, as train mode fails: Net: ")
    assert done.stderr.endswith("larger batch: --batch 2\n")
    asked = run("summary", net, "--input", "3x8x8", "--mode", "train", warm="torch")
    assert (asked.returncode, asked.stdout, asked.stderr.count("\n")) == (4, "", 1)
    larger = run("summary", net, "--input", "3x8x8", "--optimizer", "sgd", "--batch", "2", warm="torch")
    assert larger.stderr == ""
    # An input that fits in neither mode is told as in use.
    assert "train" not in run("summary", net, "--input", "4x9x9", "--optimizer", "sgd", warm="torch").stderr


@needs("torch")
def test_detection_without_targets_is_one_message() -> None:
    done = run("summary", "torch:fasterrcnn_mobilenet_v3_large_320_fpn", "--mode", "train", warm="torch")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert "In training, the model reads targets beside its images" in done.stderr


def test_what_has_no_mode_refuses_it(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(local("summary", "resnet18", "--format", "json").stdout)
    saved = local("summary", str(path), "--mode", "train")
    assert (saved.returncode, saved.stdout) == (2, "")
    assert "--mode builds a model" in saved.stderr
    native = run("summary", "torch:resnet18", "--mode", "train", "--format", "native", warm="torch")
    assert (native.returncode, native.stdout) == (2, "")
    assert "--mode train does not apply to --format native" in native.stderr


def test_help_names_the_modes() -> None:
    for command in ("summary", "residual", "compare", "diff", "check", "sweep"):
        assert "--mode [eval|train]" in local(command, "--help").stdout, command
