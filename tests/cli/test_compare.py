"""``compare`` and ``sweep``: networks side by side, sizes side by side, and their plots."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import ir_json
from resnet_inspect.ir import Trace
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Metric, Request
from resnet_inspect.render.report.compare import axes, compared, panel, report
from resnet_inspect.render.report.plot import Panel, Point, drawing, picture
from resnet_inspect.render.report.plot_labels import Rectangle, placed
from tests.support.command import SCHEMA, document, local, needs

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
    done = local("compare", str(saved), "local:resnet1*", *options)
    assert done.stdout.splitlines() == [
        "model,depth,params",
        "local:resnet152,152,60192808",
        "local:resnet101,101,44549160",
        "local:resnet34,34,21797672",
        "local:resnet18,18,11689512",
    ]
    table = local("compare", "resnet18", "--format", "markdown").stdout
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
    done = local("compare", "resnet18", "resnt50", "--columns", "model", "--format", "csv")
    assert done.stdout == "model\nlocal:resnet18\n"
    assert done.returncode == 3
    assert done.stderr.startswith("error: resnt50: no such model: 'resnt50'; did you mean resnet50")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resnet18", "--sort", "mac"], "did you mean macs"),
        (["resnet18", "--columns", "colour"], "no such column: 'colour'"),
        (["local:resnext9*"], "no model matches 'local:resnext9*'"),
        (["resnet18", "--plot", "plot.pdf"], ".svg or .png"),
        (["resnet18", "--plot", "-", "--format", "json"], "name a file"),
        (["resnet18", "--x", "model", "--plot", "x.svg"], "a plot needs numbers"),
        (["resnet18", "--plot", "plot.svg", "--dark"], "--dark is for --plot FILE.png"),
        ([], "Missing argument"),
    ],
)
def test_bad_requests(arguments: list[str], words: str) -> None:
    done = local("compare", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def rows_of(*names: str) -> list[dict[str, Any]]:
    return [compared(summarize(Request(name)).summary, []) for name in names]


def test_what_a_plot_shows() -> None:
    rows = rows_of("resnet18", "resnet50")
    found, notes = panel(rows, "macs", None)
    assert (found.x_title, found.y_title, notes) == ("MACs (G)", "Params (M)", ())
    assert found.points[1] == Point(4.089184256, 25.557032, "resnet50")
    assert found.front == ()
    rows[0]["acc1"] = 69.758
    found, notes = panel(rows, "macs", None)
    assert (found.y_title, found.points) == ("Acc@1 %", (Point(1.814073344, 69.758, "resnet18"),))
    assert notes == ("not in the plot: local:resnet50 (its library publishes no Acc@1 %)",)
    # Of fewer than half of the networks, the parameters say more.
    more = [*rows, rows[1]]
    assert (panel(more, "macs", None)[0].y_title, axes(more, "macs", None).y) == ("Params (M)", "params")
    rows[1]["macs"] = None
    assert panel(rows, "macs", "params")[1] == ("not in the plot: local:resnet50 (its MACs (G) isn't known)",)


def test_backends_are_named_where_two_networks_have_one_name() -> None:
    rows = rows_of("resnet18", "resnet50", "resnet50")
    rows[2]["model"] = "keras:ResNet50"
    assert [point.label for point in panel(rows, "macs", None)[0].points] == [
        "resnet18",
        "local:resnet50",
        "keras:ResNet50",
    ]


def test_what_is_not_drawn_is_said(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "plot.svg"
    tensors = replace(summarize(Request("resnet18")).summary, trace=Trace("header"))
    (tmp_path / "tensors.json").write_text(ir_json.dumps(tensors))
    done = local("compare", "resnet50", str(tmp_path / "tensors.json"), "--y", "depth", "--plot", str(plot))
    assert done.returncode == 0
    assert done.stderr == "note: not in the plot: local:resnet18 (its Depth isn't known)\n"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("torch:resnet50", "resnet"),
        ("keras:ResNet50V2", "resnet"),
        ("efficientnet_b0", "efficientnet"),
        ("keras:EfficientNetB0", "efficientnet"),
        ("MobileNetV3Small", "mobilenet"),
        ("mobilenet_v3_small", "mobilenet"),
        ("timm:vit_tiny_patch16_224", "vit"),
        ("alexnet", "alexnet"),
        ("", ""),
        ("24", "24"),
    ],
)
def test_families(name: str, family: str) -> None:
    assert Point(1, 1, name).family == family


def test_the_pareto_front() -> None:
    """Of two points at one cost the better one; a point that costs more and is as good as another is not in it."""
    points = tuple(Point(x, y) for x, y in [(3, 8), (1, 5), (1, 4), (2, 5), (4, 7), (5, 9)])
    front = Panel("MACs (G)", "Acc@1 %", points, has_front=True).front
    assert [(point.x, point.y) for point in front] == [(1, 5), (3, 8), (5, 9)]


ROOM = Rectangle(0, 0, 1000, 600)


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 600)), min_size=1, max_size=12))
def test_names_are_over_no_other_and_inside_of_the_plot(points: list[tuple[float, float]]) -> None:
    found = placed(points, [(100, 12)] * len(points), ROOM, 3)
    for index, place in enumerate(found):
        assert place.shared(ROOM) == pytest.approx(100 * 12)
        assert (place.right - place.left, place.top - place.bottom) == pytest.approx((100, 12))
        assert sum(map(place.shared, found[:index])) == pytest.approx(0, abs=1e-9)


def test_names_stand_beside_the_line_and_not_on_it() -> None:
    """A front that goes up in steps, close to every point of it."""
    front = [(60.0 * at, 15.0 * at + 100) for at in range(1, 12)]
    found = placed(front, [(100, 12)] * len(front), ROOM, 3, front)
    for place in found:
        assert place.shared(ROOM) == pytest.approx(100 * 12)
        for (x0, y0), (x1, y1) in pairwise(front):
            # Along the line, in steps of a tenth: no point of it is inside a name.
            for step in range(101):
                x, y = x0 + (x1 - x0) * step / 100, y0 + (y1 - y0) * step / 100
                assert not (place.left < x < place.right and place.bottom < y < place.top)


#: GMACs and accuracies of torchvision's classifiers, as it publishes them.
KNOWN = {
    "vgg11": (7.61, 69.02),
    "vgg11_bn": (7.61, 70.37),
    "vgg13": (11.31, 69.93),
    "vgg13_bn": (11.31, 71.59),
    "vgg16": (15.47, 71.59),
    "vgg16_bn": (15.47, 73.36),
    "vgg19": (19.63, 72.38),
    "vgg19_bn": (19.63, 74.22),
    "resnet50": (4.09, 80.86),
    "swin_t": (4.49, 81.47),
    "resnet101": (7.8, 81.89),
    "resnet152": (11.51, 82.28),
    "efficientnet_b4": (4.39, 83.38),
    "efficientnet_b5": (10.27, 83.44),
    "efficientnet_b6": (19.07, 84.01),
    "efficientnet_b7": (37.75, 84.12),
    "efficientnet_v2_s": (8.37, 84.23),
    "vit_b_16": (17.56, 81.07),
    "efficientnet_v2_m": (24.58, 85.11),
    "efficientnet_v2_l": (56.08, 85.81),
    "mobilenet_v3_small": (0.06, 67.67),
}


@needs("matplotlib")
def test_names_in_a_picture_are_over_no_other_and_no_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    drawn: list[Any] = []
    save = Figure.savefig

    def kept(figure: Any, *arguments: Any, **options: Any) -> None:
        drawn.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", kept)
    points = tuple(Point(x, y, name) for name, (x, y) in KNOWN.items())
    picture("t", [Panel("MACs (G)", "Acc@1 %", points, has_front=True)], "png")
    (axes,) = drawn[0].axes
    texts = [text for text in axes.texts if text.get_text() in KNOWN]
    assert len(texts) == len(KNOWN)
    places = [Rectangle(*Text.get_window_extent(text).extents) for text in texts]
    room = Rectangle(*axes.get_window_extent().extents)
    for index, place in enumerate(places):
        assert place.shared(place) == pytest.approx(place.shared(room))
        assert sum(map(place.shared, places[:index])) == 0
    colors = {point.family: line.get_color() for point, line in zip(points, axes.lines, strict=False)}
    assert (
        len(set(colors.values())) == len(colors) == len({"vgg", "resnet", "swin", "efficientnet", "vit", "mobilenet"})
    )


@needs("matplotlib")
def test_pictures_are_the_same_every_time() -> None:
    first, second = (picture("t", [PANEL], "svg") for _ in range(2))
    assert first == second
    assert first.startswith(b"<?xml")
    assert picture("t", [PANEL], "png").startswith(b"\x89PNG")
    assert picture("t", [PANEL], "png") == picture("t", [PANEL], "png")


@needs("matplotlib")
def test_pictures_are_light_and_dark() -> None:
    """In an SVG each colour that is used has its dark twin; two PNGs differ."""
    light = picture("t", [PANEL], "svg").decode()
    assert "@media (prefers-color-scheme:dark)" in light
    style, drawn = light.split("</style>", 1)
    assert all(color in style for color in re.findall(r"#[0-9a-f]{6}", drawn) if color != "#000000")
    ElementTree.fromstring(light)
    assert picture("t", [PANEL], "png", dark=True) != picture("t", [PANEL], "png")


@needs("plotille")
def test_a_plot_in_the_terminal_names_its_points() -> None:
    text = drawing([PANEL], 60)
    assert "MACs (G) (up) against Size" in text
    assert "A one (1, 2)\nB two (3, 4)\ndoesn't fit: 2\n" in text
    assert max(map(len, text.splitlines())) <= 60
    assert sum("A" in line.partition("|")[2] for line in text.splitlines()) == 1
    front = drawing([replace(PANEL, points=(*PANEL.points, Point(4, 1, "three")), has_front=True)], 60)
    assert "A one (1, 2) *\nB two (3, 4) *\nC three (4, 1)\n* on the Pareto front\n" in front


@needs("matplotlib")
@needs("plotille")
def test_sweep(tmp_path: Path) -> None:
    """Convolutions' MACs go with the image's area: at 256 four times those at 128, but for the classifier."""
    plot = tmp_path / "sweep.svg"
    found = document("sweep", "resnet18", "--input", "128..256:64", "--plot", str(plot))
    jsonschema.validate(found, json.loads(SCHEMA.with_name("sweep-2.schema.json").read_text()))
    small, _, large = found["sizes"]
    classifier = 512 * 1000
    assert large["macs"] - classifier == 4 * (small["macs"] - classifier)
    assert large["peak_bytes"] == 4 * small["peak_bytes"]
    assert plot.read_bytes().startswith(b"<?xml")
    table = local("sweep", "resnet18", "--input", "1x16..48:16", "--plot", "-")
    assert table.returncode == 0
    assert "1x16x16 to 1x48x48: " in table.stdout  # torchvision's read three channels
    assert "expects 3 input channels" in table.stdout


def test_where_sizes_stop_fitting_is_marked() -> None:
    done = local("sweep", "ResNet50", "--flavor", "keras", "--input", "16..48:16")
    assert "Fits         2 of 3 sizes\n" in done.stdout
    assert "Doesn't fit  16: ResNet50 reads images of at least 32x32" in done.stdout
    csv = local("sweep", "ResNet50", "--flavor", "keras", "--input", "16..32:16", "--format", "csv").stdout.splitlines()
    assert csv[1] == "16,,,,False"
    assert csv[2].endswith(",True")


def test_a_sweep_over_the_batch() -> None:
    options = ["--over", "batch", "--batch", "2..6:2", "--optimizer", "adam"]
    found = document("sweep", "resnet18", *options)
    jsonschema.validate(found, json.loads(SCHEMA.with_name("sweep-2.schema.json").read_text()))
    assert found["over"] == "batch"
    assert [row["size"] for row in found["sizes"]] == ["2", "4", "6"]
    assert [row["macs"] for row in found["sizes"]] == [batch * found["sizes"][0]["macs"] // 2 for batch in (2, 4, 6)]
    fits = document("fit", "resnet18", "--memory", "8GiB", "--optimizer", "adam", "--batch", "6")
    assert found["sizes"][2]["training_bytes"] == fits["peak_bytes"]
    csv = local("sweep", "resnet18", *options, "--input", "64", "--format", "csv").stdout
    assert csv.splitlines()[0] == "size,macs,activation_bytes,peak_bytes,training_bytes,fits"
    for wrong in (
        ["--over", "batch", "--batch", "5..1"],
        ["--batch", "1..5"],
        ["--over", "batch", "--batch", "1..9999"],
    ):
        done = local("sweep", "resnet18", *wrong)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "128"], "not a range of sizes"),
        (["--input", "128..64"], "not a range of sizes"),
        (["--input", "64..128:0"], "not a range of sizes"),
    ],
)
def test_bad_sweeps(arguments: list[str], words: str) -> None:
    done = local("sweep", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_saved_summary_has_no_other_sizes(tmp_path: Path) -> None:
    saved = tmp_path / "net.json"
    saved.write_text(ir_json.dumps(summarize(Request("resnet18")).summary))
    done = local("sweep", str(saved))
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


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_a_missing_library_is_said_before_the_work(command: str) -> None:
    """A name that no library has would be another error, had anybody looked for it."""
    hidden = "import sys; sys.modules.update(matplotlib=None, plotille=None); sys.argv = sys.argv[1:]"
    source = f"{hidden}; from resnet_inspect.cli import main; main()"
    for plot, name in (("plot.svg", "matplotlib"), ("-", "plotille")):
        arguments = [sys.executable, "-c", source, "resnet-inspect", command, "resnt50", "--plot", plot]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith(f"error: a plot needs {name}")
