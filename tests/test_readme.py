"""What the README shows is what the tool does."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import pytest

from resnet_inspect.cli import COMMANDS
from tests.support.command import needs, run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^    resnet-inspect (.+)$", README, re.MULTILINE)


def test_every_command_has_an_example() -> None:
    assert set(COMMANDS) <= {example.split()[0] for example in EXAMPLES}


#: Library -> the examples that need it.
LIBRARIES = {
    "torch": r"torch\b|net\.py|^identity (?!keras)|^batch|--counts",
    "timm": r"timm",
    "transformers": r"transformers:",
    "tensorflow": r"keras(:|$)",
    "matplotlib": r"--plot \w",
    "plotille": r"--plot -",
}


def needed_by(example: str) -> list[str]:
    """The libraries that an example needs."""
    return [library for library, pattern in LIBRARIES.items() if re.search(pattern, example)]


def warm_for(example: str) -> str | None:
    """The backend that is imported already where an example needs no other: what it shows isn't how it starts."""
    alone = {"torch": "torch", "tensorflow": "keras"}
    needed = needed_by(example)
    has_workers = example.startswith(("batch", "models"))
    return alone.get(needed[0]) if len(needed) == 1 and not has_workers else None


@pytest.mark.parametrize(
    "example",
    [pytest.param(e, marks=[*map(needs, needed_by(e))]) for e in EXAMPLES if not e.startswith("weights")],
)
def test_examples_run(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text((ROOT / "tests" / "readme" / "net.py").read_text())
    (requests,) = re.findall(r"^```jsonl\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
    (tmp_path / "requests.jsonl").write_text(requests)
    done = run(*shlex.split(example), warm=warm_for(example))
    assert done.returncode == 0, done.stderr
    assert done.stdout or len(list(tmp_path.iterdir())) > 2


def test_the_picture_is_what_the_command_draws(tmp_path: Path) -> None:
    command, target = re.findall(r"^\(`resnet-inspect (.+) -o (\S+)`\)$", README, re.MULTILINE)[0]
    drawn = tmp_path / "drawn.svg"
    assert run(*shlex.split(command), "-o", str(drawn)).returncode == 0

    def text(path: Path) -> list[str]:
        # Versions of rich differ in styles, not in what they write.
        return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", path.read_text(), flags=re.DOTALL)).split()

    assert text(drawn) == text(ROOT / target)
