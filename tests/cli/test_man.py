"""The man pages: what ``--help`` shows, in roff that ``man`` shows without a warning."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from resnet_inspect.cli import COMMANDS
from resnet_inspect.cli.man import EXIT_CODES, pages
from tests.support.command import local

PAGES = pages()
ROOT = Path(__file__).parents[2]


def shown(name: str, folder: Path) -> str:
    """What ``man`` shows of a page, in lines that are as long as they like."""
    (folder / name).write_text(PAGES[name], encoding="utf-8")
    env = {**os.environ, "MANWIDTH": "500", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    man = ["man", "--warnings", "--no-hyphenation", "--no-justification", "-l", str(folder / name)]
    done = subprocess.run(man, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return re.sub(".\b|\x1b\\[[0-9;]*m", "", done.stdout)


def test_there_is_a_page_for_each_command() -> None:
    assert set(PAGES) == {"resnet-inspect.1", *(f"resnet-inspect-{name}.1" for name in COMMANDS)}


@pytest.mark.skipif(shutil.which("man") is None, reason="man isn't installed")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_every_option_and_example_of_the_help(name: str, tmp_path: Path) -> None:
    text = shown(name, tmp_path)
    command = name.removesuffix(".1").removeprefix("resnet-inspect").removeprefix("-")
    said = local(*([command] if command else []), "--help").stdout
    options, _, examples = said.partition("\nExamples:\n")
    for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", options, re.MULTILINE):
        assert option in text
    for example in examples.splitlines():
        assert example.strip() in text


def test_roff_takes_no_line_for_a_request() -> None:
    requests = {line.split()[0] for text in PAGES.values() for line in text.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".BR", ".PP", ".nf", ".fi"}


def test_characters_stay_what_they_are() -> None:
    # A bare hyphen, quote, caret or tilde is another character on the screen, which nobody can paste into a shell.
    for text in PAGES.values():
        bare = re.sub(r"\\(?:-|e|&|\(aq|\(ga|\(ha|\(ti)", "", text)
        assert not re.findall(r"[-'`^~\\]", bare)


def test_exit_codes_are_those_of_the_documentation() -> None:
    rows = re.findall(r"^\| (\d) \| (.+) \|$", (ROOT / "docs" / "exit-codes.md").read_text(), re.MULTILINE)
    assert [int(code) for code, _ in rows] == list(EXIT_CODES)
    for code, words in rows:
        assert words.replace("`", "").startswith(EXIT_CODES[int(code)])
