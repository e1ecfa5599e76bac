"""``compare`` and ``sweep``: networks side by side, sizes side by side, and their plots."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from resnet_inspect import ir_json
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Metric, Request
from resnet_inspect.render.compare import compared, panel, report
from resnet_inspect.render.plot import Panel, Point, drawing, picture

from .command import SCHEMA, document, needs, run

PANEL = Panel("Size", "MACs (G)", (Point(1, 2.0, "one"), Point(3, 4.0, "two")), missing=(2,))


def test_rows_of_the_local_networks() -> None:
    found = document("compare", "resnet18", "resnet50", "--flavor", "torch")
    jsonschema.validate(found, json.loads(SCHEMA.with_name("compare-1.schema.json").read_text()))
    first, second = found["models"]
    assert (first["params"], second["params"]) == (11_689_512, 25_557_032)  # torchvision's published num_params
    assert (first["depth"], second["depth"]) == (18, 50)
    assert (first["blocks"], second["blocks"]) == (8, 16)
    assert second["rf"] == 427
    assert second["macs"] == 4_089_184_256
    assert first["peak_bytes"] == 4 * (3 * 224 * 224 + 2 * 64 * 112 * 112)
    assert first["acc1"] is None
    assert first["published"] == []


def test_patterns_saved_files_and_sorting(tmp_path: Path) -> None:
    saved = tmp_path / "mine.json"
    saved.write_text(ir_json.dumps(summarize(Request("resnet34")).summary))
    options = ["--sort", "params", "--columns", "model,depth", "--format", "csv"]
    done = run("compare", str(saved), "local:resnet1*", *options)
    assert done.stdout.splitlines() == [
        "model,depth,params",
        "local:resnet152,152,60192808",
        "local:resnet101,101,44549160",
        "local:resnet34,34,21797672",
        "local:resnet18,18,11689512",
    ]
    table = run("compare", "resnet18", "--format", "markdown").stdout
    assert table.splitlines()[2].startswith("| local:resnet18 | 1x3x224x224 | 11,689,512 | 1.81 G |")


@needs("torch")
@needs("tensorflow")
def test_frameworks_side_by_side_with_the_published_accuracy() -> None:
    """torchvision's metadata of its default weights: acc@1 69.758 for resnet18; Keras publishes none."""
    found = document("compare", "torch:resnet18", "keras:ResNet50")["models"]
    assert [row["model"] for row in found] == ["torch:resnet18", "keras:ResNet50"]
    assert (found[0]["acc1"], found[0]["acc5"]) == (69.758, 89.078)
    assert found[0]["published"][0]["weights"] == "IMAGENET1K_V1"
    assert (found[1]["params"], found[1]["acc1"]) == (25_636_712, None)


def test_accuracies_of_other_datasets_are_no_column_but_in_the_json() -> None:
    summary = summarize(Request("resnet18")).summary
    row = compared(summary, [Metric("KINETICS400_V1", "Kinetics-400", "acc@1", 63.2)])
    assert row["acc1"] is None
    assert row["published"][0]["value"] == 63.2
    assert report([row]).facts == ()


