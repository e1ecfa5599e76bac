"""What the functions for Python give: other forms, a line for a shell, and HTML for a notebook."""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from resnet_inspect import Summary, check, diff, ir
from resnet_inspect.errors import BadRequestError, ModelError
from resnet_inspect.readers.local.reader import summarize as build
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from tests.support.command import in_child, needs

RESNET18 = Summary.of(build(Request("resnet18")).summary)
TEN = build(Request("resnet18", arguments=(("num_classes", 10),))).summary
#: Elements that may stand in a page without their end.
VOID = ("img", "br")


class Page(HTMLParser):
    """The lines of a folded list, each with the modules around it, and whether everything that opens is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.lines: list[tuple[int, str]] = []
        self.unfolded: list[str] = []
        self._text = ""
        self._is_open = False
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "details":
            self._is_open = ("open", None) in attrs
        if tag in ("div", "summary"):
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("div", "summary") and self._text:
            self.lines.append((self.open.count("details"), self._text))
            if tag == "summary" and self._is_open:
                self.unfolded.append(self._text.split()[0])
            self._text = ""


def test_a_notebook_has_every_layer_below_its_module() -> None:
    page = Page(RESNET18._repr_html_())
    lines = {text.split()[0]: (inside, text.split()) for inside, text in page.lines}
    # The stem and the head stand alone, a block's convolutions are in layer1 and in layer1.0.
    assert lines["conv1"][0] == 2
    assert [inside for inside, text in page.lines if text.split()[0] == "fc"] == [0]
    assert lines["layer1"] == (1, ["layer1", "Sequential", "1x64x56x56", "147,968", "462", "M"])
    # Two 3x3 convolutions of 64 to 64 channels, and two norms of 64 weights and 64 biases.
    assert lines["layer1.0"] == (
        2,
        ["layer1.0", "BasicBlock", "1x64x56x56", f"{2 * 9 * 64 * 64 + 4 * 64:,}", "231", "M"],
    )
    titles = re.findall(r'<bdi title="([^"]*)"', RESNET18._repr_html_())
    assert titles == [layer.id for layer in RESNET18.layers]


def test_lines_are_of_one_width_with_names_to_the_left() -> None:
    table = [text for _, text in Page(RESNET18._repr_html_()).lines if text.split()[0] != "Model"]
    assert len({len(text) for text in table}) == 1
    place = table[0].index("Type")
    assert all(text[place - 1] == " " != text[place] for text in table)


def test_modules_are_open_as_far_as_the_picture_shows_what_is_in_them() -> None:
    """The blocks of ResNet18 fit a screen, its 70 layers don't."""
    page = RESNET18._repr_html_()
    assert Page(page).unfolded == ["layer1", "layer2", "layer3", "layer4"]
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert base64.b64decode(data).decode() == RESNET18.to_svg(depth=2)


def test_a_small_network_is_open_and_tensors_of_a_file_have_no_picture() -> None:
    block = replace(RESNET18, layers=RESNET18.layers[:14])
    assert Page(Summary.of(block)._repr_html_()).unfolded == ["layer1", "layer1.0", "layer1.1"]
    stored = replace(RESNET18, trace=ir.Trace("header"))
    assert "<img" not in Summary.of(stored)._repr_html_()


def test_blocks_that_names_alone_say_fold_like_modules() -> None:
    """Keras' ResNet50 has no modules: 16 blocks in four stages, and 177 layers, all by their own names."""
    flat = Summary.of(build(Request("ResNet50", flavor="keras")).summary)
    page = Page(flat._repr_html_())
    assert page.unfolded == ["conv2", "conv3", "conv4", "conv5"]
    assert [text.split()[1] for _, text in page.lines].count("Block") == 16
    names = {text.split()[0] for _, text in page.lines}
    assert {layer.id for layer in flat.layers} <= names


def test_a_flat_network_without_blocks_has_no_picture_of_a_thousand_boxes() -> None:
    layers = tuple(ir.Layer(f"l{at}", f"l{at}", "T", "relu") for at in range(1000))
    page = Summary.of(ir.Summary(ir.Model("m", "torch", "b"), (), (), layers))._repr_html_()
    assert "<img" not in page
    assert page.count("<bdi title=") == 1000


