"""Pages of reports in a browser: plots with every point, tables that sort, and the residual blocks in their graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from resnet_inspect.errors import InputError
from resnet_inspect.ir import Summary
from resnet_inspect.readers.identity import Experiment, Variant
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local import reader as local
from resnet_inspect.readers.request import Metric, Request
from resnet_inspect.render.html.report import render
from resnet_inspect.render.report import compare, identity, residual, sweep
from tests.render.html.test_network_looks import CONTROLS, HOSTILE, IGNORED, hostile
from tests.support.browser import Opener, Scheme, obstacles
from tests.support.reports import markup, press, ready, seen, summary
from tests.support.toys import IMAGE, network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Page

NETWORKS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
_TABLE = """() => ({
  heads: [...document.querySelectorAll(".plain th button")].map((each) => each.textContent),
  sorted: [...document.querySelectorAll(".plain th")].map((each) => each.getAttribute("aria-sort")),
  rows: [...document.querySelectorAll(".plain tbody tr")].map(
    (row) => [Number(row.dataset.row), ...[...row.cells].map((cell) => cell.textContent)]),
})"""


def accuracy(value: float) -> Metric:
    return Metric("V1", "ImageNet-1K", "acc@1", value)


def compared() -> list[dict[str, Any]]:
    """The rows of some networks; two have no accuracy, and of one no MACs are known."""
    rows = [
        compare.compared(summary(f"local:{name}"), (accuracy(70 + at),) if at < 4 else ())
        for at, name in enumerate(NETWORKS)
    ]
    odd = network(IMAGE, toy("odd", "other", "x", macs=None, params=9))
    return [*rows, compare.compared(odd, ())]


def shape(side: int, channels: int = 3) -> Request:
    return Request("resnet18", inputs=Shapes(((channels, side, side),)))


def steps() -> list[sweep.Step]:
    """Sizes of a sweep; the first and the fourth don't fit."""
    sides = (96, 128, 224, 1024)
    found: dict[int, Summary] = {side: local.summarize(shape(side)).summary for side in sides}
    return [
        sweep.Step(f"3x{side}x{side}", side, found[side] if side in found else InputError(f"{side} is too small"))
        for side in (16, 96, 128, 160, 224, 1024)
    ]


def test_networks_side_by_side(opened: Opener) -> None:
    rows = compared()
    shown = compare.report(rows)
    panel, notes = compare.panel(rows, "macs", "acc1")
    page = ready(opened(render(shown, "6 networks", [panel], notes)))
    assert page.title() == page.inner_text("h1") == "6 networks"
    assert page.locator(".notes .hint").all_text_contents() == list(notes)
    assert [len(notes), notes[0].partition(" (")[0]] == [2, "not in the plot: torch:toy"]
    # A point for each network of which both are known, 10**9 MACs across and percents up; the front goes through all.
    titles = page.locator(".chart g title").all_text_contents()
    assert titles == [
        f"{name}: {macs}, {70 + at}"
        for at, (name, macs) in enumerate(
            [("resnet18", "1.814"), ("resnet34", "3.664"), ("resnet50", "4.089"), ("resnet101", "7.801")]
        )
    ]
    circles = page.locator(".chart circle")
    places = circles.evaluate_all(
        "all => all.map((each) => [Number(each.getAttribute('cx')), -each.getAttribute('cy')])"
    )
    assert places == sorted(places)
    assert len({y for _, y in places}) == 4
    assert page.locator(".chart .front").count() == 1
    assert page.locator(".chart .title").all_text_contents() == ["MACs (G)", "Acc@1 %"]
    assert_sorts(page, rows, [column.key for column in shown.columns])


def test_the_reader_chooses_both_axes(opened: Opener) -> None:
    rows = compared()
    axes = compare.axes(rows, "macs", None)
    panel, notes = compare.panel(rows, "macs", None)
    page = ready(opened(render(compare.report(rows), "6 networks", [panel], notes, axes=axes)))
    for x, y in (("macs", "acc1"), ("params", "acc1"), ("params", "macs"), ("acc1", "depth"), ("rf", "layers")):
        page.get_by_label("Across").select_option(x)
        page.get_by_label("Up").select_option(y)
        expected, told = compare.panel(rows, x, y)
        titles = [expected.x_title, expected.y_title]
        assert page.locator(".chart .title").all_text_contents() == titles
        named = page.locator(".chart g title").all_text_contents()
        assert [text.partition(": ")[0] for text in named] == [point.label for point in expected.points]
        front = page.locator(".chart .front")
        corners = len(expected.front) if len(expected.front) > 1 else 0
        assert sum((each.get_attribute("d") or "").count("L") + 1 for each in front.all()) == corners
        assert page.locator(".notes .hint").all_text_contents() == list(told)
    # What isn't known of any network is no choice.
    assert "kv_cache_bytes" not in [axis.key for axis in axes.choices]