def test_one_bad_model_doesnt_end_the_rest() -> None:
    done = run("compare", "resnet18", "resnt50", "--columns", "model", "--format", "csv")
    assert done.stdout == "model\nlocal:resnet18\n"
    assert done.returncode == 3
    assert done.stderr.startswith("error: resnt50: the local backend has no model 'resnt50'; did you mean resnet50")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resnet18", "--sort", "mac"], "did you mean macs"),
        (["resnet18", "--columns", "colour"], "there is no column 'colour'"),
        (["local:resnext9*"], "no model matches 'local:resnext9*'"),
        (["resnet18", "--plot", "plot.pdf"], ".svg or .png"),
        (["resnet18", "--plot", "-", "--format", "json"], "name a file"),
        (["resnet18", "--x", "model", "--plot", "x.svg"], "a plot needs numbers"),
        ([], "Missing argument"),
    ],
)
def test_bad_requests(arguments: list[str], words: str) -> None:
    done = run("compare", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_what_a_plot_shows() -> None:
    rows = [compared(summarize(Request(name)).summary, []) for name in ("resnet18", "resnet50")]
    found = panel(rows, "macs", None)
    assert (found.x_title, found.y_title) == ("MACs (G)", "Params (M)")
    assert found.points[1] == Point(4.089184256, 25.557032, "local:resnet50")
    rows[0]["acc1"] = 69.758
    assert panel(rows, "macs", None).points == (Point(1.814073344, 69.758, "local:resnet18"),)


@needs("matplotlib")
def test_pictures_are_the_same_every_time() -> None:
    first, second = (picture("t", [PANEL], "svg") for _ in range(2))
    assert first == second
    assert first.startswith(b"<?xml")
    assert picture("t", [PANEL], "png").startswith(b"\x89PNG")
    assert picture("t", [PANEL], "png") == picture("t", [PANEL], "png")


@needs("plotille")
def test_a_plot_in_the_terminal_names_its_points() -> None:
    text = drawing([PANEL], 60)
    assert "MACs (G) (up) against Size" in text
    assert "A one\nB two\ndoesn't fit: 2\n" in text
    assert max(map(len, text.splitlines())) <= 60
    assert sum("A" in line.partition("|")[2] for line in text.splitlines()) == 1


@needs("matplotlib")
@needs("plotille")
def test_sweep(tmp_path: Path) -> None:
    """Convolutions' MACs go with the image's area: at 256 four times those at 128, but for the classifier."""
    plot = tmp_path / "sweep.svg"
    found = document("sweep", "resnet18", "--input", "128..256:64", "--plot", str(plot))
    jsonschema.validate(found, json.loads(SCHEMA.with_name("sweep-1.schema.json").read_text()))
    small, _, large = found["sizes"]
    classifier = 512 * 1000
    assert large["macs"] - classifier == 4 * (small["macs"] - classifier)
    assert large["peak_bytes"] == 4 * small["peak_bytes"]
    assert plot.read_bytes().startswith(b"<?xml")
    table = run("sweep", "resnet18", "--input", "1x16..48:16", "--plot", "-")
    assert table.returncode == 0
    assert "1x16x16 to 1x48x48: " in table.stdout  # torchvision's read three channels
    assert "expects 3 input channels" in table.stdout


def test_where_sizes_stop_fitting_is_marked() -> None:
    done = run("sweep", "ResNet50", "--flavor", "keras", "--input", "16..48:16")
    assert "Fits         2 of 3 sizes\n" in done.stdout
    assert "Doesn't fit  16: ResNet50 reads images of at least 32x32" in done.stdout
    csv = run("sweep", "ResNet50", "--flavor", "keras", "--input", "16..32:16", "--format", "csv").stdout.splitlines()
    assert csv[1] == "16,,,,False"
    assert csv[2].endswith(",True")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "128"], "no range of sizes"),
        (["--input", "128..64"], "no range of sizes"),
        (["--input", "64..128:0"], "no range of sizes"),
    ],
)
def test_bad_sweeps(arguments: list[str], words: str) -> None:
    done = run("sweep", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_saved_summary_has_no_other_sizes(tmp_path: Path) -> None:
    saved = tmp_path / "net.json"
    saved.write_text(ir_json.dumps(summarize(Request("resnet18")).summary))
    done = run("sweep", str(saved))
    assert done.returncode == 2
    assert "has one input: name a model" in done.stderr


def test_without_a_library_a_plot_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from resnet_inspect.errors import ModelError

    for name in ("matplotlib", "plotille"):
        monkeypatch.setitem(sys.modules, name, None)
    for draw in (lambda: picture("t", [PANEL], "svg"), lambda: drawing([PANEL], 60)):
        with pytest.raises(ModelError, match=r"pip install 'resnet-inspect\[plot\]'"):
            draw()
