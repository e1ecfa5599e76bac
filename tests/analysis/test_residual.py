"""Residual blocks, depth and paths."""

from __future__ import annotations

import json
from math import comb
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import ir_json
from resnet_inspect.analysis.graph import Dominators
from resnet_inspect.analysis.paths import paths
from resnet_inspect.analysis.residual import common_path, residual_blocks
from resnet_inspect.blocks.networks import names
from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.ir import Layer, Model, Summary, Tensor
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local.reader import summarize, summarize_block
from resnet_inspect.readers.request import Request
from tests.support.command import SCHEMA, document, in_child, local
from tests.support.structure import check_structure

IMAGE = Tensor((1, 8, 16, 16), "float32", "NCHW")


@pytest.mark.parametrize(
    ("flavor", "name"), [(flavor, name) for flavor in ("torch", "keras") for name in names(flavor)]
)
def test_every_local_network_is_as_its_architecture_says(flavor: str, name: str) -> None:
    check_structure(name, summarize(Request(name, flavor=flavor)).summary)


def block_of(**settings: object) -> dict[str, object]:
    """What the one block of a specification is found to be."""
    request = Request("block", Shapes(((24, 24, 8),)), layout="NHWC")
    summary = summarize_block(BlockSpec(**settings), request).summary  # type: ignore[arg-type]
    (block,) = residual_blocks(summary)
    return {"form": block.form, "kind": block.kind, "stride": block.stride, "channels": block.channels} | {
        "skipped": block.skipped,
        "breaks": block.breaks,
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("basic", "identity", 1, (8, 8), 2, ("relu after the addition",))),
        ({"kind": "bottleneck"}, ("bottleneck", "identity", 1, (8, 8), 3, ("relu after the addition",))),
        ({"kind": "preactivation"}, ("pre-activation", "identity", 1, (8, 8), 2, ())),
        (
            {"filters": 16, "stride": 2},
            ("basic", "projection", 2, (8, 16), 1, ("projection on the shortcut", "relu after the addition")),
        ),
        (
            {"kind": "preactivation", "filters": 16, "stride": 2},
            ("pre-activation", "projection", 2, (8, 16), 1, ("projection on the shortcut",)),
        ),
    ],
)
def test_the_form_of_a_block(settings: dict[str, object], expected: tuple[object, ...]) -> None:
    assert tuple(block_of(**settings).values()) == expected


def network(*layers: tuple[str, str, str]) -> Summary:
    """Layers as (id, op, what it reads), all of one shape."""
    made = [
        Layer(name, name, op, op, tuple(reads.split()), (IMAGE,) * len(reads.split()), (IMAGE,))
        for name, op, reads in [("x", "input", ""), *layers]
    ]
    return Summary(Model("m", "torch", "b"), (IMAGE,), (IMAGE,), tuple(made))


@pytest.mark.parametrize(
    ("on_the_shortcut", "word"),
    [
        *((word, "dropout on the shortcut") for word in ("dropout", "feature_dropout")),
        *[("mul", "scaling on the shortcut"), ("pad", "padding on the shortcut")],
    ],
)
def test_what_stands_on_a_shortcut_is_told(on_the_shortcut: str, word: str) -> None:
    """He et al. 2016, table 1: dropout and scaling on the shortcut."""
    found = residual_blocks(network(("a", "conv2d", "x"), ("s", on_the_shortcut, "x"), ("sum", "add", "a s")))
    assert [(block.kind, block.breaks) for block in found] == [("other", (word,))]


@pytest.mark.parametrize(
    "layers",
    [
        [("a", "conv2d", "x"), ("b", "relu", "x"), ("sum", "add", "a b")],  # the other side isn't linear
        [("a", "relu", "x"), ("sum", "add", "a x")],  # no weights at all
        [("a", "conv2d", "x"), ("b", "conv2d", "x"), ("c", "conv2d", "b"), ("d", "conv2d", "a"), ("sum", "add", "c d")],
        [("a", "conv2d", "x"), ("gate", "mul", "a x")],  # a product
        [("table", "other", ""), ("a", "conv2d", "x"), ("sum", "add", "a table")],  # a parameter is added
        [("a", "conv2d", "x"), ("sum", "add", "a a")],  # to itself
    ],
)
def test_what_is_no_residual_block(layers: list[tuple[str, str, str]]) -> None:
    assert residual_blocks(network(*layers)) == ()


