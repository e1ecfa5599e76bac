"""Programs that torch.export wrote: read as text, in every layout of their archive, without torch."""

from __future__ import annotations

import io
import json
import pickle
import random
import re
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import ir_json
from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.ir import Layer, Summary
from resnet_inspect.readers import file as from_file
from resnet_inspect.readers.pt2.archive import _tensors
from resnet_inspect.readers.pt2.graph import Graph, _path
from resnet_inspect.readers.request import Request

from .command import document, loaded_by, needs, run, script

pytestmark = needs("torch")

# torch 2.4 writes a functionalised graph: without weights that nothing uses, with slice_scatter in place of a write to
# a view, with operators that later versions leave out. Those files are read too, but their layers are others.
graphs_of_today = needs("torch", "2.14")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pt2")
    script(f"from tests.pt2_programs import export; export({str(path)!r})")
    return path


def summarized(path: Path, **asked: Any) -> Summary:
    """A program's summary, made in this process: reading it needs no framework."""
    return from_file.summarize(Request(model=str(path), **asked)).summary


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
    done = run("diff", str(folder / "resnet50.pt2"), "torch:resnet50")
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
    done = run("summary", str(folder / "sizes_vary.pt2"), "--format", "json")
    assert "sizes_vary.pt2 takes other sizes, too" in done.stderr
    assert "2x3x12x8" in done.stderr
    found = json.loads(done.stdout)
    assert found["inputs"][0]["shape"] == [2, 3, 12, 8]
    assert found["totals"]["macs"] == 2 * 4 * 27 * 10 * 6 + 2 * 8


def test_what_depends_on_values_is_unknown_and_not_zero(folder: Path) -> None:
    path = str(folder / "chooses.pt2")
    done = run("summary", path)
    assert "not counted: fc2" in done.stdout
    rows = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if "│" in line}
    assert rows["fc2"].count("n/a") == 2  # its output's shape and its MACs
    assert "n/a" not in rows["fc"]


def test_only_the_shapes_that_it_was_exported_for_are_taken(folder: Path) -> None:
    for text in ("3x8x8", "2x3x8x8", "8", "8x8x3"):
        assert summarized(folder / "network.pt2", inputs=(tuple(map(int, text.split("x"))),))
    path = str(folder / "network.pt2")
    for asked in (("--input", "3x16x16"), ("--input", "1x3x8x8"), ("--input", "input=2x3x8x8:int64"), ("--batch", "3")):
        done = run("summary", path, *asked)
        assert (done.returncode, done.stdout) == (4, ""), asked
        assert asked[1].removeprefix("input=") in done.stderr
        assert "exported for 2x3x8x8:float32" in done.stderr
        assert done.stderr.count("\n") == 1
    assert run("summary", path, "--input", "8", "--input", "8").returncode == 4
    for asked in (("--arg", "x=1"), ("--weights", "default"), ("--dtype", "float16")):
        done = run("summary", path, *asked)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"leave {asked[0]} out" in done.stderr
    both = ["--input-json", '{"given_0_x": "2x8", "given_0_y": "2x8"}']
    assert run("summary", str(folder / "dictionary.pt2"), *both).returncode == 0


