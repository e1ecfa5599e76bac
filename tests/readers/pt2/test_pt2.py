"""Programs that torch.export wrote: read as text, in every layout of their archive, without torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnet_inspect.ir import Layer, Summary
from tests.support.command import document, loaded_by, local, needs, run
from tests.support.pt2_programs import graphs_of_today, summarized

pytestmark = needs("torch")


def called(summary: Summary) -> dict[str, Layer]:
    return {layer.id: layer for layer in summary.layers if layer.called}


@graphs_of_today
def test_an_exported_resnet50_is_the_live_one_layer_by_layer(folder: Path) -> None:
    exported = document("summary", str(folder / "resnet50.pt2"))
    live = document("summary", "--backend", "torch", "resnet50")
    assert exported["trace"]["method"] == "graph"
    for part in ("inputs", "outputs", "modules", "layers", "totals"):
        assert exported[part] == live[part]
    adds = [layer for layer in exported["layers"] if layer["op"] == "add"]
    assert len(adds) == 3 + 4 + 6 + 3
    assert all(len(set(layer["inputs"])) == 2 for layer in adds)
    assert adds[0]["inputs"] == ["layer1.0.bn3", "layer1.0.downsample.1"]


def test_an_exported_resnet50_has_its_numbers_whichever_torch_wrote_it(folder: Path) -> None:
    totals = summarized(folder / "resnet50.pt2").totals
    assert (totals.params, totals.macs, totals.statistics) == (25_557_032, 4_089_184_256, 53_120)
    assert (totals.trainable_params, totals.uncounted) == (25_557_032, ())


@graphs_of_today
def test_an_exported_resnet50_does_not_differ_from_the_live_one(folder: Path) -> None:
    done = run("diff", str(folder / "resnet50.pt2"), "torch:resnet50", warm="torch")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No difference")


def test_torch_is_not_imported(folder: Path) -> None:
    assert not {"torch", "numpy", "sympy"} & loaded_by("summary", str(folder / "tied.pt2"))


@graphs_of_today
def test_parameters_and_macs_are_those_of_the_arithmetic(folder: Path) -> None:
    two_layers = 2 * (8 * 8 + 8)
    lstm = 2 * 4 * 6 * (5 + 6 + 2) + 2 * 4 * 6 * (12 + 6 + 2)
    expected = {
        # Three projections and one more; each of two attentions has scores and a weighted sum, for 4 heads of 4.
        "attention": (4 * 16 * 16 + 4 * 16 + two_layers, 2 * 5 * 16 * 16 * 4 + 2 * 2 * (2 * 4 * 5 * 5 * 4)),
        "bfloat16": (4 * 27 + 4 + 8 + 10, 2 * 4 * 27 * 36 + 2 * 8),
        "dictionary": (two_layers, 2 * 2 * 64),
        "frozen": (two_layers, 2 * 2 * 64),
        # The outer product multiplies no matrices; x @ x.T does, with 6 + 7 features.
        "functions": (6 * 27 + 42 + two_layers, 2 * 6 * 27 * 64 + 2 * 42 + 2 * 13 * 2),
        "linear": (72, 2 * 64),
        "normalised": (5 + 20 + 5, 2 * 20),
        "recurrent": (
            lstm + 3 * 3 * (12 + 3 + 2) + two_layers,
            2 * 7 * (2 * 24 * (5 + 6) + 2 * 24 * (12 + 6) + 9 * (12 + 3)),
        ),
        "tied": (40 + two_layers, 2 * 3 * 40),
        # Each of the input's elements meets 4 kernels.
        "transposed": (3 * 4 * 9 + 4, 2 * 3 * 64 * 4 * 9),
    }
    for name, (params, macs) in expected.items():
        totals = summarized(folder / f"{name}.pt2").totals
        assert (totals.params, totals.macs, totals.uncounted) == (params, macs, ()), name


@graphs_of_today
def test_roles_and_sizes_of_weights_are_kept(folder: Path) -> None:
    totals = summarized(folder / "bfloat16.pt2").totals
    assert (totals.statistics, totals.param_bytes) == (8, 2 * totals.params)
    totals = summarized(folder / "frozen.pt2").totals
    assert (totals.trainable_params, totals.frozen_params) == (72, 72)
    assert totals.unused_params == ("fc2.weight", "fc2.bias")


def test_a_tied_weight_is_counted_once_and_its_second_use_is_marked(folder: Path) -> None:
    layers = called(summarized(folder / "tied.pt2"))
    assert list(layers) == ["input", "emb", "out"]
    assert (layers["emb"].params, layers["out"].params, layers["out"].shared) == (40, 0, ("emb.weight",))
    assert (layers["out"].type, layers["out"].op) == ("Linear", "dense")


@pytest.mark.parametrize("name", ["tied", "network"])
def test_every_layout_of_the_archive_says_the_same(folder: Path, name: str) -> None:
    new, old, between = (summarized(folder / f"{name}{end}.pt2") for end in ("", "_old", "_2_8"))
    assert new.layers == old.layers == between.layers
    assert new.modules == old.modules == between.modules
    assert dict(old.environment)["torch"] == "<=2.4"


def test_a_module_that_is_called_twice_is_two_layers(folder: Path) -> None:
    layers = called(summarized(folder / "twice.pt2"))
    assert {name: layer.inputs for name, layer in layers.items()} == {
        "input": (),
        "fc": ("input",),
        "act": ("fc",),
        "fc:2": ("act",),
        "act:2": ("fc:2",),
        "add": ("act:2", "input"),
    }


@graphs_of_today
def test_what_is_written_to_a_view_is_read_from_all_of_it(folder: Path) -> None:
    layers = called(summarized(folder / "in_place.pt2"))
    assert layers["fc2"].inputs == ("relu",)
    assert layers["relu"].attribute("inplace") is True


@needs("torch", "2.5")  # 2.4 can't export a region of autocast
def test_graphs_inside_of_a_program_are_opened(folder: Path) -> None:
    summary = summarized(folder / "wrapped.pt2")
    assert (summary.totals.params, summary.totals.macs, summary.totals.uncounted) == (2 * (64 + 8), 2 * 2 * 64, ())
    layers = called(summary)
    assert [(name, layer.inputs) for name, layer in layers.items()] == [
        ("input", ()),
        ("fc", ("input",)),
        ("fc2", ("fc",)),
        ("to", ("fc2",)),
        ("add", ("to", "fc")),
    ]


def test_graphs_of_which_only_one_runs_are_left_closed(folder: Path) -> None:
    summary = summarized(folder / "branches.pt2")
    assert (summary.totals.params, summary.totals.uncounted) == (144, ("cond",))


@graphs_of_today
def test_all_ways_of_exporting_count_the_same(folder: Path) -> None:
    network = summarized(folder / "network.pt2")
    assert list(called(network)) == ["input", "0", "1", "2", "3", "4", "5"]
    assert summarized(folder / "strict.pt2").layers == network.layers
    decomposed = summarized(folder / "decomposed.pt2")
    counts = [(s.totals.params, s.totals.statistics, s.totals.macs) for s in (network, decomposed)]
    # A filter of 3 x 3 x 3 at 6 x 6 places of 2 images makes each of 4 channels, of which 2 numbers are made.
    assert counts == [(4 * 27 + 4 + 8 + 10, 8, 2 * 4 * 27 * 36 + 2 * 4 * 2)] * 2
    assert [layer.op for layer in decomposed.layers] == [
        *("input", "conv2d", "batch_norm", "relu", "mean", "reshape", "dense"),
    ]


def test_inputs_and_outputs_have_the_names_and_types_of_the_program(folder: Path) -> None:
    summary = summarized(folder / "dictionary.pt2")
    assert [(layer.id, layer.output_tensors[0].shape) for layer in summary.layers[:2]] == [
        ("given_0_x", (2, 8)),
        ("given_0_y", (2, 8)),
    ]
    assert [tensor.shape for tensor in summary.outputs] == [(2, 8)]
    summary = summarized(folder / "tied.pt2")
    assert (summary.inputs[0].dtype, summary.outputs[0].shape) == ("int64", (2, 3, 10))
    assert summarized(folder / "network.pt2").inputs[0].layout == "NCHW"


def test_sizes_that_vary_are_those_of_the_example(folder: Path) -> None:
    done = local("summary", str(folder / "sizes_vary.pt2"), "--format", "json")
    assert "sizes_vary.pt2 takes other sizes, too" in done.stderr
    assert "2x3x12x8" in done.stderr
    found = json.loads(done.stdout)
    assert found["inputs"][0]["shape"] == [2, 3, 12, 8]
    assert found["totals"]["macs"] == 2 * 4 * 27 * 10 * 6 + 2 * 8


def test_what_depends_on_values_is_unknown_and_not_zero(folder: Path) -> None:
    path = str(folder / "chooses.pt2")
    done = local("summary", path)
    assert "not counted: fc2" in done.stdout
    rows = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if "│" in line}
    assert rows["fc2"].count("n/a") == 2  # its output's shape and its MACs
    assert "n/a" not in rows["fc"]


def test_only_the_shapes_that_it_was_exported_for_are_taken(folder: Path) -> None:
    for text in ("3x8x8", "2x3x8x8", "8", "8x8x3"):
        assert summarized(folder / "network.pt2", input=text)
    path = str(folder / "network.pt2")
    for asked in (("--input", "3x16x16"), ("--input", "1x3x8x8"), ("--input", "input=2x3x8x8:int64"), ("--batch", "3")):
        done = local("summary", path, *asked)
        assert (done.returncode, done.stdout) == (4, ""), asked
        assert asked[1].removeprefix("input=") in done.stderr
        assert "exported for 2x3x8x8:float32" in done.stderr
        assert done.stderr.count("\n") == 1
    assert local("summary", path, "--input", "8", "--input", "8").returncode == 4
    for asked in (("--arg", "x=1"), ("--weights", "default"), ("--dtype", "float16"), ("--mode", "train")):
        done = local("summary", path, *asked)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{asked[0]} does not apply" in done.stderr
    both = ["--input-json", '{"given_0_x": "2x8", "given_0_y": "2x8"}']
    assert local("summary", str(folder / "dictionary.pt2"), *both).returncode == 0
