"""``explain`` as people use it: formats, errors, the quiz."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from resnet_inspect import ir_json
from tests.explain.formulas import value
from tests.support.command import SCHEMA, document, local, needs, run
from tests.support.toys import IMAGE, network, toy

EXPLAIN = json.loads(SCHEMA.with_name("explain-1.schema.json").read_text())


def test_a_layer_is_explained() -> None:
    done = local("explain", "resnet50", "layer2.0.conv2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "k_h*k_w*C_in*C_out/groups + bias = 3*3*128*128/1 + 0 = 147,456" in done.stdout
    assert "= floor((56 + 2*1 - 1*(3-1) - 1)/2) + 1 = 28" in done.stdout
    assert "k_h         height of the kernel" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["resnet50", "layer2.0.conv2"], "layer"),
        (["resnet50", "layer2.0.relu:2"], "layer"),
        (["resnet50", "layer2.0"], "module"),
        (["resnet50"], "network"),
        ([], "network"),
        (["resnet18", "resnet34"], "pair"),
        (["--family", "resnet"], "family"),
        (["--list-terms"], "terms"),
    ],
)
def test_json_has_everything(arguments: list[str], kind: str) -> None:
    found = document("explain", *arguments)
    jsonschema.validate(found, EXPLAIN)
    assert found["kind"] == kind
    for section in found["sections"]:
        for each in section["derivations"]:
            assert value(each["substituted"]) == each["result"]
    for output_format in ("table", "markdown"):
        text = local("explain", *arguments, "--format", output_format)
        assert (text.returncode, text.stderr) == (0, "")
        for section in found["sections"] if len(found["sections"]) > 1 else []:
            assert section["title"] in text.stdout


def test_markdown_has_formulas_that_github_draws() -> None:
    said = local("explain", "resnet50", "layer2.0.conv2", "--format", "markdown").stdout
    assert r"C_{\text{out}}/\text{groups} + \text{bias} = 3 \cdot 3 \cdot 128 \cdot 128/1 + 0 = 147{,}456`$" in said
    assert r"= \lfloor (56 + 2 \cdot 1 - 1 \cdot (3-1) - 1)/2 \rfloor + 1 = 28`$" in said


def test_files_are_explained(tmp_path: Path) -> None:
    saved = tmp_path / "net.json"
    local("summary", "resnet18", "-o", str(saved))
    assert "1 + 2*(2+2+2+2) + 1 = 18" in local("explain", str(saved)).stdout
    piped = local("explain", "-", "conv1", text=saved.read_text())
    assert "7*7*3*64/1 + 0 = 9,408" in piped.stdout
    output = tmp_path / "why.md"
    assert local("explain", "resnet18", "fc", "-o", str(output)).stdout == ""
    assert output.read_text().startswith("## fc (Linear) of local:resnet18\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["resnet50", "layer2.0.cnv2"],
            2,
            "is neither a layer of local:resnet50 nor a model; did you mean layer2.0.conv2",
        ),
        (
            ["resnet50", "zzz"],
            2,
            "'zzz' is neither a layer of local:resnet50 nor a model; resnet-inspect summary shows",
        ),
        (["resnet5"], 3, "resnet50"),
        (["resnet50", "no:such"], 3, "no such backend: 'no'"),
        (["--family", "resnets"], 2, "no such family: resnets. Did you mean resnet?"),
        (["resnet50", "--family", "resnet"], 2, "--family explains no layer and no other model: leave resnet50 out"),
        (["--family", "resnet", "--list-terms"], 2, "--family and --list-terms ask for two different things"),
        (["resnet50", "--quiz", "2", "--format", "json"], 2, "--quiz asks in the terminal"),
        (["resnet50", "-o", "x.pdf"], 2, "no format goes with this ending"),
    ],
)
def test_what_cant_be_explained(arguments: list[str], code: int, said: str) -> None:
    done = local("explain", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") <= 4  # click's own has its usage


def test_the_quiz_asks_and_explains() -> None:
    asked = local("explain", "resnet50", "--quiz", "3", text="")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("1 of 3: ")
    assert asked.stdout.endswith("Nothing was answered.\n")
    # The derivations after wrong answers are the right ones.
    wrong = local("explain", "resnet50", "--quiz", "3", text="1\nnonsense\n-3\n")
    answers = [line.rpartition(" = ")[2] for line in wrong.stdout.splitlines() if line.startswith(("Not", "No "))]
    assert len(answers) == 3
    assert wrong.stdout.endswith("0 of 3 right.\n")
    right = local("explain", "resnet50", "--quiz", "3", text="\n".join(answers))
    assert right.stdout.endswith("3 of 3 right.\n")
    assert right.stdout.count("Right: ") == 3
    other = local("explain", "resnet50", "--quiz", "3", "--seed", "1", text="")
    assert other.stdout != asked.stdout
    again = local("explain", "resnet50", "--quiz", "3", text="")
    assert again.stdout == asked.stdout
    many = local("explain", "resnet18", "--quiz", "1000", text="5\n")
    assert many.stdout.count("? 5") == 1
    assert many.stdout.endswith("of 1 right.\n")


def test_a_quiz_repeats_no_more_of_an_answer_than_it_can_show() -> None:
    asked = local("explain", "resnet50", "--quiz", "2", text="9" * 100_000 + "\n\x1b[31m")
    assert asked.returncode == 0
    assert asked.stdout.count("9" * 60) == 1
    assert len(asked.stdout) < 1000
    assert "\x1b" not in asked.stdout
    assert asked.stdout.endswith("0 of 2 right.\n")


def test_ascii_is_all_that_is_asked_for() -> None:
    for arguments in (["resnet34", "resnet50"], ["resnet50"], ["resnet50", "layer2.0"]):
        done = local("explain", *arguments, "--ascii")
        assert done.returncode == 0
        assert done.stdout.isascii()


def test_a_quiz_of_nothing() -> None:
    plain = ir_json.dumps(network(IMAGE, toy("y", "relu", "x")))
    done = local("explain", "-", "--quiz", "1", text=plain)
    assert (done.returncode, done.stdout) == (3, "")
    assert "so there is nothing to ask" in done.stderr


@needs("torch")
def test_code_and_torch_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self, stride=2):\n"
        "        super().__init__(nn.Conv2d(3, 8, 3, stride=stride, padding=1), nn.ReLU())\n"
    )
    done = run("explain", "net.py:Net", "0", "--input", "3x8x8", warm="torch")
    assert "Its stride of 2 makes the image smaller: 8x8 -> 4x4." in done.stdout
    assert "3*3*3*8/1 + 8 = 224" in done.stdout
    other = run("explain", "net.py:Net", "0", "--input", "3x8x8", "--arg", "stride=1", warm="torch")
    assert "Its stride" not in other.stdout
    assert "Padding 1 = 1*(3-1)/2 on each side keeps the size of the image, 8x8." in other.stdout
