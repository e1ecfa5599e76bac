"""``fit``: its answer, its documents, and what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from resnet_inspect import ir_json
from resnet_inspect.analysis.batches import batch_of, is_list
from resnet_inspect.cli.commands.fit import _at_twice
from resnet_inspect.errors import BadRequestError
from resnet_inspect.ir import Model, Summary, Tensor
from resnet_inspect.readers import Request
from resnet_inspect.readers.inputs import read_inputs
from resnet_inspect.readers.local.reader import summarize
from tests.support.command import SCHEMA, document, local, needs, run

WEIGHTS = 4 * 25_557_032


def test_inference_by_arithmetic() -> None:
    found = document("fit", "resnet50", "--memory", "8GiB")
    jsonschema.validate(found, json.loads(SCHEMA.with_name("fit-1.schema.json").read_text()))
    assert found["fits"] is True
    assert found["batch"] == 1
    # Of outputs, the most is alive at the first shortcut: 64 and two times 256 channels of 56x56, and its input.
    outputs, image = 4 * 56 * 56 * (64 + 256 + 256), 4 * 3 * 224 * 224
    statistics = found["parts"]["statistics"]
    assert statistics == 4 * 53_120
    assert found["parts"]["weights"] == WEIGHTS
    assert found["peak_bytes"] == WEIGHTS + statistics + image + found["parts"]["outputs"]
    assert found["parts"]["outputs"] <= outputs + 4 * 64 * 112 * 112
    assert found["peak_at"]["phase"] == "forward"
    assert found["training"] is None
    # One more image adds the same again, and one more than the largest batch is too much.
    one = found["parts"]["outputs"] + image
    room = 8 * 2**30 - WEIGHTS - statistics
    assert found["largest_batch"] == room // one
    low, high = found["beside_bytes"]
    assert 0 < low < high
    assert found["largest_batch_beside"] < found["largest_batch"]


def test_training_holds_what_the_optimizer_keeps() -> None:
    found = document("fit", "resnet18", "--memory", "24GiB", "--optimizer", "adam", "--batch", "8")
    jsonschema.validate(found, json.loads(SCHEMA.with_name("fit-1.schema.json").read_text()))
    assert found["parts"]["optimizer_states"] == 2 * found["parts"]["weights"]
    phases = [step[0] for step in found["timeline"]["steps"]]
    assert phases == sorted(phases, key=["forward", "backward", "optimizer"].index)
    lives = [sum(step[2:]) for step in found["timeline"]["steps"]]
    assert max(lives) == found["peak_bytes"] == sum(found["parts"].values())
    assert found["training"]["optimizer"] == "adam"
    assert [each["options"] for each in found["helps"]]
    assert all(each["peak_bytes"] < found["peak_bytes"] for each in found["helps"])
    # What is offered gives what it says.
    best = next(each for each in found["helps"] if "--amp" in each["options"])
    again = document(
        "fit", "resnet18", "--memory", "24GiB", "--optimizer", "adam", "--batch", "8", *best["options"].split()
    )
    assert again["peak_bytes"] == best["peak_bytes"]


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    options = ["resnet18", "--memory", "2GiB", "--train"]
    largest = document("fit", *options)["largest_batch"]
    assert document("fit", *options, "--batch", str(largest))["fits"] is True
    done = local("fit", *options, "--batch", str(largest + 1), "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["fits"] is False


def test_the_answer_stands_in_the_first_line() -> None:
    done = local("fit", "resnet50", "--memory", "64MiB")
    assert done.returncode == 1
    assert done.stdout.startswith("Doesn't fit: 108 MiB of 64.0 MiB at batch 1; not even a batch of 1 fits.\n")
    done = local("fit", "resnet50", "--device", "RTX 4090", "--format", "markdown")
    assert done.returncode == 0
    answer = r"\*\*Fits: 108 MiB of 24\.0 GiB at batch 1; the largest batch that fits is [0-9,]+ to [0-9,]+\.\*\*\n"
    assert re.match(answer, done.stdout)
    assert "Least time: at least 0." in done.stdout
    assert "Ada GPU architecture whitepaper" in done.stdout


def test_the_first_line_says_how_far_the_answer_is_known() -> None:
    memory = 4 * 2**30
    found = document("fit", "resnet18", "--memory", str(memory))
    low, high = found["largest_batch_beside"], found["largest_batch"]
    for batch, begins in ((low, "Fits"), (low + 1, "May fit"), (high, "May fit"), (high + 1, "Doesn't fit")):
        done = local("fit", "resnet18", "--memory", str(memory), "--batch", str(batch))
        assert done.stdout.startswith(f"{begins}: "), batch
        assert f"the largest batch that fits is {low:,} to {high:,}.\n" in done.stdout
        assert done.returncode == (batch > high)


def test_what_did_not_run_is_not_known_to_fit(tmp_path: Path) -> None:
    offsets = {"a.weight": [0, 64], "b.weight": [64, 128]}
    tensors = {name: {"dtype": "F32", "shape": [4, 4], "data_offsets": place} for name, place in offsets.items()}
    header = json.dumps(tensors).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(128))
    for options in ([], ["--train", "--frozen", "a"]):
        done = local("fit", str(path), "--memory", "1GiB", "--strict", *options)
        assert done.returncode == 5
        assert done.stdout.startswith("Not known whether it fits: at least 128 B of 1.00 GiB at batch 1.\n")
    assert local("fit", str(path), "--memory", "127").returncode == 1


def test_any_batch_fits_into_enough() -> None:
    found = document("fit", "resnet18", "--memory", "1" + 30 * "0")
    assert found["largest_batch"] is None
    assert found["largest_batch_unknown"] == "even a batch of 1,099,511,627,776 fits"


@pytest.mark.parametrize(
    ("texts", "doubled"),
    [
        (["5x3x8x8"], ["10x3x8x8"]),
        (["5x7:int64", "mask=5x7:bool"], ["10x7:int64", "mask=10x7:bool"]),
    ],
)
def test_twice_the_batch_of_inputs_with_one(texts: list[str], doubled: list[str]) -> None:
    inputs = (Tensor((5, 3, 8, 8) if len(texts) == 1 else (5, 7), "float32"),)
    summary = Summary(Model("toy", "torch", "toy"), inputs, (), ())
    found = _at_twice(Request("toy", inputs=read_inputs(texts)), summary)
    assert (found.inputs, found.batch) == (read_inputs(doubled), None)


def test_an_input_without_the_batch_has_no_twice() -> None:
    summary = Summary(Model("toy", "torch", "toy"), (Tensor((5, 7), "int64"), Tensor((7,), "int64")), (), ())
    with pytest.raises(BadRequestError, match="input 7:int64 doesn't begin with a batch of 5"):
        _at_twice(Request("toy", inputs=read_inputs(["5x7:int64", "7:int64"])), summary)


def test_a_list_of_images_has_no_batch() -> None:
    images = (Tensor((3, 8, 8), "float32", "CHW"),) * 2
    summary = Summary(Model("toy", "torch", "toy"), images, (), ())
    assert is_list(summary)
    assert batch_of(summary) == 2
    assert batch_of(Summary(Model("toy", "torch", "toy"), (Tensor((4, 3), "float32"),), (), ())) == 4


def test_a_saved_summary_is_of_one_batch(tmp_path: Path) -> None:
    saved = tmp_path / "a.json"
    assert local("summary", "resnet18", "--batch", "4", "-o", str(saved)).returncode == 0
    found = document("fit", str(saved), "--memory", "1GiB")
    assert (found["batch"], found["largest_batch"]) == (4, None)
    assert "one batch" in found["largest_batch_unknown"]
    assert "n/a: a saved summary is of one batch" in local("fit", str(saved), "--memory", "1GiB").stdout


def test_a_summary_saved_in_eval_mode_is_told_so(tmp_path: Path) -> None:
    for mode, note in (("eval", "note: training is estimated from the graph in eval mode"), ("train", "")):
        saved = tmp_path / f"{mode}.json"
        assert local("summary", "resnet18", "--mode", mode, "-o", str(saved)).returncode == 0
        done = local("fit", str(saved), "--memory", "1GiB", "--train")
        assert done.stderr.startswith(note)
        assert bool(done.stderr) == bool(note)
        assert local("fit", str(saved), "--memory", "1GiB").stderr == ""


def test_the_input_and_the_adapters_are_named() -> None:
    said = local("fit", "resnet18", "--memory", "8GiB", "--lora", "8").stdout
    assert re.search(r"^Input +32x3x224x224 float32$", said, re.MULTILINE)
    assert "adapters of rank 8 on fc, as torch does it" in said


def test_a_batch_may_stand_in_the_input() -> None:
    found = document("fit", "resnet18", "--memory", "1GiB", "--input", "3x3x224x224")
    assert found["batch"] == 3
    assert found["largest_batch"] == document("fit", "resnet18", "--memory", "1GiB")["largest_batch"]


def test_ones_own_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("resnet-inspect.toml").write_text('[devices.lab]\nmemory = "96MiB"\nbandwidth = "1GB/s"\n')
    done = local("fit", "resnet18", "--device", "lab")
    assert done.returncode == 0
    assert done.stdout.startswith("Fits: ")
    assert "of lab" in done.stdout
    Path("resnet-inspect.toml").write_text('[devices.lab]\nmemroy = "96MiB"\n')
    done = local("fit", "resnet18", "--device", "lab")
    assert done.returncode == 2
    assert "devices.lab: no such setting: memroy. Did you mean memory?" in done.stderr
    Path("resnet-inspect.toml").write_text('[devices.lab]\nmemory = "96MiB"\npeaks = { bf61 = "1T" }\n')
    done = local("fit", "resnet18", "--device", "lab")
    assert done.returncode == 2
    assert done.stderr == "error: device lab: no such peak: bf61. Did you mean bf16?\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "rtx-4091"], "no such device: 'rtx-4091'; did you mean rtx-4090"),
        (["--memory", "0"], "'0' is not an amount of memory"),
        (["--memory", "8 G B"], "'8 G B' is not an amount of memory"),
        (
            ["--memory", "1GiB", "--checkpoint", "layr1*"],
            "--checkpoint 'layr1*' matches no module; did you mean layer1?",
        ),
        (["--memory", "1GiB", "--frozen", "#"], "--frozen '#' matches no module"),
        (["--memory", "1GiB", "--frozen", "*"], "--frozen '*' leaves nothing to train"),
        (["--memory", "1GiB", "--frozen", ""], "--frozen '' matches no module"),
        # The addition is a layer of its module, and can't be computed again by itself.
        (["--memory", "1GiB", "--checkpoint", "*.add"], "--checkpoint '*.add' matches no module"),
        (["--memory", "1GiB", "--lora-layers", "fc"], "give their rank, --lora 8"),
        (
            ["--memory", "1GiB", "--amp", "bf16", "--dtype", "bfloat16"],
            "--amp casts float32, and local:resnet50 holds bfloat16",
        ),
        ([], "this machine has no GPU to fit into: add --memory 8GiB"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments: list[str], words: str) -> None:
    done = local("fit", *arguments, env={"CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_what_nobody_trains_has_no_step(tmp_path: Path) -> None:
    found = summarize(Request("resnet18")).summary
    layers = tuple(
        replace(layer, parameters=tuple(replace(p, role="frozen") for p in layer.parameters if p.role == "trainable"))
        for layer in found.layers
    )
    saved = tmp_path / "frozen.json"
    saved.write_text(ir_json.dumps(replace(found, layers=layers)))
    for options in (["--train"], ["--amp", "bf16"], ["--optimizer", "sgd"]):
        done = local("fit", str(saved), "--memory", "1GiB", *options)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr.endswith(
            "nothing to train: all of its weights (float32) are frozen; leave --train and its options out\n"
        )
    assert local("fit", str(saved), "--memory", "1GiB").returncode == 0
    assert local("fit", str(saved), "--memory", "1GiB", "--lora", "8").returncode == 0


@needs("torch")
def test_int8_is_not_trained() -> None:
    asked = ("torch:quantized_resnet18", "--arg", "quantize=true", "--memory", "1GiB")
    done = run("fit", *asked, "--train", "--amp", "bf16", warm="torch")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "has nothing to train: all of its weights (float32 and qint8) are frozen" in done.stderr


def test_the_json_of_a_summary_has_the_step_too(tmp_path: Path) -> None:
    found = document("summary", "resnet18", "--optimizer", "adam", "--batch", "8")
    jsonschema.validate(found, json.loads(SCHEMA.with_name("summary-2.schema.json").read_text()))
    alone = document("fit", "resnet18", "--memory", "1GiB", "--optimizer", "adam", "--batch", "8")
    assert found["training"] == {key: alone[key] for key in found["training"]}
    # It is read back as the same summary, without what follows from it.
    saved = tmp_path / "a.json"
    saved.write_text(json.dumps(found))
    again = document("summary", str(saved))
    assert again == {**{key: value for key, value in found.items() if key != "training"}, "schema_version": 1}
    assert again == document("summary", "resnet18", "--mode", "train", "--batch", "8")
