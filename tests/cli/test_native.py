"""``--format native``: the frameworks' own words, and that our rows agree with them."""

from __future__ import annotations

import re

import pytest

from tests.support.command import document, local, needs, run


@needs("torch")
def test_torchs_own_words() -> None:
    done = run("summary", "torch:resnet18", "--input", "3x64x96", "--format", "native", warm="torch")
    assert (done.returncode, done.stderr) == (0, "")
    printed, table = done.stdout.split("-" * 64, 1)
    assert printed.startswith("ResNet(\n  (conv1): Conv2d(3, 64, kernel_size=(7, 7)")
    assert "Total params: 11,689,512" in table
    rows = re.findall(r"^ *([A-Z]\w*)-[0-9]+ +\[-1, ([0-9, ]+)\] +([0-9,]+)$", table, re.MULTILINE)
    theirs = [
        (kind, [int(size) for size in shape.split(",")], int(params.replace(",", "")))
        for kind, shape, params in rows
        if kind != "BasicBlock"
    ]
    ours = [
        (layer["type"], layer["output_shapes"][0][1:], layer["params"])
        for layer in document("summary", "torch:resnet18", "--input", "3x64x96", warm="torch")["layers"]
        if layer["op"] not in ("input", "add", "flatten")
    ]
    assert ours == theirs


@needs("tensorflow")
def test_keras_own_words_are_never_cut() -> None:
    done = run("summary", "keras:ResNet50V2", "--format", "native", warm="keras")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Total params: 25,613,800" in done.stdout
    assert "…" not in done.stdout
    rows = re.findall(
        r"^│ (\S+) \((\w+)\) +│ \(None, ([0-9, ]+)\) +│ +([0-9,]+) │ (\S.*?) +│$", done.stdout, re.MULTILINE
    )
    theirs = {
        name: (kind, [int(size) for size in shape.split(",")], int(params.replace(",", "")), connected)
        for name, kind, shape, params, connected in rows
    }
    ours = {
        layer["id"].replace("input", "input_layer"): (
            layer["type"],
            layer["output_shapes"][0][1:],
            layer["params"],
            ", ".join(f"{source}[0][0]".replace("input[", "input_layer[") for source in layer["inputs"]) or "-",
        )
        for layer in document("summary", "keras:ResNet50V2", warm="keras")["layers"]
    }
    assert ours == theirs


@pytest.mark.parametrize(
    "backend", [pytest.param(b, marks=needs(f)) for b, f in (("torch", "torch"), ("keras", "tensorflow"))]
)
def test_the_tutorials_block_in_both(backend: str) -> None:
    done = run("block", "--backend", backend, "--format", "native", warm=backend)
    total = {"torch": "Total params: 180", "keras": "Total params: 192"}[backend]
    assert total in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["summary"], ["block"]])
def test_the_local_backend_has_no_words_of_its_own(arguments: list[str]) -> None:
    done = local(*arguments, "--format", "native")
    assert (done.returncode, done.stdout) == (2, "")
    assert "keras" in done.stderr


@needs("torch")
def test_models_that_torchsummary_cannot_take() -> None:
    done = run("summary", "torch:ssdlite320_mobilenet_v3_large", "--format", "native", warm="torch")
    assert (done.returncode, done.stdout) == (3, "")
    assert "torchsummary" in done.stderr
