"""The table as a picture: its own drawing of lines, and words that no font moves."""

from __future__ import annotations

import html
import re
import time
import xml.etree.ElementTree as ET

import pytest

from resnet_inspect.ir import Layer, Model, Parameter, Summary
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from tests.support.command import local


def test_table_svg_is_a_picture_of_the_table() -> None:
    summary = summarize(Request("resnet18")).summary
    drawn = render(summary, "table-svg", View())
    text = html.unescape(re.sub(r"<[^>]+>", "\n", drawn))
    assert {layer.id for layer in summary.layers} <= set(text.split())
    assert "Parameters" in text
    lanes = local("summary", "resnet18", "--format", "table-svg")
    # A dot for each row, filled or not, and two in the legend.
    assert len(re.findall("<circle", lanes.stdout)) == len(summary.layers) + 2
    assert 'class="lane-line" d="' in lanes.stdout
    assert "<circle" not in local("summary", "resnet18", "--format", "table-svg", "--sort", "macs").stdout
    assert not re.search("https?://(?!www.w3.org)|@font-face|@import|url", lanes.stdout)
    assert drawn == render(summary, "table-svg", View())


def test_cells_of_a_table_svg_stand_below_one_another_whatever_the_font() -> None:
    """Each word is as wide as its letters in a terminal: names begin at one place, numbers end at one."""
    layers = [
        Layer("conv", "conv", "Conv2d", "conv2d", parameters=(Parameter("w", (10,), "float32", "trainable"),)),
        Layer("層<b>", "層<b>", "ReLU", "relu", parameters=(Parameter("w", (1234,), "float32", "trainable"),)),
    ]
    drawn = render(Summary(Model("m", "torch", "b"), (), (), tuple(layers)), "table-svg", View())
    words = {
        element.text: (float(element.attrib["x"]), float(element.attrib["textLength"]), element.attrib["class"])
        for element in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    }
    letter = words["Conv2d"][1] / 6
    assert words["層<b>"][1] == pytest.approx(5 * letter)
    assert words["conv"][0] == words["層<b>"][0] == words["Layer"][0]
    assert sum(words["10"][:2]) == pytest.approx(sum(words["1,234"][:2]), abs=0.2)
    assert (words["Conv2d"][2], words["ReLU"][2], words["Layer"][2]) == ("conv", "activation", "text bold")


def test_the_frame_of_a_table_svg_is_drawn_in_whole_lines() -> None:
    """Of three columns: a line on each side and two between; one above, one below the titles, one below the rows."""
    layers = tuple(Layer(name, name, "T", "relu") for name in "abc")
    drawn = render(
        Summary(Model("m", "torch", "b"), (), (), layers), "table-svg", View(columns=("path", "type", "params"))
    )
    (path,) = re.findall(r'<path class="frame-line" d="([^"]+)"', drawn)
    assert len(re.findall(r"h[\d.]+", path)) == 3
    assert len(re.findall(r"v[\d.]+", path)) == 4


def test_a_share_in_a_table_svg_is_a_bar() -> None:
    layers = [
        Layer(f"l{size}", f"l{size}", "T", "dense", parameters=(Parameter("w", (size,), "float32", "trainable"),))
        for size in (16, 8, 1)
    ]
    drawn = render(Summary(Model("m", "torch", "b"), (), (), tuple(layers)), "table-svg", View(sort="params"))
    widths = [float(width) for width in re.findall(r'<rect class="frame" [^>]*width="([\d.]+)"', drawn)]
    # The largest fills eight letters, and others are drawn to an eighth of one.
    assert widths == pytest.approx([8 * 8.4, 4 * 8.4, 0.5 * 8.4], abs=0.1)


def test_a_very_wide_table_svg_takes_no_time() -> None:
    name = "n" * 100_000
    begun = time.process_time()
    render(Summary(Model("m", "torch", "b"), (), (), (Layer(name, name, "T", "relu"),)), "table-svg", View())
    assert time.process_time() - begun < 2
