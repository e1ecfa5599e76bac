"""What a page of a network has beside graph and table: zooms, pictures to save, links to copy, keys, menus, a scale."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from resnet_inspect.analysis.metrics import metric
from resnet_inspect.ir import Layer
from resnet_inspect.units import exact
from tests.support.browser import Opener, Scheme, obstacles
from tests.support.reports import press, ready, report, summary
from tests.support.toys import IMAGE, network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Page

NETWORK = summary("local:resnet50")
PAGE = report(NETWORK)
#: Where the drawing is, where it may be seen, and how many of its own pixels are one of the page's.
_SHOWN = """() => {
  const [view, drawing] = [".view", ".network"].map((each) => document.querySelector(each).getBoundingClientRect());
  const own = document.querySelector(".network").viewBox.baseVal;
  const inside = drawing.top >= view.top && drawing.bottom <= view.bottom
    && drawing.left >= view.left && drawing.right <= view.right;
  return {
    whole: inside && view.top >= 0 && view.bottom <= innerHeight,
    zoom: drawing.width / own.width,
    wide: drawing.right - drawing.left <= view.width,
    boxes: document.querySelectorAll(".network .box").length,
  };
}"""
#: Frames whose title has a wire over it, where a wire enters: at the middle of the box below.
_CROSSED = """() => [...document.querySelectorAll(".network .frame")].filter((frame) => {
  const [bar, box] = [frame.querySelector(".title"), frame.querySelector(".box")].map(
    (each) => each.getBoundingClientRect());
  const middle = box.left + document.querySelector(".network .box .back").getBoundingClientRect().width / 2;
  const found = document.elementFromPoint(middle, bar.top + bar.height / 2);
  return found && found.closest(".wire");
}).length"""


@pytest.mark.parametrize("size", [(1440, 900), (1280, 800), (1920, 1080)], ids=str)
def test_all_of_the_first_graph_is_seen_and_can_be_read(size: tuple[int, int], opened: Opener) -> None:
    page = ready(opened(PAGE, viewport=size))
    shown = page.evaluate(_SHOWN)
    assert shown["whole"]
    assert shown["zoom"] > 0.79
    assert shown["boxes"] >= 12


def test_titles_of_modules_stand_above_wires(opened: Opener) -> None:
    page = ready(opened(PAGE, viewport=(1440, 1200)))
    assert page.locator(".network .frame").count() >= 4
    assert page.evaluate(_CROSSED) == 0


def test_an_unfolded_graph_fits_the_width_and_is_seen_as_a_whole_on_demand(opened: Opener) -> None:
    page = ready(opened(PAGE, viewport=(1440, 900)))
    press(page, "Unfold")
    press(page, "Zoom out")
    press(page, "Fit")
    shown = page.evaluate(_SHOWN)
    assert (shown["whole"], shown["wide"], shown["zoom"]) == (False, True, pytest.approx(1, abs=0.01))
    press(page, "Overview")
    shown = page.evaluate(_SHOWN)
    assert shown["whole"]
    # One below the other, its 176 boxes would be seen at a twentieth of their size.
    assert shown["zoom"] > 0.12
    press(page, "Fit")
    assert page.evaluate(_SHOWN)["zoom"] == pytest.approx(1, abs=0.01)


def test_heat_has_a_scale(opened: Opener) -> None:
    page = ready(opened(PAGE))
    press(page, "Fold")
    assert page.locator(".scale").inner_text() == ""
    page.get_by_label("Heat").select_option("macs")
    macs = metric("macs")
    stages: dict[str, int] = {}
    for layer in NETWORK.layers:
        stages[layer.path.partition(".")[0]] = stages.get(layer.path.partition(".")[0], 0) + (layer.macs or 0)
    said = page.locator(".scale").inner_text()
    assert said.startswith("MACs by box: lowest 0 ")
    assert f"highest {macs.word(max(stages.values()))}." in said
    glows = page.eval_on_selector_all(
        ".network .heat", "all => all.map((each) => Number(each.getAttribute('fill-opacity')))"
    )
    # Words stay readable on the strongest colour.
    assert (min(glows), max(glows)) == (0, 0.6)
    assert obstacles(page, ignored=("label-content-name-mismatch",)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graph_is_saved_as_a_picture_of_its_own(scheme: Scheme, opened: Opener, tmp_path: Path) -> None:
    page = ready(opened(PAGE, color_scheme=scheme))
    texts = page.locator(".network text").all_text_contents()
    fill = page.eval_on_selector(".network .conv > .back", "each => getComputedStyle(each).fill")
    width, height = page.eval_on_selector(
        ".network", "each => [each.viewBox.baseVal.width, each.viewBox.baseVal.height]"
    )
    saved = {}
    for kind in ("SVG", "PNG"):
        page.locator(".menu > summary", has_text="Save").click()
        with page.expect_download() as waiting:
            press(page, f"Save as {kind}")
        saved[kind] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved[kind])
        page.keyboard.press("Escape")
    assert {path.name for path in saved.values()} == {"local_resnet50.svg", "local_resnet50.png"}

    drawing = ElementTree.parse(saved["SVG"]).getroot()
    assert (float(drawing.attrib["width"]), float(drawing.attrib["height"])) == (width, height)
    assert [each.text or "" for each in drawing.iter("{http://www.w3.org/2000/svg}text")] == texts
    names = {name for each in drawing.iter() for name in each.attrib}
    assert not [name for name in names if re.match("class|style|role|aria|data|tabindex|on", name)]
    assert fill in {each.get("fill") for each in drawing.iter("{http://www.w3.org/2000/svg}rect")}
    assert "var(" not in saved["SVG"].read_text(encoding="utf-8")

    pixels = saved["PNG"].read_bytes()
    assert pixels.startswith(b"\x89PNG")
    assert struct.unpack(">II", pixels[16:24]) == (int(width) * 2, int(height) * 2)
    # An empty picture of this size packs to a tenth of that.
    assert len(pixels) > 50_000


def test_the_link_of_the_selected_layer_is_copied(opened: Opener) -> None:
    page = ready(opened(PAGE, fragment="layer2.0.conv3"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Copy link")
    page.get_by_text("copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert copied.endswith("#layer2.0.conv3")


def _focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def test_escape_closes_what_is_open_and_gives_the_focus_back(opened: Opener) -> None:
    page = ready(opened(PAGE))
    for word in ("Save", "Columns"):
        title = page.locator(".menu > summary", has_text=word)
        title.click()
        page.keyboard.press("Tab")
        assert _focused(page) != word
        page.keyboard.press("Escape")
        page.locator("details[open]").wait_for(state="detached")
        assert _focused(page) == word
        title.click()
        page.locator("h1").click()
        page.locator("details[open]").wait_for(state="detached")
    page.get_by_role("button", name="Fold", exact=True).focus()
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert _focused(page) == "Fold"


def test_keys_are_listed_and_the_single_ones_are_switched_off(opened: Opener) -> None:
    page = ready(opened(PAGE))
    press(page, "Keys")
    assert {"/", "?"} <= set(page.locator(".keys kbd").all_text_contents())
    assert obstacles(page, ignored=("label-content-name-mismatch",)) == []
    # No key does something behind the help.
    page.keyboard.press("/")
    assert not page.get_by_role("searchbox").evaluate("each => each === document.activeElement")
    switch = page.get_by_role("checkbox", name="Single keys")
    switch.uncheck()
    press(page, "Close")
    for key in "/?":
        page.keyboard.press(key)
    assert not page.get_by_role("searchbox").evaluate("each => each === document.activeElement")
    assert page.locator("dialog[open]").count() == 0
    press(page, "Keys")
    switch.check()
    press(page, "Close")
    page.keyboard.press("/")
    assert page.get_by_role("searchbox").evaluate("each => each === document.activeElement")


def test_what_is_selected_stays_while_something_else_is_pointed_at(opened: Opener) -> None:
    page = ready(opened(PAGE, fragment="layer2.0.conv3"))
    name, preview = page.locator(".details .path bdi"), page.locator(".preview")
    assert page.locator(".details dt").first.inner_text() == "Params"
    row = page.locator(".body .row").filter(has=page.locator(".name[title='layer2.0.bn3']"))
    row.hover()
    bn = next(layer for layer in NETWORK.layers if layer.id == "layer2.0.bn3")
    assert name.inner_text() == "layer2.0.conv3"
    assert preview.inner_text().startswith("layer2.0.bn3 · ")
    assert f"{exact(bn.params)} Params" in preview.inner_text()
    page.mouse.move(1, 1)
    assert preview.inner_text() == ""
    assert name.inner_text() == "layer2.0.conv3"


@pytest.mark.parametrize(
    ("join", "passes", "lines"),
    [
        # As in DenseNet: a shortcut, and no residual block.
        ("concat", (), ["identity shortcut"]),
        ("add", (), ["identity shortcut"]),
        ("add", (toy("pool", "max_pool2d", "x"),), ["another shortcut: without weights, but no identity"]),
        ("add", (toy("conv", "conv2d", "x", params=9),), ["projection shortcut"]),
        ("conv2d", (), []),
    ],
)
def test_each_kind_of_line_is_explained(join: str, passes: tuple[Layer, ...], lines: list[str], opened: Opener) -> None:
    end = toy("end", join, f"a {passes[0].id if passes else 'x'}")
    page = ready(opened(report(network(IMAGE, toy("a", "conv2d", "x", params=9), *passes, end))))
    drawn = page.locator(".network .shortcut")
    assert drawn.count() >= len(lines)
    assert [each.strip() for each in page.locator(".legend > span:not(.how)").all_inner_texts()] == lines
    # The kinds differ in their strokes.
    strokes = drawn.evaluate_all("all => all.map((each) => getComputedStyle(each).strokeDasharray)")
    assert len(
        {
            *strokes,
            *page.locator(".legend .shortcut").evaluate_all(
                "all => all.map((each) => getComputedStyle(each).strokeDasharray)"
            ),
        }
    ) == len(lines)


def test_a_long_name_is_whole_and_its_cost_stands_below(opened: Opener) -> None:
    names = ("short", "attention_of_encoder")
    layers = [toy(name, "relu", "x", macs=987_000_000) for name in names]
    page = ready(opened(report(network(IMAGE, *layers))))
    boxes = [
        page.locator(".network .box", has=page.locator("text.name", has_text=re.compile(f"^{name}$"))) for name in names
    ]
    heights = [
        [box.locator("text", has_text=text).get_attribute("y") for text in (name, "relu · ", "987 M MACs")]
        for name, box in zip(names, boxes, strict=True)
    ]
    assert [above == cost for above, _, cost in heights] == [True, False]
    assert [below == cost for _, below, cost in heights] == [False, True]


def test_a_formula_has_a_line_of_its_own(opened: Opener) -> None:
    page = ready(opened(PAGE, viewport=(1440, 900), fragment="layer2.0.conv2"))
    line = page.locator(".details dl div", has=page.locator("dt", has_text="Params are"))
    assert line.locator("dd").inner_text() == "k_h*k_w*C_in*C_out/groups + bias = 3*3*128*128/1 + 0"
    height = page.locator(".details dl div").first.evaluate("each => each.offsetHeight")
    assert line.evaluate("each => each.offsetHeight") == height


def test_an_overview_is_of_all_where_no_column_can_end(opened: Opener) -> None:
    # A connection that goes along all the layers keeps them in one column.
    names = [f"layer{number}" for number in range(400)]
    chain = [toy(name, "relu", before) for name, before in zip(names, ["x", *names], strict=False)]
    long = network(IMAGE, *chain, toy("end", "add", f"{names[-1]} x"))
    page = ready(opened(report(long), viewport=(1440, 900)))
    press(page, "Unfold")
    press(page, "Overview")
    shown = page.evaluate(_SHOWN)
    assert shown["boxes"] == 402
    assert shown["whole"]
    assert shown["zoom"] < 0.06
    press(page, "Zoom out")
    assert page.evaluate(_SHOWN)["zoom"] == pytest.approx(shown["zoom"])
    press(page, "Zoom in")
    assert page.evaluate(_SHOWN)["zoom"] > shown["zoom"]


_IN_WINDOW = """selector => {
  const found = document.querySelector(selector).getBoundingClientRect();
  return found.top >= 0 && found.bottom <= innerHeight;
}"""


@pytest.mark.parametrize("size", [(1440, 900), (1024, 600)], ids=str)
def test_a_permalink_brings_its_row_and_its_box_into_view(size: tuple[int, int], opened: Opener) -> None:
    page = ready(opened(PAGE, viewport=size, fragment="layer4.2.conv3"))
    assert page.evaluate(_IN_WINDOW, ".network [aria-selected=true]")
    assert page.evaluate(_IN_WINDOW, ".body [aria-selected=true]")


def test_an_unknown_permalink_is_told(opened: Opener) -> None:
    page = ready(opened(PAGE, fragment="layer9.%3Cb%3E"))
    said = page.locator(".search [role=status]")
    assert said.inner_text() == "No layer here is called layer9.<b>."
    assert said.is_visible()
    page.evaluate("location.hash = '#layer1.0.conv1'")
    page.locator(".details .path bdi", has_text="layer1.0.conv1").wait_for()
    assert said.inner_text() == ""
