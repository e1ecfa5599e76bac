"""The page of a comparison in a browser: what somebody edited is marked on both sides, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from resnet_inspect.diffs import Diff, compare
from resnet_inspect.ir import Summary, Value
from resnet_inspect.render.diff import DiffView, render
from resnet_inspect.render.diff.words import headlines, totals
from resnet_inspect.render.html.diff import state
from tests.support import small_residual as small
from tests.support.browser import Opener, Scheme, obstacles
from tests.support.command import needs
from tests.support.reports import press, ready, side, summary, unfold
from tests.support.toys import network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Page

OLD = small.summary()
#: High enough that every row of a table is in the page.
HIGH = (1600, 3000)


@dataclass(frozen=True)
class Edit:
    """An edit of the small network and what a page has to say of it.

    ``changes`` are the entries of the list, in order. ``marks`` are all layers and modules that are marked, by mark;
    ``equal`` is what is held together, in order. The old side has the same, unless it is said.
    """

    make: Callable[[], Summary]
    changes: list[str]
    marks: dict[str, str]
    equal: list[str]
    old_marks: dict[str, str] | None = None
    old_equal: list[str] | None = None


def wider() -> Summary:
    made = small.nodes()
    small.set_to(made, "body.b.conv1", out_channels=16)
    small.set_to(made, "body.b.norm1", channels=16)
    small.set_to(made, "body.b.conv2", in_channels=16)
    return small.summary(made)


def inserted() -> Summary:
    made = small.nodes()
    path, source = "body.b.extra", "body.b.norm1"
    node = made["body.b.conv2"]._replace(id=path, path=path, inputs=(source,))
    return small.summary(small.put_behind(made, source, node))


def without(path: str) -> Summary:
    return small.summary(small.taken_out(small.nodes(), path))


def renamed() -> Summary:
    return small.summary(small.renamed(small.nodes(), lambda name: name.replace("body.b.", "body.middle.")))


def moved() -> Summary:
    made = small.nodes()
    relu = made["stem.relu"]._replace(inputs=("stem.conv",))
    return small.summary(small.put_behind(small.taken_out(made, "stem.relu"), "stem.conv", relu))


def with_setting(path: str, **settings: Value) -> Summary:
    made = small.nodes()
    small.set_to(made, path, **settings)
    return small.summary(made)


def with_weights(path: str, **fields: str) -> Summary:
    (layer,) = (layer for layer in OLD.layers if layer.id == path)
    weights = tuple(replace(parameter, **fields) for parameter in layer.parameters)  # type: ignore[arg-type]
    return small.with_layers(OLD, {path: {"parameters": weights}})


def with_skip() -> Summary:
    made = small.nodes()
    path, source = "body.b.more", "body.b.conv2"
    node = made["body.b.add"]._replace(id=path, path=path, inputs=(source, "body.b.relu1"))
    return small.summary(small.put_behind(made, source, node))


def swapped() -> Summary:
    other = {"type": "GELU", "op": "gelu", "attributes": (("approximate", "none"),)}
    return small.with_layers(OLD, {"body.b.relu1": other})


_BLOCK = ("conv1", "norm1", "relu1", "conv2", "norm2", "add", "relu2")
_BEHIND_THE_STEM = " ".join(
    ("stem.norm stem.relu body head head.pool", *(f"body.{block}" for block in "abc"))
    + tuple(f"body.{block}.{name}" for block in "abc" for name in _BLOCK)
)
EDITS = {
    "wider layer": Edit(
        wider,
        [
            "changed body.b.conv1: out_channels 8 → 16 · output 1x8x8x8 → 1x16x8x8 · params 576 → 1,152 · "
            "macs 36,864 → 73,728",
            "changed body.b.norm1: channels 8 → 16 · input 1x8x8x8 → 1x16x8x8 · output 1x8x8x8 → 1x16x8x8 · "
            "params 16 → 32 · statistics 16 → 32",
            "changed body.b.conv2: in_channels 8 → 16 · input 1x8x8x8 → 1x16x8x8 · params 576 → 1,152 · "
            "macs 36,864 → 73,728",
        ],
        {
            "changed": "body.b.conv1 body.b.norm1 body.b.conv2",
            "follows": "body.b.relu1",
            "holds": "body body.b",
        },
        ["4 equal layers", "3 equal layers"],
    ),
    "inserted layer": Edit(
        inserted,
        ["added body.b.extra: 1x8x8x8 · 576 params · 36.9 k MACs"],
        {"added": "body.b.extra", "holds": "body body.b"},
        ["4 equal layers", "2 equal layers", "5 equal layers"],
        old_marks={},
        old_equal=["28 equal layers"],
    ),
    "removed layer": Edit(
        lambda: without("stem.relu"),
        ["removed stem.relu: 1x8x8x8"],
        {},
        ["27 equal layers"],
        old_marks={"removed": "stem.relu", "holds": "stem"},
        old_equal=["2 equal layers", "24 equal layers"],
    ),
    "renamed module": Edit(
        renamed,
        [f"renamed body.middle.{name}: was body.b.{name}" for name in _BLOCK],
        {"renamed": " ".join(("body.middle", *(f"body.middle.{name}" for name in _BLOCK))), "holds": "body"},
        ["4 equal layers"],
        old_marks={"renamed": " ".join(("body.b", *(f"body.b.{name}" for name in _BLOCK))), "holds": "body"},
    ),
    "moved layer": Edit(
        moved,
        ["moved stem.relu: moved: reads stem.conv, was stem.norm"],
        {"moved": "stem.relu", "holds": "stem"},
        ["24 equal layers"],
        old_equal=["2 equal layers", "24 equal layers"],
    ),
    "stride": Edit(
        lambda: with_setting("stem.conv", stride=(2, 2)),
        ["changed stem.conv: stride 1x1 → 2x2 · output 1x8x8x8 → 1x8x4x4 · macs 13,824 → 3,456"],
        {"changed": "stem.conv", "holds": "stem", "follows": _BEHIND_THE_STEM},
        ["2 layers that follow", "24 layers that follow", "2 equal layers"],
    ),
    "dtype": Edit(
        lambda: with_weights("head.fc", dtype="float16"),
        ["changed head.fc: weight_dtype float32 → float16"],
        {"changed": "head.fc", "holds": "head"},
        ["25 equal layers", "2 equal layers"],
    ),
    "skip cut": Edit(
        lambda: without("body.b.add"),
        ["removed body.b.add: 1x8x8x8 · the skip connection from body.a.relu2 went"],
        {},
        ["27 equal layers"],
        old_marks={"removed": "body.b.add", "holds": "body body.b"},
        old_equal=["4 equal layers", "5 equal layers"],
    ),
    "skip added": Edit(
        with_skip,
        ["added body.b.more: 1x8x8x8 · the skip connection from body.b.relu1 came"],
        {"added": "body.b.more", "holds": "body body.b"},
        ["4 equal layers", "4 equal layers", "3 equal layers"],
        old_marks={},
        old_equal=["28 equal layers"],
    ),
    "frozen": Edit(
        lambda: with_weights("stem.conv", role="frozen"),
        ["changed stem.conv: trainable true → false"],
        {"changed": "stem.conv", "holds": "stem"},
        ["2 equal layers", "24 equal layers"],
    ),
    "another activation": Edit(
        swapped,
        ["changed body.b.relu1: type ReLU → GELU · op relu → gelu"],
        {"changed": "body.b.relu1", "holds": "body body.b"},
        ["4 equal layers", "2 equal layers", "4 equal layers"],
    ),
    "another eps": Edit(
        lambda: with_setting("body.b.norm2", eps=1e-3),
        ["changed body.b.norm2: eps 1e-05 → 0.001"],
        {"changed": "body.b.norm2", "holds": "body body.b"},
        ["4 equal layers", "4 equal layers", "2 equal layers"],
    ),
}


def report(found: Diff) -> str:
    """The page of a comparison."""
    return render(found, "html", DiffView())


@pytest.mark.parametrize("name", EDITS)
def test_what_was_edited_is_marked_and_nothing_else(name: str, opened: Opener) -> None:
    edit = EDITS[name]
    found = compare(OLD, edit.make())
    page = ready(opened(report(found), viewport=HIGH))
    heads, amounts = headlines(found), totals(found, everything=False)
    assert [page.title(), *page.locator(".head p").all_inner_texts()] == heads
    rows = page.locator(".head tbody tr").all_inner_texts()
    assert [tuple(row.split("\t")) for row in rows] == [tuple(word.strip() for word in row) for row in amounts]
    assert listed(page) == edit.changes
    count = len(edit.changes)
    assert page.inner_text(".changes h2") == f"{count} change{'s' * (count > 1)}"

    # At first, what was edited is seen without a click, and what wasn't is folded.
    first = {which: side(page, which) for which in ("old", "new")}
    assert {name for name, mark in first["new"]["graph"].items() if mark not in ("holds", "follows")} >= {
        name for mark, names in edit.marks.items() if mark not in ("holds", "follows") for name in names.split()
    }
    unfold(page)
    for which, marks, equal in (
        ("old", edit.marks if edit.old_marks is None else edit.old_marks, edit.old_equal or edit.equal),
        ("new", edit.marks, edit.equal),
    ):
        shown = side(page, which)
        expected = {layer: mark for mark, names in marks.items() for layer in names.split()}
        for place in ("graph", "table"):
            assert {layer: mark for layer, mark in shown[place].items() if " … " not in layer} == expected
            runs = {layer: mark for layer, mark in shown[place].items() if " … " in layer}
            assert list(runs.values()) == ["follows"] * sum("follow" in label for label in equal)
        assert [label for label in shown["names"] if re.search(r"^\d+ (equal )?layers", label)] == equal
    walk(page, found)


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
    edited = [layer for layer in found.layers if state(layer) not in ("same", "follows")]
    steps = [*range(len(edited)), 0]
    for keys in ("n" * len(steps), "p"):
        for place, key in enumerate(keys):
            page.keyboard.press(key)
            at = steps[place] if key == "n" else len(edited) - 1
            pair = edited[at]
            for which, layer in (("old", pair.old), ("new", pair.new)):
                shown = side(page, which)
                assert shown["selected"] == shown["chosen"] == ([layer.id] if layer else [])
            assert page.locator(".change[aria-current=true] .layer").all_inner_texts() == [pair.layer.id]
            assert page.inner_text(".changes [role=status]") == f"{at + 1} of {len(edited)}"
