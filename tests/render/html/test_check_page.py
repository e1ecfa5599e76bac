"""The page of a check in a browser: what failed stands first, and leads to its layer in the graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resnet_inspect import ir_json
from resnet_inspect.checks import BUDGETS, Baseline, Checked, Finding, Outcome, judge
from resnet_inspect.checks.structure import UnusedParameters
from resnet_inspect.ir import Summary
from resnet_inspect.render.check import CheckView, render
from tests.render.html.test_network_looks import CONTROLS, HOSTILE, IGNORED, hostile
from tests.support import small_residual as small
from tests.support.browser import Opener, Scheme, obstacles
from tests.support.command import local
from tests.support.reports import markup, ready, seen, unfold
from tests.support.toys import IMAGE, network, toy

if TYPE_CHECKING:
    from playwright.sync_api import Page

NETWORK = small.summary()
#: One of each level, the mildest first.
OUTCOMES = (
    Outcome("kept"),
    Outcome("mild", (Finding("warn", "is wide", "body.b.conv1"),)),
    Outcome("known", (Finding("strict", "isn't counted", "head.fc"),)),
    Outcome("broken", (Finding("fail", "is too large", "body.a.conv2"), Finding("warn", "is odd", "stem.conv"))),
    Outcome("blind", (Finding("error", "could not look"), Finding("error", "there is no such layer", "layer9"))),
)
CHECKED = Checked("small", OUTCOMES, summary=NETWORK)


def report(*checked: Checked) -> str:
    """The page of a check."""
    return render(checked, "html", CheckView())


def outcomes(page: Page) -> list[str]:
    """What is said of each rule, in the page's order: ``word rule: findings``."""
    said: list[str] = page.eval_on_selector_all(
        ".outcome",
        "all => all.map((each) => { const text = (part) => each.querySelector(part).textContent;"
        " const found = [...each.querySelectorAll('ul > li')].map((item) => item.textContent);"
        " return `${text('.word')} ${text('.rule')}: ${found.join(' / ')}`; })",
    )
    return said


def test_failures_come_first_and_lead_to_their_layers(opened: Opener) -> None:
    page = ready(opened(report(CHECKED)))
    assert page.title() == page.inner_text("h1") == "Checked: small"
    assert page.inner_text(".head p") == "1 model, 5 checks: 1 passed, 2 failed, 1 couldn't be looked at, 1 warning"
    assert outcomes(page) == [
        "ERROR blind: could not look / layer9: there is no such layer",
        "FAIL broken: body.a.conv2: is too large / stem.conv: is odd",
        "FAIL known: head.fc: isn't counted",
        "warn mild: body.b.conv1: is wide",
        "ok kept: ",
    ]
    assert page.get_by_label("Model").count() == 0
    # What isn't in the network leads nowhere.
    links = page.locator(".outcome .link")
    assert links.count() == 4
    for link in links.all():
        layer = link.inner_text().partition(":")[0]
        page.eval_on_selector("[title='Fold all modules']", "each => each.click()")
        link.click()
        page.mouse.move(0, 0)  # the graph has come into view, perhaps below the pointer
        shown = seen(page)
        assert shown["selected"] == shown["chosen"] == [layer]
        assert page.locator(".details .path bdi").inner_text() == layer
    unfold(page)
    marks = {"body.a.conv2": "failed", "head.fc": "failed", "stem.conv": "failed", "body.b.conv1": "warned"}
    around = dict.fromkeys(("stem", "body", "body.a", "body.b", "head"), "holds")
    shown = seen(page)
    assert shown["graph"] == shown["table"]
    assert {name: mark for name, mark in shown["graph"].items() if " … " not in name} == {**marks, **around}


def test_several_models_the_worst_first(opened: Opener) -> None:
    gone = Outcome("model", (Finding("error", "couldn't be looked at: no such model"),))
    other = network(IMAGE, toy("lonely", "relu", "x"))
    page = ready(
        opened(
            report(
                Checked("fine", (Outcome("kept"),), summary=NETWORK),
                Checked("warned", (Outcome("mild", (Finding("warn", "is odd", "lonely"),)),), summary=other),
                Checked("gone", (gone,), error_code=3),
            )
        )
    )
    assert page.inner_text(".head p") == "3 models, 3 checks: 1 passed, 0 failed, 1 couldn't be looked at, 1 warning"
    choice = page.get_by_label("Model")
    assert [each.split() for each in choice.locator("option").all_inner_texts()] == [
        ["ERROR", "gone"],
        ["warn", "warned"],
        ["ok", "fine"],
    ]
    assert page.inner_text(".checked h2") == "gone"
    assert outcomes(page) == ["ERROR model: couldn't be looked at: no such model"]
    assert page.locator(".explorer").count() == 0

    choice.select_option("1")
    page.locator(".explorer").wait_for()
    page.get_by_role("button", name="lonely: is odd").click()
    page.mouse.move(0, 0)
    assert seen(page)["selected"] == ["lonely"]
    assert seen(page)["graph"] == {"lonely": "warned"}

    choice.select_option("2")
    page.get_by_role("heading", name="fine").wait_for()
    assert outcomes(page) == ["ok kept: "]
    assert page.locator(".explorer").count() == 1
    assert seen(page)["graph"] == {}
    page.evaluate("location.hash = 'body.a.conv1'")
    page.wait_for_function("document.querySelector('.path bdi')?.textContent === 'body.a.conv1'")
    assert page.evaluate("decodeURIComponent(location.hash)") == "#body.a.conv1"

    choice.select_option("0")
    page.get_by_role("heading", name="gone").wait_for()
    assert page.locator(".explorer").count() == 0


