"""How large reports are, and how long a reader waits for them, beside torchvista's: ``python benchmarks/pages.py``.

Both show torchvision's models in the same browser. The first view is there when the graph has been drawn, counted from
the navigation to the file. A refold is a press on a module until the graph that follows has been drawn: one after the
other of those of the first view, and in ours also the stages when everything is unfolded. Each is the median of several
pages; the slowest counts. torchvista is installed into an
environment of its own, which takes torch from this one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests.support.browser import started  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = ROOT / ".venv-torchvista"
MODELS = ("resnet50", "densenet121", "swin_t", "efficientnet_v2_l")
ROUNDS = 5
#: What nobody waits for longer than, in seconds: a first view, ResNet50's first view, a refold.
MOST_FIRST, MOST_RESNET50, MOST_REFOLD = 3.0, 1.0, 0.2
#: What is pressed at most: the modules of a first view.
PRESSED = 12

#: Tells when the graph has been drawn: the frame after the one in which it is there.
_WATCH = """selector => {
  window.drawn = new Promise((done) => {
    const look = () => {
      if (document.querySelector(selector)) requestAnimationFrame(() => setTimeout(() => done(performance.now())));
      else requestAnimationFrame(look);
    };
    look();
  });
}"""
#: Presses something, and tells how long it took until what is counted has changed and been drawn.
_PRESS = """async ([index, buttons, counted]) => {
  const count = () => document.querySelectorAll(counted).length;
  const button = document.querySelectorAll(buttons)[index];
  if (!button) return null;
  const [start, before] = [performance.now(), count()];
  button.dispatchEvent(new MouseEvent("click", {bubbles: true}));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  do { await frame(); } while (count() === before && performance.now() - start < 20000);
  return performance.now() - start;
}"""


@dataclass(frozen=True, slots=True)
class Tool:
    """How a page is made, and by what it is seen: its graph, what a press unfolds, what is more or fewer after it."""

    name: str
    write: Callable[[str, Path], None]
    graph: str
    buttons: str
    counted: str


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one page; None where there is no such thing."""

    model: str
    tool: str
    size: int
    first: float
    refold: float
    unfolded: float | None = None


def ours(model: str, path: Path) -> None:
    """Writes our report."""
    command = [sys.executable, "-m", "resnet_inspect", "summary", f"torch:{model}", "-o", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr)


_TORCHVISTA = """
import sys, torch, torchvision, torchvista
model, path = sys.argv[1:]
with torch.no_grad():
    network = torchvision.models.get_model(model).eval()
    torchvista.trace_model(network, torch.zeros(1, 3, 224, 224), export_path=path)
"""


def torchvista(model: str, path: Path) -> None:
    """Writes torchvista's export."""
    command = [str(FOLDER / "bin" / "python"), "-c", _TORCHVISTA, model, str(path)]
    subprocess.run(command, check=True, stdout=sys.stderr)


def installed() -> bool:
    """Makes the environment with torchvista if it isn't there; False where it can't be installed."""
    if (FOLDER / ".stamp").exists():
        return True
    venv.create(FOLDER, clear=True, with_pip=True)
    python = str(FOLDER / "bin" / "python")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "torchvista"]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        return False
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    (Path(place) / "torch_of_another.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (FOLDER / ".stamp").touch()
    return True


OURS = Tool("ours", ours, "html[data-ready]", ".network .box.module", ".network [data-node]")
#: The titles of open stages, which fold them.
STAGES = ".network .frame[aria-level='1'] > .title"
THEIRS = Tool("torchvista", torchvista, "g[class^=node_]", "circle[class^=collapse-button_]", "g[class^=node_]")


def measured(browser: Browser, tool: Tool, model: str, path: Path) -> Row:
    """One page, opened several times."""
    tool.write(model, path)
    first, refolds, unfolded = [], [], []
    for _ in range(ROUNDS):
        page = opened(browser, tool, path)
        first.append(page.evaluate("window.drawn") / 1000)
        refolds.append(pressed(page, tool.buttons, tool.counted))
        if tool is OURS:
            page.get_by_role("button", name="Unfold", exact=True).click()
            unfolded.append(pressed(page, STAGES, tool.counted))
        page.context.close()
    last = slowest(unfolded) if unfolded else None
    return Row(model, tool.name, path.stat().st_size, statistics.median(first), slowest(refolds), last)


def slowest(rounds: list[list[float]]) -> float:
    """The press with the slowest median."""
    return max(statistics.median(each) for each in zip(*rounds, strict=True))


def opened(browser: Browser, tool: Tool, path: Path) -> Page:
    """A page in a context of its own, whose first view is drawn."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(f"({_WATCH})({tool.graph!r})")
    page.goto(path.as_uri())
    page.evaluate("window.drawn")
    return page


def pressed(page: Page, buttons: str, counted: str) -> list[float]:
    """Seconds of each refold: a press changes what can be pressed next, always in the same way."""
    took = [page.evaluate(_PRESS, [number, buttons, counted]) for number in range(PRESSED)]
    return [each / 1000 for each in took if each is not None]


def main() -> int:
    """A Markdown table; exit 1 if one of ours takes longer than it may."""
    tools = [OURS]
    if installed():
        tools.append(THEIRS)
    else:
        print("torchvista can't be installed: ours stand alone", file=sys.stderr)
    rows = []
    with tempfile.TemporaryDirectory() as folder, started() as browser:
        for model in MODELS:
            for tool in tools:
                try:
                    rows.append(measured(browser, tool, model, Path(folder) / f"{tool.name}-{model}.html"))
                except Exception as error:
                    if tool is OURS:
                        raise
                    print(f"{tool.name}, {model}: {error}", file=sys.stderr)
    print("| model | page | bytes | first view | refold | refold, all unfolded |")
    print("| :--- | :--- | ---: | ---: | ---: | ---: |")
    for row in rows:
        last = "–" if row.unfolded is None else f"{1000 * row.unfolded:.0f} ms"
        times = f"{row.first:.2f} s | {1000 * row.refold:.0f} ms | {last}"
        print(f"| {row.model} | {row.tool} | {row.size:,} | {times} |")
    own = [row for row in rows if row.tool == OURS.name]
    late = [row.model for row in own if row.first > (MOST_RESNET50 if row.model == "resnet50" else MOST_FIRST)]
    late += [row.model for row in own if max(row.refold, row.unfolded or 0) > MOST_REFOLD]
    if late:
        print(f"too slow: {', '.join(late)}", file=sys.stderr)
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