def test_every_point_has_its_name_and_none_hides_another(opened: Opener) -> None:
    """Forty networks of which one is a hundred times larger than most."""
    like = compared()[0]
    work = [10**9 * (1 + at // 8) for at in range(39)] + [4 * 10**11]
    rows = [{**like, "model": f"torch:network{at}", "macs": macs, "acc1": 70 + at / 3} for at, macs in enumerate(work)]
    panel, _ = compare.panel(rows, "macs", "acc1")
    page = ready(opened(render(compare.report(rows), "40 networks", [panel])))
    names = page.locator(".chart g text.small")
    assert names.count() == 40
    boxes = [box for box in (each.bounding_box() for each in names.all()) if box]
    for at, one in enumerate(boxes):
        for other in boxes[:at]:
            across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
            up = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
            assert across <= 1 or up <= 5  # lines of text have room above and below their letters


def natural(value: Any) -> Any:
    """Numbers by their amounts, texts with numbers in them as people count: resnet18 before resnet101."""
    if not isinstance(value, str):
        return value
    parts: list[Any] = [""]
    for letter in value.lower():
        if letter.isdigit() == isinstance(parts[-1], int):
            parts[-1] = parts[-1] * 10 + int(letter) if letter.isdigit() else parts[-1] + letter
        else:
            parts.append(int(letter) if letter.isdigit() else letter)
    return parts


def assert_sorts(page: Page, rows: list[dict[str, Any]], keys: list[str]) -> None:
    """Every column sorts both ways by its exact values, equal ones as they were; what isn't known stays last."""
    table = page.evaluate(_TABLE)
    assert [row[0] for row in table["rows"]] == list(range(len(rows)))
    assert set(table["sorted"]) == {"none"}
    for place, (head, key) in enumerate(zip(table["heads"], keys, strict=True)):
        unknown = [at for at, row in enumerate(rows) if row[key] is None]
        known = [at for at, row in enumerate(rows) if row[key] is not None]
        is_number = page.locator(".plain th").nth(place).get_attribute("class") == "number"
        for falling in (is_number, not is_number):
            press(page, head)
            after = page.evaluate(_TABLE)
            expected = sorted(known, key=lambda at: natural(rows[at][key]), reverse=falling)
            assert [row[0] for row in after["rows"]] == [*expected, *unknown], (key, falling)
            assert after["sorted"][place] == ("descending" if falling else "ascending")
            assert after["sorted"].count("none") == len(keys) - 1
            assert all(row[place + 1] == "n/a" for row in after["rows"][len(known) :])


def test_sizes_and_those_that_do_not_fit(opened: Opener) -> None:
    found = steps()
    shown = sweep.report("local:resnet18", found)
    page = ready(opened(render(shown, "resnet18 at 6 sizes", sweep.panels(found))))
    assert page.locator(".chart").count() == 3
    for at, title in enumerate(("MACs (G)", "Activations (MiB)", "Inference peak (MiB)")):
        chart = page.locator(".chart").nth(at)
        assert chart.get_attribute("aria-label") == f"{title} against Size"
        assert chart.locator(".curve").count() == 1
        assert chart.locator(".curve").get_attribute("d", timeout=1000).count("L") == 3  # type: ignore[union-attr]
        assert [text.split(",")[0] for text in chart.locator("g title").all_text_contents()[:3]] == ["96", "128", "224"]
        assert chart.locator("circle").count() == 4
        assert chart.locator(".missing title").all_text_contents() == ["16: doesn't fit", "160: doesn't fit"]
    facts = page.inner_text(".facts")
    assert "4 of 6 sizes" in facts
    assert "3x160x160: 160 is too small" in facts
    assert_sorts(
        page,
        [{**row, "fits": "yes" if row["fits"] else "no"} for row in shown.rows],
        [column.key for column in shown.columns],
    )


def test_a_block_of_the_table_is_found_in_the_graph(opened: Opener) -> None:
    model = summary("local:resnet34")
    shown = residual.report(model)
    page = ready(opened(render(shown, "Residual blocks", summary=model)))
    blocks = [f"layer{stage}.{block}" for stage, count in ((1, 3), (2, 4), (3, 6), (4, 3)) for block in range(count)]
    assert [row[1] for row in page.evaluate(_TABLE)["rows"]] == blocks
    press(page, "Channels")
    assert page.evaluate(_TABLE)["rows"][0][1] == "layer4.1"
    press(page, "Channels")
    assert page.evaluate(_TABLE)["rows"][0][1] == "layer1.0"
    for block in ("layer4.1", "layer2.0", "layer1.2"):
        press(page, block)
        assert seen(page)["selected"] == seen(page)["chosen"] == [f"{block}.add"]
        assert page.evaluate("decodeURIComponent(location.hash)") == f"#{block}.add"
    assert obstacles(page, ignored=IGNORED) == []


def test_an_experiment_with_what_is_not_finite(opened: Opener) -> None:
    cases = (
        Variant("zeroed", True, 0.0, 0.0),
        Variant("plain", False, 1.5, None),
        Variant("shortcut cut", False, None, 2e-9),
    )
    shown = identity.report(Experiment("torch", "residual_block", 0, (1, 3, 24, 24), cases))
    page = ready(opened(render(shown, "Identity: block")))
    assert page.locator(".plots, .explorer").count() == 0
    assert [row[1:] for row in page.evaluate(_TABLE)["rows"]] == [
        ["zeroed", "yes", "0", "0"],
        ["plain", "no", "1.5", "n/a"],
        ["shortcut cut", "no", "n/a", "2e-09"],
    ]
    assert_sorts(
        page,
        [{**row, "identical": "yes" if row["identical"] else "no"} for row in shown.rows],
        [column.key for column in shown.columns],
    )


def test_names_of_strangers_are_text(opened: Opener) -> None:
    shown = hostile()
    rows = [
        compare.compared(replace(shown, model=replace(shown.model, name=name)), (accuracy(at),))
        for at, name in enumerate(HOSTILE)
    ]
    rows += [{**row, "acc1": None} for row in rows]
    panel, notes = compare.panel(rows, "params", "acc1")
    text = render(compare.report(rows), HOSTILE[0], [panel], notes)
    page = ready(opened(text, viewport=(390, 800)))
    assert page.title() == page.inner_text("h1") == HOSTILE[0]
    elements = page.evaluate("document.querySelectorAll('img, script, iframe, b').length")
    assert elements == text.count("<script")
    assert page.locator(".chart circle").count() == len(HOSTILE)
    press(page, "Model")
    cells = {row[1] for row in page.evaluate(_TABLE)["rows"]}
    assert {f"torch:{HOSTILE[0]}", f"torch:{HOSTILE[2]}", "torch:__proto__", "torch:"} <= cells
    assert not set(markup(page)) & CONTROLS
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelectorAll('img, script, iframe, b').length") == elements

    page = ready(opened(render(residual.report(shown), HOSTILE[2], summary=shown), viewport=(390, 800)))
    assert not set(markup(page)) & CONTROLS
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def scatter() -> str:
    rows = compared()
    return render(compare.report(rows), "6 networks", [compare.panel(rows, "macs", "acc1")[0]])


def curves() -> str:
    found = steps()
    return render(sweep.report("local:resnet18", found), "6 sizes", sweep.panels(found))


@pytest.mark.parametrize("make", [scatter, curves], ids=["compare", "sweep"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)], ids=lambda value: f"{value}")
def test_nobody_is_shut_out_and_nothing_is_cut_off(
    make: Callable[[], str], scheme: Scheme, width: int, opened: Opener
) -> None:
    page = ready(opened(make(), viewport=(width, 844), color_scheme=scheme))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert obstacles(page, ignored=IGNORED) == []
    # The table is as high as its rows, on the screen and on paper.
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        assert page.locator(".listing").evaluate("part => part.scrollHeight === part.clientHeight")
        assert page.locator(".plain tbody tr:visible").count() == 6
