"""The page of one network in people's hands: graph and table fold and select together, by mouse and by keys."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from resnet_inspect import ir_json
from tests.support.browser import Opener
from tests.support.reports import press, ready, report, rows, summary
from tests.support.toys import network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

NETWORK = summary("local:resnet50")
PAGE = report(NETWORK)
#: How many of each are drawn: boxes, frames, rows; and which of them are selected, by their words.
_SEEN = """() => ({
  boxes: document.querySelectorAll(".network .box").length,
  rows: Number(document.querySelector("[role=treegrid]").getAttribute("aria-rowcount")) - 1,
  box: [...document.querySelectorAll('.network [aria-selected="true"]')].map((box) => Number(box.dataset.node)),
  row: [...document.querySelectorAll('.treegrid [aria-selected="true"]')].map((row) => Number(row.dataset.node)),
  hash: decodeURIComponent(location.hash),
})"""
#: Whether an element is within what is seen of the box that scrolls it.
_IN_VIEW = """element => {
  const [own, view] = [element, element.closest(".view, .rows")].map((each) => each.getBoundingClientRect());
  return own.top >= view.top && own.bottom <= view.bottom && own.left < view.right && own.right > view.left;
}"""


def box(page: Page, name: str) -> Locator:
    """What is drawn of a layer or module: its box, or its frame."""
    return page.locator(f".network [data-node='{node(page, name)}']")


def row(page: Page, name: str) -> Locator:
    """The row of a layer or module, if it is in the page."""
    return page.locator(".body .row").filter(has=page.locator(f".name[title='{name}']"))


def node(page: Page, name: str) -> str:
    found = row(page, name).get_attribute("data-node")
    assert found is not None
    return found


def assert_selected(page: Page, name: str) -> None:
    """One box and one row are selected, of the same layer; both are in view, and the address and details name it."""
    seen = page.evaluate(_SEEN)
    assert seen["row"] == seen["box"] == [int(node(page, name))]
    assert seen["hash"] == f"#{name}"
    assert page.locator(".details .path bdi").inner_text() == name
    assert row(page, name).evaluate(_IN_VIEW)
    frame = box(page, name).get_attribute("aria-expanded") == "true"
    assert box(page, name).locator("> .title" if frame else "> .back").evaluate(_IN_VIEW)


def test_graph_and_table_fold_and_select_together(opened: Opener) -> None:
    page = ready(opened(PAGE))
    press(page, "Fold")
    folded = page.evaluate(_SEEN)
    assert folded["boxes"] == folded["rows"] == 12

    row(page, "layer2").locator("bdi").click()
    page.mouse.move(1, 1)
    assert_selected(page, "layer2")
    box(page, "avgpool").locator("> .back").click()
    page.mouse.move(1, 1)
    assert_selected(page, "avgpool")

    # Unfolded in the graph, the table has it too; folded there, the graph does.
    box(page, "layer2").locator("> .back").click()
    assert row(page, "layer2").get_attribute("aria-expanded") == "true"
    assert box(page, "layer2").get_attribute("aria-expanded") == "true"
    unfolded = page.evaluate(_SEEN)
    assert unfolded["rows"] - folded["rows"] == unfolded["boxes"] - folded["boxes"] + 1 > 1
    row(page, "layer2").locator(".twist").click()
    assert box(page, "layer2").get_attribute("aria-expanded") == "false"
    row(page, "layer2").locator("bdi").dblclick()
    box(page, "layer2").locator("> .title").click(position={"x": 30, "y": 8})
    assert row(page, "layer2").get_attribute("aria-expanded") == "false"
    assert page.evaluate(_SEEN)["boxes"] == folded["boxes"]


def test_rows_stay_where_they_are_seen_while_modules_fold(opened: Opener) -> None:
    page = ready(opened(PAGE, viewport=(1440, 900), fragment="layer3.0.conv2"))
    selected = row(page, "layer3.0.conv2")
    top = selected.evaluate("each => each.getBoundingClientRect().top")
    press(page, "Unfold")
    assert selected.evaluate("each => each.getBoundingClientRect().top") == top
    assert selected.evaluate(_IN_VIEW)
    # Folded, the module around it takes its place, as far as the table goes.
    press(page, "Fold")
    assert page.locator(".body [aria-selected=true] .name").get_attribute("title") == "layer3"
    # Where the selected one is elsewhere, the row on top stays.
    press(page, "Unfold")
    page.locator(".rows").evaluate("view => { view.scrollTop = 0 }")
    press(page, "Fold")
    assert page.locator(".rows").evaluate("view => view.scrollTop") == 0


def test_a_search_opens_what_it_finds(opened: Opener) -> None:
    page = ready(opened(PAGE))
    press(page, "Fold")
    page.keyboard.press("/")
    page.keyboard.type("Layer3.5.BN")
    status = page.locator(".search [role=status]")
    assert status.inner_text() == "3 found"
    page.keyboard.press("Enter")
    assert status.inner_text() == "1 of 3"
    assert_selected(page, "layer3.5.bn1")
    page.keyboard.press("Enter")
    assert_selected(page, "layer3.5.bn2")
    press(page, "Previous match")
    press(page, "Previous match")
    page.mouse.move(1, 1)
    assert status.inner_text() == "3 of 3"
    assert_selected(page, "layer3.5.bn3")
    field = page.get_by_role("searchbox")
    field.fill("nothing like it")
    assert status.inner_text() == "0 found"
    field.press("Enter")
    assert_selected(page, "layer3.5.bn3")
    field.press("Escape")
    assert (field.input_value(), status.inner_text()) == ("", "")


def test_an_address_opens_and_selects_its_layer(opened: Opener) -> None:
    page = ready(opened(report(NETWORK, depth=1), fragment="layer2.0.conv3"))
    assert_selected(page, "layer2.0.conv3")
    page.evaluate("location.hash = 'layer4.2.relu:2'")
    page.wait_for_function("document.querySelector('.details .path').textContent.startsWith('layer4.2.relu:2')")
    assert_selected(page, "layer4.2.relu:2")
    page.reload()
    assert_selected(ready(page), "layer4.2.relu:2")
    for address in ("%", "%E0%A4%A", "nowhere", "__proto__", ""):
        page.evaluate("address => { location.hash = address }", address)
    assert page.locator(".details .path bdi").inner_text() == "layer4.2.relu:2"


def test_rows_are_copied_with_exact_numbers(opened: Opener) -> None:
    page = ready(opened(PAGE))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Unfold")
    press(page, "Copy CSV")
    page.get_by_text("copied", exact=True).wait_for()
    copied = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    listed = rows(page)
    assert len(copied) == len(listed)
    layers = {layer["id"]: layer for layer in ir_json.to_dict(NETWORK)["layers"]}
    found = {line["Layer"]: line for line, shown in zip(copied, listed, strict=True) if shown["layer"]}
    assert list(found) == list(layers)
    for name, line in found.items():
        assert (int(line["Params"]), int(line["MACs"])) == (layers[name]["params"], layers[name]["macs"])
        assert line["Type"] == layers[name]["type"]
    assert all(
        int(line["Params"]) == int(shown["cells"]["params"].replace(",", ""))
        for line, shown in zip(copied, listed, strict=True)
    )

    press(page, "Copy Markdown")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('|'))")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == len(listed) + 2
    assert {line.count("|") for line in lines} == {6}
    assert lines[1].replace(" ", "") == "|:---|:---|:---|---:|---:|"


def test_words_are_copied_as_they_are(opened: Opener) -> None:
    page = ready(opened(report(network(toy("x", "input"), toy("a", "relu", "x", type="Top 1,000")))))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Copy CSV")
    page.get_by_text("copied", exact=True).wait_for()
    assert '"Top 1,000"' in page.evaluate("navigator.clipboard.readText()")


def test_columns_sort_all_layers(opened: Opener) -> None:
    page = ready(opened(PAGE))
    press(page, "Params")
    amounts = [int(line["cells"]["params"].replace(",", "")) for line in rows(page)]
    assert amounts == sorted((layer.params for layer in NETWORK.layers), reverse=True)
    assert page.locator("[aria-sort=descending]").inner_text() == "Params"
    press(page, "Params")
    assert [int(line["cells"]["params"].replace(",", "")) for line in rows(page)] == sorted(amounts)
    assert page.locator("[aria-sort=ascending]").inner_text() == "Params"
    press(page, "Type")
    types = [line["cells"]["type"] for line in rows(page)]
    assert types == sorted(types, key=str.lower)
    press(page, "Layer")
    assert rows(page)[0]["name"] == NETWORK.layers[0].id


def _focused(page: Page) -> str:
    """The words of what has the focus, as it is read to somebody who doesn't see it."""
    words: str = page.evaluate(
        "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return words


def test_the_keyboard_alone_folds_finds_and_selects(opened: Opener) -> None:
    page = ready(opened(PAGE))
    keys = page.keyboard

    def tab_to(selector: str) -> None:
        for _ in range(40):
            keys.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no tab leads to {selector}")

    tab_to(".search input")
    tab_to("button[title='Fold all modules']")
    keys.press("Enter")
    assert page.evaluate(_SEEN)["boxes"] == 12

    # The graph: down to layer1, into it, to its first block's first layer, and out again.
    tab_to(".network [data-node]")
    keys.press("Home")
    assert _focused(page).startswith("input, Input")
    for _ in range(5):
        keys.press("ArrowDown")
    assert _focused(page).startswith("layer1")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    keys.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    assert _focused(page).startswith("conv1, Conv2d, 1x64x56x56")
    assert_selected(page, "layer1.0.conv1")
    keys.press("ArrowLeft")
    assert_selected(page, "layer1.0")
    keys.press("ArrowLeft")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    keys.press("End")
    assert_selected(page, "fc")

    # The table: the focus stands where the selection is.
    tab_to(".body .row")
    assert_selected(page, "fc")
    keys.press("Home")
    assert_selected(page, "input")
    for _ in range(5):
        keys.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    keys.press("ArrowLeft")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    keys.press("Enter")
    keys.press("ArrowDown")
    assert page.evaluate(_SEEN)["row"] == page.evaluate(_SEEN)["box"]
    assert page.evaluate("document.activeElement.matches('.body .row[aria-selected=true]')")
    keys.press("PageDown")
    keys.press("End")
    assert_selected(page, "fc")

    # A layer is found by its name.
    keys.press("/")
    keys.type("layer4.2.conv2")
    keys.press("Enter")
    assert_selected(page, "layer4.2.conv2")