def _entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _written(path: Path, entries: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@graphs_of_today
def test_damaged_and_foreign_archives_are_told_in_one_line(folder: Path, tmp_path: Path) -> None:
    entries = _entries(folder / "tied.pt2")
    program = next(name for name in entries if "/models/" in name)
    parsed = json.loads(entries[program])
    whole = (folder / "tied.pt2").read_bytes()
    cases: dict[str, tuple[bytes | dict[str, bytes], str]] = {
        "cut": (whole[: len(whole) // 2], "damaged"),
        "no_json": (entries | {program: b"{"}, "damaged"),
        "list": (entries | {program: b"[]"}, "damaged"),
        "deep": (entries | {program: b"[" * 200_000}, "damaged"),
        "newer": (entries | {program: json.dumps(parsed | {"schema_version": {"major": 9}}).encode()}, "version 9"),
        "no_graph": (entries | {program: json.dumps(parsed | {"graph_module": {}}).encode()}, "damaged"),
        "two": (entries | {"tied/models/other.json": b"{}"}, "2 programs"),
        "compiled": ({"a/archive_format": b"pt2", "a/data/aotinductor/model/x.so": b""}, "compiled code only"),
        "empty": ({"a/archive_format": b"pt2"}, "no exported program"),
        "foreign": ({"models/readme.json": b"{}"}, "is not a model in a supported format"),
    }
    for name, (content, said) in cases.items():
        path = tmp_path / f"{name}.pt2"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            _written(path, content)
        with pytest.raises(ModelError, match=said) as error:
            summarized(path)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
    done = run("summary", str(tmp_path / "no_json.pt2"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)


def test_a_bomb_is_not_unpacked(folder: Path, tmp_path: Path) -> None:
    path = _written(
        tmp_path / "bomb.pt2",
        {"a/archive_format": b"pt2", "a/models/model.json": b" " * 50_000_000},
        zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelError, match="would have 50000000 bytes"):
        summarized(path)


def test_reading_takes_time_in_proportion_to_the_file() -> None:
    levels, numbers = 40_000, 6_000
    deep = "getattr(" * levels + "L['self'].a" + ", '0')" * levels
    start = time.process_time()
    assert _path(deep) == "a" + ".0" * levels
    assert _path("[" * levels) == "[" * levels
    graph = Graph()
    graph.walk(
        {
            "tensor_values": {},
            "sym_int_values": {f"s{place}": {"as_int": place} for place in range(numbers)},
            "nodes": [
                {
                    "target": "torch.ops.aten.view.default",
                    "inputs": [{"name": "size", "arg": {"as_sym_ints": [{"as_name": f"s{place}"}]}}],
                    "outputs": [],
                    "metadata": {},
                }
                for place in range(numbers)
            ],
        }
    )
    assert [node.arguments["size"] for node in graph.nodes] == [(place,) for place in range(numbers)]
    # It takes a tenth of a second; in proportion to the square, it took half a minute.
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("L['self']", ""),
        ("L['self'].a[0].b", "a.0.b"),
        ("L['self']._modules['a'].b", "_modules.a.b"),
        ("getattr(L['self'].a, '0').b", "a.0.b"),
        ("getattr(getattr(L['self'].a, '0').b, '1').c", "a.0.b.1.c"),
        ("L__self__.a", "a"),
        ("a.0.b@1", "a.0.b"),
    ],
)
def test_paths_of_modules_however_torch_wrote_them(text: str, path: str) -> None:
    assert _path(text) == path


def test_an_encrypted_entry_is_damage_and_no_traceback(folder: Path, tmp_path: Path) -> None:
    path = _written(tmp_path / "secret.pt2", _entries(folder / "tied.pt2"))
    content = bytearray(path.read_bytes())
    for start in (match.start() for match in re.finditer(rb"PK\x01\x02", bytes(content))):
        struct.pack_into("<H", content, start + 8, 1)
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged.*encrypted"):
        summarized(path)


def test_whatever_is_broken_in_a_program_it_is_read_or_refused(folder: Path, tmp_path: Path) -> None:
    entries = _entries(folder / "network.pt2")
    names = [name for name in entries if name.endswith(".json")]
    chance = random.Random(0)
    refused = 0
    for _ in range(300):
        name = chance.choice(names)
        document = json.loads(entries[name])
        _break(document, chance)
        path = _written(tmp_path / "broken.pt2", {**entries, name: json.dumps(document).encode()})
        try:
            summary = summarized(path)
        except ModelError:
            refused += 1
        else:
            assert ir_json.loads(ir_json.dumps(summary)).layers == summary.layers
    assert refused > 20


def _break(document: Any, chance: random.Random) -> None:
    """Replaces one value, somewhere inside."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = document[key]
        if isinstance(inner, (dict, list)) and inner and chance.random() < 0.9:
            document = inner
            continue
        document[key] = chance.choice([None, [], {}, "x", -1, 10**30, {"as_none": True}])
        return


@graphs_of_today
def test_no_pickle_is_run(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"emb.weight": Evil()}, protocol=2))
    entries = _entries(folder / "tied_old.pt2")
    path = _written(tmp_path / "evil.pt2", {**entries, "serialized_state_dict.pt": inner.getvalue()})
    # Without the storages, nothing tells that two weights are one.
    assert summarized(path).totals.params == 40 + 40 + 144
    assert not (tmp_path / "ran").exists()
    nested: tuple[Any, ...] = ()
    for _ in range(100):
        nested = (nested, nested)
    assert not _tensors(pickle.dumps({"a": nested}, protocol=2))
    with pytest.raises(ValueError, match="breaks off"):
        _tensors(pickle.dumps({"a": 1}, protocol=2)[:-1])


def test_a_cut_archive_of_every_length_is_refused(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "tied_old.pt2").read_bytes()
    path = tmp_path / "cut.pt2"
    for length in range(4, len(whole), len(whole) // 25):
        path.write_bytes(whole[:length])
        with pytest.raises(InspectError):
            summarized(path)
