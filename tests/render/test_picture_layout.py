"""Where things stand in the SVG, and whether they can be read: boxes, texts, lanes, colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from resnet_inspect.ir import Layer, Model, Summary, Tensor
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from resnet_inspect.render.layout import lanes
from tests.support.drawings import SVG

SPANS = st.dictionaries(st.integers(0, 30), st.integers(1, 30), max_size=15).map(
    lambda lengths: {start: start + length for start, length in lengths.items()}
)


@given(SPANS)
def test_lanes_never_overlap_and_what_is_inside_is_nearer(spans: dict[int, int]) -> None:
    found = lanes(spans)
    assert found.keys() == spans.keys()
    for start, end in spans.items():
        for other, last in spans.items():
            if start < other < end:
                assert found[start] != found[other]
                assert last > end or found[other] < found[start]


def test_lanes_are_as_few_as_a_chain_of_skips_needs() -> None:
    # Each begins where the one before ends; each begins before the one before ends.
    assert set(lanes({start: start + 4 for start in range(0, 400, 4)}).values()) == {0}
    assert set(lanes({start: start + 5 for start in range(0, 400, 4)}).values()) == {0, 1}


def test_the_skips_of_a_u_net_dont_cross() -> None:
    # e0 e1 e2 mid c2 c1 c0: each c reads the e of its number, so that one skip is inside another.
    names = ["e0", "e1", "e2", "mid", "c2", "c1", "c0"]
    layers = []
    for index, name in enumerate(names):
        skip = (f"e{name[1]}",) if name[0] == "c" else ()
        layers.append(
            Layer(name, name, "T", "concat" if skip else "conv2d", inputs=(*names[max(index - 1, 0) : index], *skip))
        )
    page = ET.fromstring(render(Summary(Model("m", "torch", "b"), (), (), tuple(layers)), "svg", View()))
    wires = [path.attrib["d"] for path in page.findall(f"{SVG}path") if path.attrib["class"] == "shortcut"]
    assert len(wires) == 3
    # M edge start H ... Q x start: the one that begins first is the outermost.
    begins = [(int(numbers[1]), int(numbers[3])) for numbers in (re.findall(r"-?\d+", wire) for wire in wires)]
    assert [x for _, x in sorted(begins)] == sorted((x for _, x in begins), reverse=True)
    assert len({x for _, x in begins}) == 3


def test_texts_stay_in_their_boxes() -> None:
    long = "x" * 100
    layer = Layer(long, long, "日本" * 30, "conv2d", output_tensors=(Tensor((10**6,) * 9, "float32"),), macs=None)
    for summary in (Summary(Model("m", "torch", "b"), (), (), (layer,)), summarize(Request("resnet50")).summary):
        page = ET.fromstring(render(summary, "svg", View(depth=1)))
        width, height = int(page.attrib["width"]), int(page.attrib["height"])
        for box in page.findall(f"{SVG}g[{SVG}rect]"):
            frame = box.find(f"{SVG}rect")
            assert frame is not None
            left, right = int(frame.attrib["x"]), int(frame.attrib["x"]) + int(frame.attrib["width"])
            assert 0 < left < right < width
            assert int(frame.attrib["y"]) + int(frame.attrib["height"]) < height
            ends = float(left)
            for text in box.findall(f"{SVG}text"):
                # The type gives each character 0.6 of its size, 12.
                size = cell_len(text.text or "") * 7.2
                start = int(text.attrib["x"]) - (size if "right" in text.attrib["class"] else 0)
                assert ends < start
                ends = start + size
            assert ends < right


def test_a_picture_has_colours_for_light_and_for_dark_pages() -> None:
    text = render(summarize(Request("resnet50")).summary, "svg", View())
    light, dark = re.findall(r"<style>(.*)@media \(prefers-color-scheme:dark\)\{(.*)\}</style>", text, re.DOTALL)[0]
    rules = [dict(re.findall(r"([.\w][^{}\n]*)\{([^}]*)\}", part)) for part in (light, dark)]
    assert {"text", ".page", ".conv", ".shortcut"} <= set(rules[1]) <= set(rules[0])
    assert not [name for name in rules[1] if rules[0][name] == rules[1][name]]
    # Converters to PNG know neither variables nor functions of colours.
    assert "var(" not in text


@pytest.mark.parametrize(("name", "inputs", "module"), [("n" * 90, 0, "m"), ("n", 12, "m"), ("n", 0, "m" * 100)])
def test_titles_stay_on_the_page_and_in_their_frames(name: str, inputs: int, module: str) -> None:
    layers = [Layer(f"{module}.{leaf}", f"{module}.{leaf}", "T", "relu") for leaf in "ab"]
    shapes = (Tensor((1, 3, 224, 224), "float32"),) * inputs
    modules = (("", "Net"), (module, "Module"))
    page = ET.fromstring(render(Summary(Model(name, "torch", "b"), shapes, (), tuple(layers), modules), "svg", View()))
    sizes = {"title": 14 * 0.6, "small": 12 * 0.6, "frame-title": 12 * 0.6}
    texts = [text for text in page.findall(f"{SVG}text") if text.attrib["class"] in sizes]
    title, facts = texts[:2]
    assert (title.text, (facts.text or "").count("1x3x224x224")) == (f"torch:{name}", inputs)
    ends = {text: int(text.attrib["x"]) + sizes[text.attrib["class"]] * len(text.text or "") for text in texts}
    assert max(ends.values()) < int(page.attrib["width"])
    (frame,) = (rect for rect in page.findall(f"{SVG}rect") if rect.attrib["class"] == "frame")
    right = int(frame.attrib["x"]) + int(frame.attrib["width"])
    assert [ends[text] < right for text in texts if text.attrib["class"] == "frame-title"] == [True]


def luminance(colour: str) -> float:
    """Of WCAG 2: how bright a colour is."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_can_be_read_on_every_box_and_page() -> None:
    text = render(summarize(Request("resnet18")).summary, "svg", View())
    for part in re.findall(r"<style>(.*)@media[^{]*\{(.*)\}</style>", text, re.DOTALL)[0]:
        fills = dict(re.findall(r"([.\w][^{}\n]*)\{fill:(#\w{6})", part))
        texts = [fills["text"], fills[".small,.frame-title"]]
        grounds = [fill for name, fill in fills.items() if name not in ("text", ".small,.frame-title", ".frame")]
        grounds = [fill for fill in grounds if fill != fills[".head"] and fill != fills[".shortcut-head,.count"]]
        assert len(grounds) == 9  # the page and eight families
        for ground in grounds:
            for colour in texts:
                high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
                # WCAG's level AA.
                assert (high + 0.05) / (low + 0.05) >= 4.5, (colour, ground)