def test_a_norm_after_the_addition_breaks_the_identity_only_if_a_block_starts_from_it() -> None:
    """A transformer that normalises after adding (Vaswani et al. 2017) has no identity from block to block."""
    after = network(
        ("a", "dense", "x"),
        ("b", "dense", "a"),
        ("sum", "add", "b x"),
        ("n", "layer_norm", "sum"),
        ("c", "dense", "n"),
        ("d", "dense", "c"),
        ("sum2", "add", "d n"),
        ("n2", "layer_norm", "sum2"),
    )
    assert [block.breaks for block in residual_blocks(after)] == [("layer_norm after the addition",), ()]


def test_a_skip_around_other_blocks_is_a_block_of_another_form() -> None:
    nested = network(
        ("a", "conv2d", "x"),
        ("b", "conv2d", "a"),
        ("inner", "add", "b x"),
        ("c", "conv2d", "inner"),
        ("outer", "add", "c x"),
    )
    # Three weighted layers are skipped by the outer shortcut, two by the inner one.
    assert [(block.join, block.form, block.skipped) for block in residual_blocks(nested)] == [
        ("inner", "other", 2),
        ("outer", "other", 3),
    ]


def test_paths_by_hand() -> None:
    """Two blocks of two and one convolutions after a stem: 1 + 2 + 1 layers at most, 1 at least, 4 paths."""
    summary = network(
        ("stem", "conv2d", "x"),
        ("a", "conv2d", "stem"),
        ("b", "conv2d", "a"),
        ("one", "add", "b stem"),
        ("c", "conv2d", "one"),
        ("two", "add", "c one"),
    )
    blocks = residual_blocks(summary)
    found = paths(summary, {(block.branch[-1], block.join) for block in blocks})
    assert (found.longest, found.shortest, found.count) == (4, 1, 4)
    assert found.by_blocks == (1, 2, 1)
    # 1: none entered; 2: the second; 3: the first; 4: both
    assert found.by_layers == (0, 1, 1, 1, 1)


def test_a_gate_is_no_path_of_its_own_and_a_concatenation_is() -> None:
    gate = network(("a", "conv2d", "x"), ("g", "sigmoid", "a"), ("m", "mul", "g x"))
    assert paths(gate, ()).count == 1
    both = network(("a", "conv2d", "x"), ("c", "concat", "a x"))
    assert paths(both, ()).by_layers == (1, 1)


def test_a_thousand_blocks_are_counted_exactly() -> None:
    layers = []
    for index in range(1000):
        before = f"sum{index - 1}" if index else "x"
        layers += [(f"c{index}", "conv2d", before), (f"sum{index}", "add", f"c{index} {before}")]
    summary = network(*layers)
    blocks = residual_blocks(summary)
    found = paths(summary, {(block.branch[-1], block.join) for block in blocks})
    assert found.count == 2**1000
    assert found.by_layers == found.by_blocks == tuple(comb(1000, entered) for entered in range(1001))


def test_lengths_of_too_many_paths_are_not_counted_and_their_number_is() -> None:
    layers = []
    for index in range(2100):
        before = f"sum{index - 1}" if index else "x"
        layers += [(f"c{index}", "conv2d", before), (f"sum{index}", "add", f"c{index} {before}")]
    found = paths(network(*layers), ())
    assert (found.count, found.longest, found.shortest) == (2**2100, 2100, 0)
    # As many numbers of as many bits take the square of it, in time and in memory.
    assert found.by_layers == found.by_blocks == ()


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=3), max_size=24))
def test_dominators_are_what_every_path_passes(choices: list[list[int]]) -> None:
    inputs: dict[str, list[str]] = {"0": []}
    for index, picks in enumerate(choices, start=1):
        inputs[str(index)] = sorted({str(pick % index) for pick in picks})
    passed: dict[str, set[str]] = {}
    for name, sources in inputs.items():
        # The definition: on all paths are those that are on all paths to every source, and the layer itself.
        shared = set.intersection(*(passed[source] for source in sources)) if sources else set()
        passed[name] = shared | {name}
    tree = Dominators(inputs)
    for name in inputs:
        above = passed[name] - {name}
        assert tree.of(name) == (max(above, key=int) if above else None)