def test_a_drift_says_in_what(opened: Opener) -> None:
    made = small.nodes()
    small.set_to(made, "body.b.norm2", eps=1e-3)
    small.set_to(made, "head.fc", out_features=20)
    rule = Baseline(NETWORK)
    drifted = small.summary(made)
    page = ready(opened(report(Checked("small", judge([rule], drifted), summary=drifted))))
    assert outcomes(page)[0].startswith(
        "FAIL baseline: differs from its baseline in params, shapes, config, macs: 2 changed"
    )
    page.emulate_media(media="print")
    assert page.locator(".outcome .hint:visible").all_inner_texts() == [
        "+90 parameters: head.fc width 10 → 20",
        "+80 MACs: head.fc width 10 → 20",
        "outputs 1x10 → 1x20",
        "~ body.b.norm2 BatchNorm2d eps 1e-05 → 0.001",
        "~ head.fc Linear out_features 10 → 20 · output 1x10 → 1x20 · params 90 → 180 · macs 80 → 160",
    ]


def test_each_finding_leads_to_what_it_names(opened: Opener) -> None:
    made = small.nodes()
    small.set_to(made, "head.fc", out_features=20)
    drifted = small.summary(small.taken_out(made, "stem.relu"))
    lost = toy("lost.fc", "dense", "", params=3, called=False)
    unused = replace(drifted, layers=(*drifted.layers, lost), unused=("lost.fc.weight", "body.a.scale"))
    budget = next(rule for rule in BUDGETS if rule.name == "max-params")
    rules = (budget(1, "body.b"), budget(10), UnusedParameters(), Baseline(NETWORK))
    page = ready(opened(report(Checked("small", judge(rules, unused), summary=unused))))
    found = page.locator(".outcome")
    for words, node in (("max-params body.b", "body.b"), ("lost.fc", "lost.fc"), ("body.a", "body.a")):
        rule = found.filter(has_text=words).first
        rule.locator(".link").filter(has_text=node).first.click()
        page.mouse.move(0, 0)
        assert page.locator(".details .path bdi").inner_text() == node
    whole = found.filter(has_text="the whole network")
    assert [whole.count(), whole.locator(".link").count(), whole.locator(".rule").inner_text()] == [1, 0, "max-params"]
    drift = found.filter(has_text="differs from its baseline")
    # What went is nowhere in this graph.
    told = [text.split()[:2] for text in drift.locator(".link").all_inner_texts()]
    assert told == [["~", "head.fc"], ["+", "lost.fc"]]
    assert drift.get_by_text("- stem.relu").count() == 1
    drift.locator(".link").first.click()
    assert seen(page)["selected"] == ["head.fc"]
    unfold(page)
    marks = {name: mark for name, mark in seen(page)["graph"].items() if mark != "holds"}
    assert marks.keys() >= {"lost.fc", "head.fc"}
    assert set(marks.values()) == {"failed"}


def test_names_of_strangers_are_text(opened: Opener) -> None:
    shown = hostile()
    found = tuple(Finding("fail", name, layer.id) for name, layer in zip(HOSTILE, shown.layers[1:], strict=False))
    rules = tuple(Outcome(name, found) for name in HOSTILE)
    text = report(*(Checked(name, rules, summary=shown) for name in (HOSTILE[0], HOSTILE[2])))
    page = ready(opened(text, viewport=(390, 800), fragment="__proto__"))
    elements = page.evaluate("document.querySelectorAll('img, script, iframe, b').length")
    assert elements == text.count("<script")
    assert page.inner_text(".checked h2") == HOSTILE[0]
    assert page.locator(".details .path bdi").inner_text() == "__proto__"
    for link in page.locator(".outcome").first.locator(".link").all():
        link.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Model").select_option("1")
    page.get_by_role("heading", name=HOSTILE[2][:50]).wait_for()
    assert not set(markup(page)) & CONTROLS
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelectorAll('img, script, iframe, b').length") == elements


def saved(folder: Path, shown: Summary) -> str:
    """The path of a summary's document."""
    path = folder / "summary.json"
    path.write_text(ir_json.dumps(shown), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("code", "options"),
    [(0, ()), (1, ("--max-params", "1")), (3, ("--baseline", "missing.json")), (5, ("--strict",))],
)
def test_exit_codes_are_those_of_other_formats(code: int, options: tuple[str, ...], tmp_path: Path) -> None:
    odd = replace(NETWORK.layers[-1], macs=None) if code == 5 else NETWORK.layers[-1]
    model = saved(tmp_path, replace(NETWORK, layers=(*NETWORK.layers[:-1], odd)))
    file = tmp_path / "check.html"
    done = local("check", model, *options, "-o", str(file))
    assert (done.returncode, done.stdout) == (code, "")
    # The document is in the file: the terminal has what failed, and the verdict.
    *told, verdict = done.stderr.splitlines()
    assert verdict.startswith("note: 1 model, ")
    assert [line.split(":")[0] for line in told] == {0: [], 1: ["FAIL"], 3: ["ERROR"], 5: ["FAIL"]}[code]
    assert local("check", model, *options, "-o", str(file), "--quiet").stderr == ""
    assert file.read_text(encoding="utf-8").endswith("</script>\n")


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)], ids=lambda value: f"{value}"
)
def test_nobody_is_shut_out_and_nothing_is_cut_off(scheme: Scheme, width: int, opened: Opener) -> None:
    text = report(CHECKED, Checked("other", OUTCOMES[:2], summary=NETWORK))
    page = ready(opened(text, viewport=(width, 844), color_scheme=scheme))
    page.locator(".outcome .link").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert obstacles(page, ignored=IGNORED) == []
