"""What somebody types who hasn't read anything: it works, or the answer says what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_inspect.render.columns import COLUMNS
from tests.support.command import document, local, needs, run


def test_without_a_command_there_is_help() -> None:
    done = local()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: resnet-inspect")


@needs("torch")
@needs("tensorflow")
def test_a_bare_name_of_one_library_is_taken_and_said() -> None:
    done = local("summary", "swin_t", "--format", "json")
    assert (done.returncode, done.stderr) == (
        0,
        "note: swin_t is taken as torch:swin_t, the only library here that has it\n",
    )
    assert '"name": "swin_t"' in done.stdout
    several = local("summary", "vgg16")
    assert (several.returncode, several.stdout) == (2, "")
    assert several.stderr == "error: vgg16 is a model of several libraries: name it torch:vgg16 or keras:VGG16\n"
    assert local("summary", "resnet50").stderr == ""


@needs("torch")
@pytest.mark.parametrize("prefix", ["torch", "pytorch", "torchvision"])
def test_a_backend_has_the_names_that_people_give_it(prefix: str) -> None:
    assert document("summary", f"{prefix}:resnet18", warm="torch")["model"]["name"] == "resnet18"


@needs("keras_hub")
def test_a_library_has_its_packages_name() -> None:
    said = [run("summary", f"{name}:ResNetBackbne", warm="keras_hub").stderr for name in ("keras_hub", "keras-hub")]
    assert said[0] == said[1]
    assert "keras_hub has no model 'ResNetBackbne'; did you mean ResNetBackbone" in said[1]


@needs("torch")
@pytest.mark.parametrize("name", ["torch", "pytorch", "TorchVision"])
def test_so_it_has_as_an_option(name: str) -> None:
    assert document("summary", "resnet18", "--backend", name, warm="torch")["model"]["backend"] == "torch"
    assert run("block", "--backend", name, warm="torch").returncode == 0
    assert local("models", "resnet18", "--backend", name).stdout.split()[-1] == "torch:resnet18"


@needs("torch")
def test_so_it_has_for_doctor() -> None:
    assert local("doctor", "TorchVision").returncode == 0


@needs("torch")
def test_a_name_that_no_library_has_is_answered_with_those_it_stands_in() -> None:
    said = local("summary", "efficientnet").stderr
    assert "did you mean torch:efficientnet_b0 or torch:efficientnet_b1 or torch:efficientnet_b2?" in said


@pytest.mark.parametrize(("words", "first"), [([], "[OPTIONS] COMMAND"), (["diff"], "diff [OPTIONS] OLD [NEW]")])
def test_help_is_a_word_too(words: list[str], first: str) -> None:
    done = local("help", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: resnet-inspect {first}")
    assert done.stdout == local(*words, "--help").stdout


def test_top_without_an_order_says_which_rows_it_shows() -> None:
    done = local("summary", "resnet18", "--top", "3")
    assert done.stderr == "note: --top without --sort shows the first rows: --sort macs --top 3 shows the largest\n"
    assert local("summary", "resnet18", "--top", "3", "--sort", "macs").stderr == ""


@needs("tensorflow")
@pytest.mark.parametrize("prefix", ["keras", "tensorflow", "tf"])
def test_so_has_keras(prefix: str) -> None:
    assert document("summary", f"{prefix}:ResNet50", warm="keras")["totals"]["params"] == 25_636_712


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["summary", "--input", "3x"], 2, "'3x' is not a shape: a size is missing beside an x; try 3x224x224"),
        (["summary", "--input", "3xx224"], 2, "a size is missing"),
        (["summary", "--input=x3x224"], 2, "a size is missing"),
        (["check", "resnet50", "--max-params", "25MiB"], 2, "'25MiB' is a number of bytes, and this is a count"),
        (["check", "resnet50", "--max-params", "25MB"], 2, "is a number of bytes"),
        (["summary", "--columns", "nope"], 2, "no such column: 'nope'; did you mean op?"),
        (["summary", "--only", "layr3"], 2, "no layer matches 'layr3'; did you mean layer3?"),
        (["summary", "--only", "layer9.*"], 2, "did you mean layer"),
        (
            ["summary", "--only", "zzz"],
            2,
            "paths start with input, conv1, bn1, relu, maxpool, layer1, layer2, ",
        ),
        (
            ["summary", "resnet"],
            3,
            "no such model: 'resnet'; did you mean resnet18 or resnet34 or resnet50?",
        ),
        (["summary", "https://example.org/x.onnx"], 2, "is an address, and nothing is fetched: download the file"),
        (["summary", "resnet17"], 3, "did you mean resnet1"),
        (
            ["summary", "zzz"],
            3,
            "'resnet-inspect models' lists what there is; a network of timm, transformers or keras-hub is named with",
        ),
        (["doctor", "jax"], 2, "'jax' is not one of"),
        (["summary", "--columns", "qqq"], 2, "more; all of them: --columns list"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(arguments: list[str], code: int, said: str) -> None:
    done = local(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_budget_of_billions_and_one_of_a_part_that_isnt_there() -> None:
    assert "25,557,032 of 100,000,000 parameters" in local("check", "resnet50", "--max-params", "0.1B").stdout
    wrong = local("check", "resnet50", "--max-params", "layr4=20M")
    assert "the model has no part layr4, so its budget can't be checked; did you mean layer4?" in wrong.stdout
    assert wrong.returncode != 0


def test_a_module_is_meant_with_all_inside() -> None:
    whole, pattern = (local("summary", "--only", only, "--format", "csv").stdout for only in ("layer3", "layer3.*"))
    assert whole == pattern
    assert "layer3.5.conv3" in whole
    assert local("summary", "--only", "layer", "--format", "csv").returncode == 2


def test_columns_are_listed_titles_do_and_one_can_be_added() -> None:
    listed = local("summary", "--columns", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(COLUMNS)
    assert not [line for line in listed if not line.rstrip().endswith(".")]
    head = local("summary", "--columns", "layer,Output shape, PARAMS", "--format", "csv").stdout.splitlines()[0]
    assert head == "path,output,params"
    added = local("summary", "resnet18", "--columns", "+rf").stdout.splitlines()[1]
    assert [cell.strip() for cell in added.split("│")[1:-1]][-2:] == ["Connected to", "RF"]


def test_models_are_found_by_a_part_of_their_name() -> None:
    found = local("models", "resnet1", "--backend", "local").stdout.split()
    assert [name for name in found if name.startswith("local:")] == [
        *("local:resnet18", "local:resnet101", "local:resnet152", "local:wide_resnet101_2")
    ]


@pytest.mark.parametrize(
    ("pattern", "helps"),
    [
        ("local", "models --backend local"),
        ("torchvision", "models --backend torch"),
        ("local:resnet1", "models resnet1 --backend local"),
        ("keras-hub:*Bert*", "models '*Bert*' --backend keras_hub"),
    ],
)
def test_a_backend_in_the_place_of_a_pattern_is_told_where_it_belongs(pattern: str, helps: str) -> None:
    done = local("models", pattern)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"matches {pattern!r}; of one backend: resnet-inspect {helps}\n")


@pytest.mark.parametrize("backend", ["local", pytest.param("torch", marks=needs("torch"))])
def test_a_block_says_how_its_shape_was_read(backend: str) -> None:
    def note(shape: str, *options: str) -> str:
        warm = "torch" if backend == "torch" else None
        done = run("block", "--backend", backend, "--shape", shape, *options, warm=warm)
        assert done.returncode == 0
        return done.stderr

    own, other, order = ("CHW", "HWC", "NHWC") if backend == "torch" else ("HWC", "CHW", "NCHW")
    assert note("17x31x8") == f"note: 17x31x8 was read as {own}; --layout {order} reads {other}\n"
    assert note("17x31x8", "--layout", order) == note("24x24x3") == ""
    assert note("24x24").startswith("note: input 24x24 has no channels and was completed: ")


@needs("torch")
def test_a_name_of_the_settings_stands_where_a_model_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\n\ndef net(width=4):\n    return nn.Conv2d(3, width, 1)\n")
    settings = '[models.backbone]\nmodel = "net.py:net"\ninputs = ["3x8x8", "3x9x9"]\nargs = { width = 5 }\n'
    (tmp_path / "resnet-inspect.toml").write_text(settings)
    (tmp_path / "below").mkdir()
    for folder in (tmp_path, tmp_path / "below"):
        monkeypatch.chdir(folder)
        summary = document("summary", "backbone", warm="torch")
        assert (summary["inputs"][0]["shape"], summary["totals"]["params"]) == ([1, 3, 8, 8], 5 * 3 + 5)
    assert "No difference" in run("diff", "backbone", "backbone", warm="torch").stdout
    refused = local("summary", "backbone", "--input", "3x7x7")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "error: the file of settings says how backbone is built: leave --input out\n"
    # A network of ours needs no file, whatever is wrong with the one above.
    (tmp_path / "resnet-inspect.toml").write_text("[")
    assert local("summary", "resnet18", "--format", "json").returncode == 0