def test_a_module_that_runs_again_says_so() -> None:
    paths = ["a.x", "a.y", "b", "a.x", "a.y"]
    layers = [ir.Layer(f"{path}:{at}" if at > 2 else path, path, "T", "relu") for at, path in enumerate(paths)]
    again = ir.Summary(ir.Model("m", "torch", "b"), (), (), tuple(layers), (("a", "A"),))
    names = [text.split("  ")[0] for _, text in Page(Summary.of(again)._repr_html_()).lines]
    assert [name for name in names if name.startswith("a")] == ["a", "a (continued, 1)"]


def test_a_very_deep_network_has_a_page() -> None:
    deep = ".".join(["m"] * 3000)
    layers = tuple(ir.Layer(f"{deep}.{end}", f"{deep}.{end}", "T", "relu") for end in "ab")
    split = tuple(ir.Layer(path, path, "T", "relu") for at in range(1, 40) for path in [".".join(["n"] * at) + ".z"])
    page = Page(Summary.of(ir.Summary(ir.Model("m", "torch", "b"), (), (), (*layers, *split)))._repr_html_())
    assert max(inside for inside, _ in page.lines) <= 12
    assert len(page.lines) >= len(layers) + len(split)


def test_other_forms() -> None:
    assert ElementTree.fromstring(RESNET18.to_svg()).tag.endswith("svg")
    assert RESNET18.to_svg(depth=1).count("<rect") < RESNET18.to_svg(depth=2).count("<rect")
    assert RESNET18.to_markdown() == render(RESNET18, "markdown", View())
    assert RESNET18.to_markdown(depth=1).count("\n| layer") == 4


def test_residual_blocks() -> None:
    """ResNet18: eight blocks of two convolutions, three of them with a projection (He et al. 2015, table 1)."""
    found = RESNET18.residual()
    assert [row["shortcut"] for row in found.rows].count("projection") == 3
    assert found.document["network"]["residual_blocks"] == 8
    assert "Depth" in str(found)
    assert repr(found) == "<Report of 8 rows>"
    assert "<td" in found._repr_html_()
    with pytest.raises(BadRequestError, match="holds tensors by name"):
        Summary.of(replace(RESNET18, trace=ir.Trace("header"))).residual()


def test_a_shell_shows_a_line() -> None:
    assert repr(RESNET18) == "<Summary of local:resnet18: 70 layers, 11,689,512 parameters>"
    assert repr(diff(RESNET18, TEN)) == ("<Diff of local:resnet18 and local:resnet18: params, shapes, config, macs>")
    assert repr(diff(RESNET18, RESNET18)) == "<Diff of local:resnet18 and local:resnet18: no difference>"
    assert repr(check(RESNET18, max_params=1)) == "<Checked local:resnet18: failed max-params>"
    assert repr(check(RESNET18)) == "<Checked local:resnet18: passed>"


def test_a_comparison_in_a_notebook() -> None:
    page = diff(RESNET18, TEN)._repr_html_()
    text = html.unescape(re.sub(r"<[^>]+>", "\n", page))
    assert "local:resnet18 → local:resnet18" in text
    assert "-507,870" in text  # 990 rows of 512 weights and a bias
    assert "out_features 1000 → 10" in text
    assert "<details open><summary>1 difference<" in page
    assert "No difference" in diff(RESNET18, RESNET18)._repr_html_()
    fifty = build(Request("resnet50")).summary
    assert "<details><summary>" in diff(RESNET18, fifty)._repr_html_()


def test_a_check_in_a_notebook_has_what_differs_folded() -> None:
    page = check(RESNET18, max_params=1, baseline=TEN)._repr_html_()
    assert Page(page).tags >= {"table", "details"}
    assert "<details><summary>What differs</summary>" in page
    assert "1 model, 5 checks: 3 passed, 2 failed" in page
    assert "11,689,511 over the limit" in page


def test_names_are_text() -> None:
    name = "<script>&\"'\x1b[0m"
    layers = tuple(ir.Layer(f"m{name}.{end}", f"m{name}.{end}", name, "relu") for end in "ab")
    bad = ir.Summary(ir.Model(name, "torch", "b"), (), (), layers, ((f"m{name}", name),))
    other = replace(bad, layers=(replace(layers[0], type=f"{name}2", attributes=((name, name),)), layers[1]))
    for shown in (Summary.of(bad), diff(bad, other), check(bad, baseline=other), Summary.of(bad).residual()):
        page = Page(shown._repr_html_())
        assert "script" not in page.tags
        assert "\x1b" not in shown._repr_html_() + repr(shown)
    assert r"\x1b" in Summary.of(bad)._repr_html_()


