"""HTML reports of networks, and what a browser shows of them."""

from __future__ import annotations

import functools
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_inspect import ir_json
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local import reader as local
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from tests.support import onnx_models
from tests.support.command import in_child

if TYPE_CHECKING:
    from playwright.sync_api import Page


@in_child("torch")
def _write_torch(name: str, path: str) -> None:
    from resnet_inspect.readers.torch.reader import summarize

    Path(path).write_text(ir_json.dumps(summarize(Request(name)).summary), encoding="utf-8")


@in_child("tensorflow")
def _write_keras(name: str, path: str) -> None:
    from resnet_inspect.readers.keras.reader import summarize

    Path(path).write_text(ir_json.dumps(summarize(Request(name)).summary), encoding="utf-8")


@functools.cache
def summary(model: str) -> Summary:
    """The summary of ``backend:name``, read back from its document; ``onnx:`` is a file that is made here."""
    backend, _, name = model.partition(":")
    if backend == "local":
        return local.summarize(Request(name)).summary
    if backend == "onnx":
        return onnx_models.read(getattr(onnx_models, name)())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.json"
        {"torch": _write_torch, "keras": _write_keras}[backend](name=name, path=str(path))
        return ir_json.loads(path.read_bytes())


def report(shown: Summary, **view: Any) -> str:
    """The page of a network."""
    return render(shown, "html", View(**view))


def ready(page: Page) -> Page:
    """Waits until the page is drawn."""
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def press(page: Page, name: str) -> None:
    """Presses the button of this name."""
    page.get_by_role("button", name=name, exact=True).click()


#: All rows of the table, scrolled through: node, level, whether it is a layer, name and the exact text of each cell.
_ROWS = """async () => {
  const view = document.querySelector(".rows");
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const found = new Map();
  for (let top = 0; top === 0 || top < view.scrollHeight; top += view.clientHeight) {
    view.scrollTop = top;
    await frame();
    for (const row of view.querySelectorAll(".body .row")) {
      const cells = [...row.querySelectorAll("[data-key]")];
      found.set(Number(row.getAttribute("aria-rowindex")), {
        node: Number(row.dataset.node),
        level: Number(row.getAttribute("aria-level")),
        layer: !row.classList.contains("module"),
        name: row.querySelector(".name").title,
        cells: Object.fromEntries(cells.map((cell) => [cell.dataset.key, cell.dataset.exact])),
        shown: Object.fromEntries(cells.map((cell) => [cell.dataset.key, cell.textContent])),
      });
    }
  }
  view.scrollTop = 0;
  await frame();
  const said = Number(document.querySelector("[role=treegrid]").getAttribute("aria-rowcount"));
  return {said, rows: [...found].sort(([a], [b]) => a - b).map(([, row]) => row)};
}"""


def rows(page: Page) -> list[dict[str, Any]]:
    """The rows of the table in their order, as many as it says that it has."""
    found = page.evaluate(_ROWS)
    assert len(found["rows"]) == found["said"] - 1
    listed: list[dict[str, Any]] = found["rows"]
    return listed


def show_all_columns(page: Page) -> None:
    """Turns all columns of the table on."""
    page.eval_on_selector_all(".menu input:not(:checked)", "boxes => boxes.forEach((box) => box.click())")


#: What is marked in the graph and in the table of one network, by the ids of the rows, which are all there on paper.
_MARKED = """root => {
  dispatchEvent(new Event("beforeprint"));
  const marks = ["added", "removed", "changed", "moved", "renamed", "follows", "holds", "failed", "warned"];
  const ids = new Map([...root.querySelectorAll(".body .row")].map(
    (row) => [row.dataset.node, row.querySelector(".name").title]));
  const marked = (selector) => [...root.querySelectorAll(selector)].map(
    (each) => [ids.get(each.dataset.node), marks.filter((mark) => each.classList.contains(mark)).join(" ")]);
  const found = {
    rows: ids.size,
    graph: marked(".network .marked"),
    table: marked(".body .row.marked"),
    selected: [...root.querySelectorAll('.network [aria-selected="true"]')].map((each) => ids.get(each.dataset.node)),
    chosen: [...root.querySelectorAll('.body [aria-selected="true"] .name')].map((each) => each.title),
    names: [...root.querySelectorAll(".body .name bdi")].map((each) => each.textContent),
  };
  dispatchEvent(new Event("afterprint"));
  return found;
}"""


def seen(page: Page, side: str = "") -> dict[str, Any]:
    """What a network shows now, or one side of a comparison: marks and selections in graph and table, names of rows."""
    where = f".explorer[data-side={side}]" if side else ".explorer"
    found: dict[str, Any] = page.eval_on_selector(where, _MARKED)
    return {**found, "graph": dict(found["graph"]), "table": dict(found["table"])}


def unfold(page: Page) -> None:
    """Unfolds every network of the page."""
    page.eval_on_selector_all("[title='Unfold all modules']", "all => all.forEach((each) => each.click())")


def markup(page: Page) -> str:
    """All that a page shows, texts and attributes, but for its scripts."""
    text: str = page.evaluate("['header', 'main'].map((name) => document.querySelector(name).outerHTML).join('')")
    return text


def unsigned(page: str) -> str:
    """A page without the command that wrote it, which is the only thing that isn't the network's."""
    plain, count = re.subn("<span>Command: <code>[^<]*</code></span>", "", page)
    assert count == 1
    return plain
