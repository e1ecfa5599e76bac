"""How the page of one network looks: to people of all kinds, in light and dark, on a phone, on paper, and when huge."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from resnet_inspect.analysis.memory import inference_peak
from resnet_inspect.ir import Layer, Parameter, Summary
from tests.support.browser import Opener, Scheme, obstacles, settle
from tests.support.reports import press, ready, report, rows, summary
from tests.support.toys import network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Page

NETWORK = summary("local:resnet50")
#: What is seen in a frame is all that stands inside of it, whose names those are: a module's own is in its title.
IGNORED = ("label-content-name-mismatch",)
_ROWS = "document.querySelectorAll('.body .row').length"


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)], ids=lambda value: f"{value}"
)
def test_nobody_is_shut_out_and_nothing_is_cut_off(scheme: Scheme, width: int, opened: Opener) -> None:
    page = ready(opened(report(NETWORK), viewport=(width, 844), color_scheme=scheme, fragment="layer2.0.conv3"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.scrollWidth") <= width
    light, dark = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == (dark if scheme == "dark" else light)
    assert obstacles(page, ignored=IGNORED) == []
    page.locator(".menu > summary", has_text="Columns").click()
    page.locator(".choice select").first.select_option("macs")
    assert obstacles(page, ignored=IGNORED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


#: Texts of the table that are cut off, and how far numbers stand out of what is seen.
_CUT_OFF = """() => {
  const view = document.querySelector(".rows");
  const cells = [...view.querySelectorAll(".titles > div, .body [data-key=output], .body .number")];
  return {
    cut: cells.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent),
    outside: view.scrollWidth - view.clientWidth,
  };
}"""


def test_a_table_has_the_columns_that_there_is_room_for(opened: Opener) -> None:
    page = ready(opened(report(NETWORK), viewport=(1440, 844)))
    titles = ["Type", "Output shape", "Params", "MACs"]
    for width, count in ((1440, 4), (1024, 3), (390, 2), (1440, 4)):
        page.set_viewport_size({"width": width, "height": 844})
        settle(page)
        assert page.locator(".titles button").all_inner_texts() == ["Layer", *titles[4 - count :]]
        assert page.evaluate(_CUT_OFF) == {"cut": [], "outside": 0}
        checked = page.locator(".menu label", has=page.locator("input:checked")).all_text_contents()
        assert [each.strip() for each in checked] == titles[4 - count :]
    # What somebody chooses stays, however narrow the window becomes.
    page.eval_on_selector_all(".menu input:not(:checked)", "boxes => boxes[0].click()")
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert page.locator(".titles button").all_inner_texts() == ["Layer", *titles[:2], "Input shape", *titles[2:]]


def test_long_facts_have_the_width_and_parts_stand_below_the_whole(opened: Opener) -> None:
    reason = "because of a long story " * 5
    page = ready(opened(report(replace(NETWORK, trace=replace(NETWORK.trace, reason=reason)))))
    wholes = page.locator(".facts > div")
    (parameters,) = (each for each in wholes.all() if each.locator("dt").inner_text() == "Parameters")
    assert parameters.locator(".part").all_inner_texts() == ["trainable 25,557,032", "frozen 0"]
    widths = "each => [each.offsetWidth, each.offsetHeight]"
    (wide, low), (narrow, _) = (each.evaluate(widths) for each in (wholes.filter(has_text="a long story"), parameters))
    assert wide > 1200 > 4 * narrow
    assert low < 50


def test_on_paper_every_row_is_there(opened: Opener) -> None:
    page = ready(opened(report(NETWORK)))
    press(page, "Unfold")
    listed = rows(page)
    assert page.evaluate(_ROWS) < len(listed)
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {_ROWS} }})")
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.printed") == len(listed)
    assert page.evaluate(_ROWS) < len(listed)

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    grid, last = (page.locator(place).bounding_box() for place in (".treegrid", ".body .row >> nth=-1"))
    assert grid is not None
    assert last is not None
    assert grid["y"] + grid["height"] >= last["y"] + last["height"]
    assert page.locator(":is(button, select, input):visible:not(.bar, .link, .titles button)").count() == 0
    # Somebody who has paper alone can't look which quantity was chosen.
    assert page.locator("text=Params in all: 25,557,032").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    # Browsers leave backgrounds out unless they are told that something is drawn by them.
    for part in (".bar .track", ".bar .fill"):
        assert page.locator(part).first.evaluate("each => getComputedStyle(each).printColorAdjust") == "exact"


def test_tensors_without_a_graph_have_the_width_and_colours_by_module(opened: Opener) -> None:
    stored = replace(NETWORK, trace=replace(NETWORK.trace, method="header"))
    page = ready(opened(report(stored), viewport=(1440, 900)))
    assert page.locator(".network").count() == 0
    table, treemap = (page.locator(place).bounding_box() for place in (".treegrid", ".treemap"))
    assert table is not None
    assert treemap is not None
    assert table["width"] > 1000
    assert treemap["width"] > 1380
    fills = {
        name: page.locator(".treemap g", has=page.locator("title", has_text=f"{name}.conv2:"))
        .locator(".back")
        .evaluate("each => getComputedStyle(each).fill")
        for name in ("layer3.0", "layer3.1", "layer4.0")
    }
    assert fills["layer3.0"] == fills["layer3.1"] != fills["layer4.0"]
    assert "rgb(255, 255, 255)" not in fills.values()
    assert obstacles(page, ignored=IGNORED) == []


def test_without_scripts_the_page_says_so_and_has_its_totals(opened: Opener) -> None:
    page = opened(report(NETWORK), java_script=False)
    assert "A script inside this page draws it." in page.inner_text("body")
    assert "25,557,032" in page.inner_text(".facts")


def test_memory_and_the_largest_parts_are_those_of_the_network(opened: Opener) -> None:
    page = ready(opened(report(NETWORK)))
    peak = inference_peak(NETWORK)
    assert f"({peak:,} bytes)" in page.inner_text(".memory .hint")
    page.locator(".alive button").first.click()
    assert page.locator(".details .path bdi").inner_text() == page.locator(".alive button").first.inner_text()
    titles = page.locator(".treemap g title").all_text_contents()
    for layer in NETWORK.layers:
        if layer.params > NETWORK.totals.params / 50:
            share = 100 * layer.params / NETWORK.totals.params
            assert f"{layer.path}: {layer.params:,}, {share:.1f} %" in titles
    page.get_by_label("Quantity").select_option("macs")
    assert "conv1: 118 M, 2.9 %" in page.locator(".treemap g title").all_text_contents()
    page.locator(".treemap g", has=page.locator("title", has_text="conv1: 118 M")).locator(".back").click()
    assert page.locator(".details .path bdi").inner_text() == "conv1"


def many(count: int, inside: int) -> Summary:
    """A chain of layers; ``inside`` of them in a row have a module of their own."""
    names = [f"m{number // inside}.l{number}" for number in range(count)]
    chain = [toy(name, "relu", before) for name, before in zip(names, ["x", *names], strict=False)]
    modules = {f"m{number}": "Block" for number in range(count // inside)}
    return network(toy("x", "input"), *chain, modules=(("", "Net"), *modules.items()))


def test_ten_thousand_layers_are_few_rows_at_a_time(opened: Opener) -> None:
    page = ready(opened(report(many(10_000, 100))))
    most = 0
    press(page, "Type")
    for part in (0, 0.31, 0.5, 0.999, 1):
        page.evaluate(
            "part => { const rows = document.querySelector('.rows'); rows.scrollTop = part * rows.scrollHeight }", part
        )
        settle(page)
        most = max(most, page.evaluate(_ROWS))
        assert page.evaluate(_ROWS) > 5
    assert most < 100
    last = page.locator("[aria-rowindex='10002']")
    assert last.locator(".name").inner_text() == "m99.l9999"
    last.click()
    assert page.locator(".details .path bdi").inner_text() == "m99.l9999"
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.getAttribute('aria-rowindex')") == "2"
    press(page, "Layer")
    assert page.evaluate(_ROWS) < 100


#: What strangers call layers.
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<img src=https://example.invalid/a.png onerror=alert(2)>",
    "x" * 10_000,
    "\u202eright\u2066left\u200f\u061c",
    "line\nbreak\x1b[31m\0",
    "",
    "__proto__",
    "constructor",
    "toString",
    "javascript:alert(3)",
    "'\"`${alert(4)}",
    "&lt;b&gt;&amp;",
    "卷积/étage",
    "=cmd|' /C calc'!A0",
)
#: Characters that turn text around or move a cursor.
CONTROLS = set("\u202e\u2066\u200f\u061c\x1b\0")
#: What the details and the row say of each layer and module that is in the table's view.
_EACH_SELECTED = """() => [...document.querySelectorAll(".body .row")].map((row) => {
  row.click();
  return document.querySelector(".details").outerHTML + row.outerHTML;
})"""


def hostile() -> Summary:
    """A network whose names, types, settings and parameters are all of these."""
    layers: list[Layer] = [toy("x", "input")]
    for index, name in enumerate(HOSTILE, 1):
        before = layers[-1].id
        for path in (name, *(f"{name or 'n'}.{name or 'n'}{number}" for number in (index, -index))):
            layer = toy(path, ("relu", "add", "conv2d")[index % 3], type=name, attributes={name: (name, 1)})
            weight = Parameter(f"{path}.{name}", (3,), name, "trainable")
            layers.append(replace(layer, inputs=(before,), parameters=(weight,), shared=(name,)))
    made = network(*layers, modules=(("", HOSTILE[0]), *((name or "n", name) for name in HOSTILE)))
    return replace(made, model=replace(made.model, name=HOSTILE[0]))


def test_names_of_strangers_are_text(opened: Opener) -> None:
    text = report(hostile())
    page = ready(opened(text, fragment="__proto__", viewport=(1280, 1600)))
    assert page.title() == page.inner_text("h1") == f"torch:{HOSTILE[0]}"
    assert page.locator(".details .path bdi").inner_text() == "__proto__"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Unfold")
    elements = page.evaluate("document.querySelectorAll('img, script, iframe, b').length")
    assert elements == text.count("<script")
    listed = rows(page)
    names = {row["name"] for row in listed}
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[2][:500], "__proto__", "卷积/étage", "&lt;b&gt;&amp;"} <= names
    assert r"\u202eright\u2066left\u200f\u061c" in names
    assert page.locator(".body .name bdi", has_text="(no name)").count() > 0
    for shown in page.evaluate(_EACH_SELECTED):
        assert not set(shown) & CONTROLS
        assert "<dt>Output shape</dt>" in shown
    press(page, "Copy CSV")
    page.get_by_text("copied", exact=True).wait_for()
    cells = [cell for line in csv.reader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))) for cell in line]
    assert len(cells) == 5 * (len(listed) + 1)
    assert not [cell for cell in cells if cell.startswith("=")]
    page.get_by_role("searchbox").fill("<img")
    page.keyboard.press("Enter")
    assert page.locator(".search [role=status]").inner_text().startswith("1 of")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate("({}).polluted") is None
    assert page.evaluate("document.querySelectorAll('img, script, iframe, b').length") == elements
    assert_no_controls(page)


def assert_no_controls(page: Page) -> None:
    """No character that turns text around or moves a cursor is in what the script made, be it text or attribute."""
    assert not set(page.locator("main").evaluate("main => main.outerHTML")) & CONTROLS
