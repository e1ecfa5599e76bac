"""The page of a comparison in a browser: what somebody edited is marked on both sides, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resnet_inspect.analysis.checkpoint_match import Entry
from resnet_inspect.diffs import Diff, compare
from resnet_inspect.readers.checkpoint import summary as checkpoint
from resnet_inspect.readers.local import reader as local
from resnet_inspect.readers.request import Request
from resnet_inspect.render.diff import DiffView, render
from resnet_inspect.render.diff.marks import marks
from resnet_inspect.render.diff.words import grouped, headlines, totals
from resnet_inspect.visible import line
from tests.readers.checkpoint.test_weights import write_safetensors
from tests.render.html.test_network_looks import CONTROLS, HOSTILE, IGNORED, hostile
from tests.support import small_residual as small
from tests.support.browser import Opener, Scheme, obstacles
from tests.support.edits import EDITS, OLD, renamed, wider, with_setting, without
from tests.support.reports import markup, press, ready, seen, summary, unfold
from tests.support.toys import IMAGE, network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Page


def report(found: Diff) -> str:
    """The page of a comparison."""
    return render(found, "html", DiffView())


@pytest.mark.parametrize("name", EDITS)
def test_what_was_edited_is_marked_and_nothing_else(name: str, opened: Opener) -> None:
    edit = EDITS[name]
    found = compare(OLD, edit.make())
    page = ready(opened(report(found)))
    assert_head(page, found)
    assert listed(page) == edit.changes
    more = " in 7 layers" if name == "renamed module" else ""
    assert page.inner_text(".changes h2") == f"1 change{more}"

    # At first, what was edited is seen without a click, and what wasn't is folded.
    first = {which: seen(page, which) for which in ("old", "new")}
    assert {name for name, mark in first["new"]["graph"].items() if mark not in ("holds", "follows")} >= {
        name for mark, names in edit.marks.items() if mark not in ("holds", "follows") for name in names.split()
    }
    unfold(page)
    for which, wanted, equal in (
        ("old", edit.marks if edit.old_marks is None else edit.old_marks, edit.old_equal or edit.equal),
        ("new", edit.marks, edit.equal),
    ):
        shown = seen(page, which)
        expected = {layer: mark for mark, names in wanted.items() for layer in names.split()}
        for place in ("graph", "table"):
            assert {layer: mark for layer, mark in shown[place].items() if " … " not in layer} == expected
            runs = {layer: mark for layer, mark in shown[place].items() if " … " in layer}
            assert list(runs.values()) == ["follows"] * sum("follow" in label for label in equal)
        assert [label for label in shown["names"] if re.search(r"^\d+ (equal )?layers", label)] == equal
    walk(page, found)


def assert_head(page: Page, found: Diff) -> None:
    """Above all stands what a terminal has there: what explains the difference, and the totals that differ."""
    assert [page.title(), *page.locator(".head p").all_inner_texts()] == headlines(found)
    rows = page.locator(".head tbody tr").all_inner_texts()
    amounts = totals(found, everything=False)
    assert [tuple(row.split("\t")) for row in rows] == [tuple(word.strip() for word in row) for row in amounts]


def listed(page: Page) -> list[str]:
    """The entries of the list of changes: ``state layer: words``."""
    entries: list[str] = page.eval_on_selector_all(
        ".change",
        "all => all.map((each) => ((of) => `${of('.state')} ${of('.layer')}: ${of('.words')}`)("
        "(part) => each.querySelector(part).textContent))",
    )
    return entries


def walk(page: Page, found: Diff) -> None:
    """Goes through the changes by keys, forth, around the end and back; both sides show the layer, if they have it."""
    own = ["same" if mark == "follows" else mark for mark in marks(found.layers)]
    # A group leads to its first layer, and a layer by itself has its whole name.
    edited = [(line, found.layers[members[0]]) for line, members in grouped(found, own)]
    steps = [*range(len(edited)), 0]
    for keys in ("n" * len(steps), "p"):
        for place, key in enumerate(keys):
            page.keyboard.press(key)
            at = steps[place] if key == "n" else len(edited) - 1
            line, pair = edited[at]
            for which, layer in (("old", pair.old), ("new", pair.new)):
                shown = seen(page, which)
                assert shown["selected"] == shown["chosen"] == ([layer.id] if layer else [])
            assert page.locator(".change[aria-current=true] .layer").all_inner_texts() == [line.layer]
            assert page.inner_text(".changes [role=status]") == f"{at + 1} of {len(edited)}"


def test_a_deeper_network_has_more_blocks(opened: Opener) -> None:
    found = compare(summary("local:resnet18"), summary("local:resnet34"))
    page = ready(opened(report(found)))
    assert_head(page, found)
    added = [
        f"layer{stage}.{block}" for stage, blocks in ((1, "2"), (2, "23"), (3, "2345"), (4, "2")) for block in blocks
    ]
    # A stage is one line, as in the terminal, and has its layers.
    assert page.inner_text(".changes h2") == f"4 changes in {7 * len(added)} layers"
    stages = ["layer1.2", "layer2.2…layer2.3", "layer3.2…layer3.5", "layer4.2"]
    assert [line.split(": ")[0] for line in listed(page)] == [f"added {stage}" for stage in stages]
    press(page, "Show 14 layers")
    names = ("conv1", "bn1", "relu", "conv2", "bn2", "add", "relu:2")
    inside = page.locator(".change.inside .layer").all_inner_texts()
    assert inside == [f"layer2.{block}.{name}" for block in (2, 3) for name in names]
    page.locator(".change.inside").nth(8).click()
    assert page.inner_text(".changes [role=status]") == f"{2 + 9} of {4 + 14}"
    page.keyboard.press("n")
    assert seen(page, "new")["selected"] == ["layer2.3.relu"]
    press(page, "Hide 14 layers")
    assert len(listed(page)) == 4
    unfold(page)
    old, new = seen(page, "old"), seen(page, "new")
    assert old["graph"] == old["table"] == {}
    assert new["graph"] == new["table"]
    # Each of the blocks as a whole, the two runs of blocks, and the stages around them.
    modules = {name: mark for name, mark in new["graph"].items() if re.fullmatch(r"layer\d(\.\d)?", name)}
    assert modules == {**dict.fromkeys(added, "added"), **{f"layer{stage}": "holds" for stage in range(1, 5)}}
    layers = {layer.id for layer in found.new.layers if layer.id.rpartition(".")[0] in added}
    assert new["graph"].keys() - modules.keys() == layers
    assert len(layers) == 7 * len(added)


def test_what_differs_as_a_result_is_listed_when_somebody_asks(opened: Opener) -> None:
    page = ready(opened(report(compare(OLD, wider()))))
    assert page.inner_text(".changes h2") == "1 change"
    press(page, "Show 3 layers that differ as a result")
    behind = ["body.b.norm1", "body.b.relu1", "body.b.conv2"]
    assert [line.split(": ")[0] for line in listed(page)] == [
        "changed body.b.conv1",
        *(f"result {name}" for name in behind),
    ]
    page.keyboard.press("p")
    assert seen(page, "new")["selected"] == ["body.b.conv2"]
    # The column says in words what the colours mean.
    page.keyboard.press("n")
    unfold(page)
    cells = page.locator("[data-side=new] .body [data-key=mark]").all_inner_texts()
    assert sorted(filter(None, cells)) == ["changed", "inside", "inside", *["result"] * 4]


def test_a_long_list_tells_that_it_goes_on(opened: Opener) -> None:
    old = network(IMAGE, *(toy(f"n{at}", "conv2d", "x", attributes={"groups": 1}) for at in range(30)))
    new = network(IMAGE, *(toy(f"n{at}", "conv2d", "x", attributes={"groups": 2 + at}) for at in range(30)))
    page = ready(opened(report(compare(old, new))))
    assert page.inner_text(".changes h2") == "30 changes"
    inside = "each => [each.clientHeight, each.scrollHeight]"
    shown, whole = page.eval_on_selector(".changes .list", inside)
    assert shown < whole
    press(page, "Show the whole list")
    shown, whole = page.eval_on_selector(".changes .list", inside)
    assert shown == whole
    page = ready(opened(report(compare(OLD, wider()))))
    assert page.get_by_role("button", name="Show the whole list").count() == 0


def test_a_phone_shows_one_side_where_the_other_was(opened: Opener) -> None:
    page = ready(opened(report(compare(OLD, without("stem.relu"))), viewport=(390, 800)))
    sides = [page.locator(f"[data-side={side}] .view") for side in ("old", "new")]
    tops = []
    for side in (0, 1):
        press(page, ("Show old", "Show new")[side])
        assert [each.is_visible() for each in sides] == [side == 0, side == 1]
        tops.append(page.locator(f"[data-side={('old', 'new')[side]}]").bounding_box())
    assert tops[0] is not None
    assert tops[1] is not None
    assert abs(tops[0]["y"] - tops[1]["y"]) < 2
    # What only one side has turns to that side.
    page.keyboard.press("n")
    assert [each.is_visible() for each in sides] == [True, False]


def test_two_frameworks_are_side_by_side(opened: Opener) -> None:
    torch, keras = (local.summarize(Request("resnet50", flavor=flavor)).summary for flavor in ("torch", "keras"))
    found = compare(torch, keras)
    page = ready(opened(report(found), fragment="conv4_block3_2_conv"))
    assert_head(page, found)
    # Keras' convolutions have biases, its norms another eps, and its paddings are layers of their own.
    assert page.inner_text(".changes h2").endswith(f" changes in {53 + 53 + 1 + 2 + 1} layers")
    assert {line.split()[1] for line in listed(page) if not line.startswith("changed")} == {
        "conv1_pad:",
        "pool1_pad:",
        "flatten:",
    }
    for old, new in (("layer3.2.conv2", "conv4_block3_2_conv"), ("layer1.0.downsample.0", "conv2_block1_0_conv")):
        page.evaluate("hash => { location.hash = hash }", new)
        page.wait_for_function("id => document.querySelectorAll('.path bdi')[1].textContent === id", arg=new)
        assert [seen(page, which)["selected"] for which in ("old", "new")] == [[old], [new]]
    page.locator("[data-side=old] .body .row").filter(has=page.locator("[title='layer1.0.conv1']")).click()
    assert seen(page, "new")["selected"] == ["conv2_block1_1_conv"]
    unfold(page)
    for which in ("old", "new"):
        shown = seen(page, which)
        assert shown["graph"] == shown["table"]
        sides = ((getattr(layer, which), mark) for layer, mark in zip(found.layers, marks(found.layers), strict=True))
        states = {layer.id: mark for layer, mark in sides if layer is not None and mark != "same"}
        assert {name: mark for name, mark in shown["graph"].items() if name in states} == states


def test_a_layer_of_one_side_has_no_partner_on_the_other(opened: Opener) -> None:
    made = small.taken_out(small.nodes(), "stem.relu")
    small.set_to(made, "body.a.norm2", eps=1e-3)
    small.set_to(made, "body.c.norm2", eps=1e-3)
    node = made["body.b.conv2"]._replace(id="body.b.extra", path="body.b.extra", inputs=("body.b.norm1",))
    found = compare(OLD, small.summary(small.put_behind(made, "body.b.norm1", node)))
    page = ready(opened(report(found)))
    assert [line.split(":")[0] for line in listed(page)] == [
        "removed stem.relu",
        "changed body.a.norm2",
        "added body.b.extra",
        "changed body.c.norm2",
    ]
    walk(page, found)


def test_a_change_that_was_folded_away_is_shown_again(opened: Opener) -> None:
    page = ready(opened(report(compare(OLD, with_setting("body.b.norm2", eps=1e-3)))))
    for _ in range(2):
        page.locator(".change").click()
        assert [seen(page, which)["selected"] for which in ("old", "new")] == [["body.b.norm2"]] * 2
        page.eval_on_selector_all("[title='Fold all modules']", "all => all.forEach((each) => each.click())")
        assert [seen(page, which)["selected"] for which in ("old", "new")] == [["body"]] * 2
    # Letters that somebody types are none of the page's.
    page.locator("[data-side=new] input[type=search]").fill("")
    page.keyboard.type("n")
    assert seen(page, "new")["selected"] == ["body"]


def test_equal_networks_are_two_equal_boxes(opened: Opener) -> None:
    found = compare(OLD, small.summary())
    page = ready(opened(report(found)))
    assert page.locator(".head p").all_inner_texts() == ["No difference"]
    assert page.locator(".head table").count() == 0
    assert page.inner_text(".changes") == "Changes\n\nNothing differs."
    page.keyboard.press("n")
    unfold(page)
    for which in ("old", "new"):
        shown = seen(page, which)
        assert shown["graph"] == shown["table"] == {}
        assert shown["names"][0] == "28 equal layers"


def test_a_layer_that_moved_to_other_sizes_has_moved() -> None:
    old = network(toy("x", "input"), toy("a", "relu", "x"), toy("b", "max_pool2d", "a", (1, 4, 4, 4)))
    pool, relu = toy("b", "max_pool2d", "x", (1, 4, 4, 4)), toy("a", "relu", "b", (1, 4, 4, 4))
    layers = compare(old, network(toy("x", "input"), pool, relu)).layers
    states = {layer.layer.id: mark for layer, mark in zip(layers, marks(layers), strict=True)}
    assert sorted(states.items()) in (
        [("a", "moved"), ("b", "follows"), ("x", "same")],
        [("a", "follows"), ("b", "moved"), ("x", "same")],
        [("a", "moved"), ("b", "same"), ("x", "same")],
    )


def test_a_checkpoint_has_its_tensors(tmp_path: Path, opened: Opener) -> None:
    file = tmp_path / "r.safetensors"
    write_safetensors(file, [replace_shape(entry) for entry in local.state(Request("resnet18"))])
    found = compare(summary("local:resnet18"), checkpoint.summarize(Request(str(file))).summary)
    page = ready(opened(report(found)))
    assert_head(page, found)
    assert "by their tensors alone" in page.inner_text(".head")
    assert [line.split(": ")[0] for line in listed(page)] == ["changed fc"]
    unfold(page)
    for which in ("old", "new"):
        shown = seen(page, which)
        assert shown["table"] == {"fc": "changed"}
        assert page.locator(f"[data-side={which}] .network path[data-source]").count() == 0


def replace_shape(entry: Entry) -> Entry:
    """The tensor of a classifier of ten classes, anything else as it is."""
    return replace(entry, shape=(10, *entry.shape[1:])) if entry.name.startswith("fc.") else entry


def test_names_of_strangers_are_text(opened: Opener) -> None:
    old = hostile()
    changed = {layer.id: {"type": f"{layer.type}!"} for layer in old.layers[1:]}
    new = small.with_layers(old, changed)
    new = replace(new, model=replace(new.model, name=HOSTILE[2]), modules=old.modules[:4])
    text = report(compare(old, new))
    page = ready(opened(text, viewport=(390, 800)))
    assert page.inner_text("h1") == line(f"torch:{HOSTILE[0]} → torch:{HOSTILE[2]}")
    assert len(listed(page)) == len(old.layers) - 1
    elements = page.evaluate("document.querySelectorAll('img, script, iframe, b').length")
    assert elements == text.count("<script")
    for _ in range(4):
        page.keyboard.press("n")
    page.keyboard.press("p")
    unfold(page)
    for which in ("old", "new"):
        shown = seen(page, which)
        assert shown["graph"].keys() == shown["table"].keys()
        assert {HOSTILE[0], HOSTILE[1], HOSTILE[2][:500], "__proto__", ""} <= shown["table"].keys()
    assert not set(markup(page)) & CONTROLS
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelectorAll('img, script, iframe, b').length") == elements


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)], ids=lambda value: f"{value}"
)
def test_nobody_is_shut_out_and_nothing_is_cut_off(scheme: Scheme, width: int, opened: Opener) -> None:
    page = ready(opened(report(compare(OLD, renamed())), viewport=(width, 844), color_scheme=scheme))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("n")
    assert obstacles(page, ignored=IGNORED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_every_change_is_there(opened: Opener) -> None:
    found = compare(summary("local:resnet18"), summary("local:resnet34"))
    page = ready(opened(report(found)))
    page.emulate_media(media="print")
    box, last = (page.locator(place).bounding_box() for place in (".changes .list", ".change >> nth=-1"))
    assert box is not None
    assert last is not None
    assert last["height"] > 0
    assert box["y"] + box["height"] >= last["y"] + last["height"]
    assert page.locator(".change:visible").count() == 4
    assert page.locator(".fold:visible").count() == page.locator(".switch:visible").count() == 0
    assert page.locator(".explorer:visible").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_where_nothing_is_an_edit_keys_lead_nowhere(opened: Opener) -> None:
    larger = toy("x", "input", shape=(1, 4, 16, 16), type="Input")
    rest = (toy("a", "relu", "x"), toy("b", "relu", "a"))
    grown = (replace(each, output_tensors=larger.output_tensors) for each in rest)
    found = compare(network(IMAGE, *rest), network(larger, *grown), any_input=True)
    assert set(marks(found.layers)) == {"follows"}
    page = ready(opened(report(found)))
    assert listed(page) == []
    for key in "np":
        page.keyboard.press(key)
    page.get_by_text("differ as a result").click()
    page.keyboard.press("n")
    assert page.locator(".change[aria-current]").count() == 1