def test_where_a_block_stands() -> None:
    assert common_path(["layer1.0.conv1", "layer1.0.downsample.0", "layer1.0.add"]) == "layer1.0"
    assert common_path(["conv2_block1_1_conv", "conv2_block1_0_bn", "conv2_block1_add"]) == "conv2_block1"
    assert common_path(["conv", "add"]) == ""


def test_the_command(tmp_path: Path) -> None:
    saved = tmp_path / "net.json"
    saved.write_text(ir_json.dumps(summarize(Request("resnet50")).summary))
    found = document("residual", str(saved))
    jsonschema.validate(found, json.loads(SCHEMA.with_name("residual-1.schema.json").read_text()))
    assert found == document("residual") | {"model": found["model"]}
    assert found["network"]["paths"] == 2**16
    # 64 x 256 + 9 x 64 x 64 + 64 x 64 convolution weights and a pair for each of 64 + 64 + 256 normalised channels
    first, second = found["blocks"][:2]
    assert second["params"] == 256 * 64 + 9 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256)
    assert first["params"] == 64 * 64 + 9 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256) + 64 * 256 + 2 * 256
    assert second["macs"] == 56 * 56 * (256 * 64 + 9 * 64 * 64 + 64 * 256)
    assert second["macs_share"] == second["macs"] / 4_089_184_256
    text = local("residual", str(saved)).stdout
    assert "50 weighted layers on the longest path, 6 on the shortest" in text
    assert "2^16 = 65,536" in text
    assert "3 of 50 weighted layers (6.0 %)" in text
    assert local("residual", str(saved), "--format", "csv").stdout.count("\n") == 1 + 16
    assert local("residual", str(saved), "--format", "markdown").stdout.startswith("| Block | Form |")
    none = document("residual", "--arg", "num_classes=10", "resnet18")
    assert none["network"]["residual_blocks"] == 8


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["resnt50"], 3, "did you mean resnet50"),
        (["{file}", "--batch", "2"], 2, "--batch builds a model"),
        (["missing.json"], 3, "No such file"),
    ],
)
def test_bad_requests(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    saved = tmp_path / "net.json"
    saved.write_text(ir_json.dumps(summarize(Request("resnet18")).summary))
    done = local("residual", *(argument.format(file=saved) for argument in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


@in_child("torch")
def test_a_module_without_names_to_share() -> None:
    """Blocks are found by edges: names, containers and the order of operands don't matter."""
    import torch
    from torch import nn

    from resnet_inspect import summarize as summarize_module

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.unrelated = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kept = x
            x = torch.relu(self.first(x))
            x = self.unrelated(x)
            return torch.add(kept, x)

    (block,) = residual_blocks(summarize_module(Net(), "3x8x8"))
    assert (block.fork, block.join, block.kind, block.form) == ("input", "add", "identity", "basic")


def test_what_else_stands_on_a_projection_is_told() -> None:
    """A pool before the 1x1 convolution (He et al. 2018, "Bag of tricks", figure 2 c)."""
    branch = [("a", "conv2d", "x"), ("b", "conv2d", "a")]
    summary = network(*branch, ("p", "avg_pool2d", "x"), ("q", "conv2d", "p"), ("sum", "add", "b q"))
    (block,) = residual_blocks(summary)
    assert (block.kind, block.breaks) == ("projection", ("projection on the shortcut", "avg_pool2d on the shortcut"))


def test_a_long_distribution_says_where_lengths_are_left_out() -> None:
    from resnet_inspect.render.report.residual import _distribution

    assert _distribution(tuple(range(1, 9))) == "0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8"
    # Between 2 and 3 nothing is hidden.
    assert _distribution(tuple(range(1, 10))) == "0: 1, 1: 2, 2: 3, 3: 4, 4: 5, ..., 7: 8, 8: 9"
    assert _distribution(tuple([1] * 20)) == "0: 1, 1: 1, 2: 1, ..., 9: 1, 10: 1, ..., 18: 1, 19: 1"
