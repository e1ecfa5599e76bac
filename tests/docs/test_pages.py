"""The commands on the pages run, and print what the pages show."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from resnet_inspect.cli import COMMANDS
from resnet_inspect.cli.help import GROUPS
from tests.docs.pages import NET, PAGES, PROGRAM, ROOT, as_run, blocks, packages
from tests.support.command import in_child, needs

TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}


def with_commands() -> list[object]:
    """The pages that have something to run, each with the packages that it needs."""
    found = {name: text for name, text in TEXTS.items() if any(block.commands for block in blocks(text))}
    return [pytest.param(name, marks=[needs(p) for p in sorted(packages(text))]) for name, text in found.items()]


@pytest.mark.skipif(sys.platform == "win32", reason="pages use sed, git and sh")
@pytest.mark.parametrize("page", with_commands())
def test_outputs_are_the_real_ones(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block, now in as_run(TEXTS[page], tmp_path):
        assert now == block.body, "python -m tests.docs writes outputs again"


@in_child("torch")
def test_python_runs() -> None:
    ran = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # of a child that ends with this test
        sys.path.insert(0, folder)
        shutil.copy(NET, folder)
        for page, text in TEXTS.items():
            names: dict[str, object] = {}
            for block in blocks(text):
                if block.kind == "python":
                    exec(compile(block.body, page, "exec"), names)
                    ran += 1
    assert ran


def test_every_command_is_on_a_page() -> None:
    lines = [line.split() for text in TEXTS.values() for block in blocks(text) for line in block.commands]
    assert set(COMMANDS) <= {words[1] for words in lines if words[0] == PROGRAM}


def test_commands_stand_where_they_are_run() -> None:
    for name, text in TEXTS.items():
        assert not re.findall(r"^    (?:\$ )?resnet-inspect .*", text, re.MULTILINE), f"{name}: use a console block"
        for block in blocks(text):
            if block.kind in ("bash", "shell", "text"):
                # A cluster can't be started here, and `source` is a word of another shell.
                lines = [line for line in block.body.splitlines() if line.startswith(("$ ", PROGRAM))]
                assert not [line for line in lines if not re.search(r"--cluster tcp|\| source", line)], name


@pytest.mark.parametrize("page", [*TEXTS, "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_links_lead_to_files(page: str) -> None:
    file = ROOT / page
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text())
    assert [target for target in targets if not (file.parent / target).exists()] == []


def test_what_the_readme_claims_is_in_the_table() -> None:
    table = (ROOT / "benchmarks" / "truth" / "README.md").read_text().partition("## In short")[2]
    rows = [
        [cell.strip() for cell in row] for row in re.findall(r"^\| (\D\S+.*?)" + r"\|(.*?)" * 6 + r"\|", table, re.M)
    ]
    ours = [row for row in rows if row[0].startswith("**ours**")]
    assert sum(int(row[1]) for row in ours) == 134
    # Parameters and MACs of each network are right.
    assert all(row[1] == row[3] == row[5] for row in ours)
    best = max(int(row[5]) for row in rows if row[1] == "104" and row not in ours and row[5].isdigit())
    assert "134 networks" in TEXTS["README.md"]
    assert f"for {best} of 104 torch networks" in " ".join(TEXTS["README.md"].split())


def test_the_readme_is_a_landing_page() -> None:
    text = TEXTS["README.md"]
    assert len(text.splitlines()) <= 120
    assert {"make run", "make test"} <= set(re.findall("make [a-z]+", text))


def test_the_page_of_commands_has_them_by_their_groups() -> None:
    groups: dict[str, tuple[str, ...]] = {}
    for part in TEXTS["docs/commands.md"].split("\n## ")[1:]:
        groups[part.partition("\n")[0]] = tuple(re.findall(r"click:: resnet_inspect\.cli\.commands\.(\w+):", part))
    assert groups == GROUPS