@needs("pandas")
def test_a_table_of_pandas_has_the_values_of_the_csv() -> None:
    import pandas

    frame = RESNET18.to_pandas()
    rows = list(csv.DictReader(io.StringIO(render(RESNET18, "csv", View()))))
    assert list(frame.columns) == list(rows[0])
    assert frame["params"].sum() == 11_689_512
    assert str(frame["macs"].dtype) == "Int64"
    for column in frame.columns:
        assert ["" if value is pandas.NA else str(value) for value in frame[column]] == [row[column] for row in rows]
    # The input, four layers of the stem, four modules, and the pool, the flattening and the classifier.
    assert len(RESNET18.to_pandas(depth=1)) == 1 + 4 + 4 + 3
    unknown = replace(RESNET18.layers[1], macs=None)
    shown = Summary.of(replace(RESNET18, layers=(RESNET18.layers[0], unknown))).to_pandas()
    assert shown["macs"][1] is pandas.NA
    huge = ir.Parameter("w", (2**40, 2**40), "float32", "trainable")
    large = replace(RESNET18.layers[1], parameters=(huge,), inputs=())
    assert Summary.of(replace(RESNET18, layers=(large,))).to_pandas()["params"][0] == 2**80


def test_without_pandas_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModelError, match=r"to_pandas needs pandas.*pip install 'resnet-inspect\[pandas\]'"):
        RESNET18.to_pandas()


@in_child("torch")
def test_models_of_torch_are_compared_and_called_by_their_class() -> None:
    from torch import nn

    from resnet_inspect import summarize

    def net(width: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU())

    found = diff(net(4), net(5), (3, 8, 8))
    # A filter of 3x3x3 weights and its bias.
    assert [total.difference for total in found.totals if total.name == "params"] == [28]
    assert not diff(summarize(net(4), (3, 8, 8)), net(4), (3, 8, 8)).kinds
    with pytest.raises(BadRequestError, match="a Sequential needs an input"):
        diff(net(4), net(4))
    summary = summarize(net(4), (3, 8, 8))
    assert summary.model.name == "Sequential"
    assert "Sequential (torch)" in str(summary)
    assert "torch:Sequential" not in summary._repr_html_() + str(summary) + repr(summary) + str(found)
    assert Summary.from_json(summary.to_json()).model.title == "Sequential (torch)"


@in_child("tensorflow")
def test_arrays_of_any_rank_are_inputs_of_a_keras_model() -> None:
    import keras
    import numpy

    from resnet_inspect import summarize

    class Twice(keras.Model):
        def call(self, x: object) -> object:
            return keras.ops.multiply(x, 2)

    for shape in ((), (3,), (2, 3)):
        for given in (keras.ops.zeros(shape), [numpy.zeros(shape)], {"x": keras.ops.zeros(shape)}):
            assert [tensor.shape for tensor in summarize(Twice(), given).inputs] == [shape]
    # Keras casts what is as precise as NumPy's numbers before the model has it.
    double = summarize(Twice(), numpy.zeros((2, 3)))
    assert [(layer.id, layer.output_tensors[0].dtype) for layer in double.layers] == [
        ("input", "float64"),
        ("copy", "float32"),
        ("mul", "float32"),
    ]
    # Token ids are values, and no sizes; NumPy's integers are sizes.
    assert summarize(Twice(), numpy.array([3, 4, 5])).inputs[0].shape == (3,)
    assert summarize(Twice(), (numpy.int64(4), numpy.int64(6))).inputs[0].shape[-2:] == (4, 6)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    assert summarize(model).model.title == "Sequential (keras)"
    # Inputs that are declared need not be said: 3 outputs of 5 weights and a bias, instead of 2.
    wider = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    assert [total.difference for total in diff(model, wider).totals if total.name == "params"] == [6]
    with pytest.raises(BadRequestError, match="a Twice needs an input"):
        diff(Twice(), Twice())
