"""What ``--help`` shows: sections, examples that parse, and nothing of click's own that says nothing."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from resnet_inspect.cli import COMMANDS, Command, cli
from resnet_inspect.cli.help import GROUPS, SECTIONS, grouped, split_examples
from tests.support.command import local

WITH_OPTIONS = [name for name in COMMANDS if name != "cache"]


def command(name: str) -> click.Command:
    found: click.Command = importlib.import_module(f"resnet_inspect.cli.commands.{name}").command
    return found


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_help_has_sections_and_ends_with_examples(name: str) -> None:
    done = local(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "RANGE" not in done.stdout
    assert "x<=" not in done.stdout
    before, _, examples = done.stdout.partition("\nExamples:\n")
    assert examples
    titles = re.findall(r"^(\w+):$", before, re.MULTILINE)
    assert titles == [title for title in ("Options", *SECTIONS) if title in titles]
    options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", before.partition(f"\n{titles[0]}:\n")[2], re.MULTILINE)
    assert sorted(options) == sorted(set(options))


@pytest.mark.parametrize("names", [["-d", "--debug"], ["--debug", "-d"]])
def test_an_option_has_its_section_whichever_of_its_names_is_first(names: list[str]) -> None:
    # click 8.1 has the names of --help in a set, whose order is another one in each run.
    shown = Command("toy", params=[click.Option(names, is_flag=True)])
    assert "\nRun:\n  -d, --debug" in shown.get_help(click.Context(shown))


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_examples_are_ones_that_the_command_takes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("requests.jsonl", "resnet50.pth"):
        Path(file).touch()
    shown = [shlex.split(example.partition(" | ")[0]) for example in split_examples(command(name).help or "")[1]]
    for program, called, *words in shown:
        assert program == "resnet-inspect"
        cli.get_command(click.Context(cli), called).make_context(called, words)  # type: ignore[union-attr]
    # A report has to be written before it is a comment.
    assert {called for _, called, *_ in shown} - {"diff"} <= {name}


def test_every_option_of_a_section_exists() -> None:
    known = {param.opts[-1] for name in WITH_OPTIONS for param in command(name).params} | {"--help", "--version"}
    assert {option for names in SECTIONS.values() for option in names} <= known


def test_options_for_one_side_are_one_line() -> None:
    text = local("diff", "--help").stdout
    assert text.count("--old-") == 2
    assert "--old-*, --new-*" in text


def test_commands_are_in_groups() -> None:
    text = local("--help").stdout
    titles = [f"\n{title}:\n" for title in (*GROUPS, "Options", "Examples")]
    assert [text.index(title) for title in titles] == sorted(text.index(title) for title in titles)
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(COMMANDS)
    # Each command is one line, so that a group is seen at a glance.
    for records in grouped(COMMANDS).values():
        for name, line in records:
            assert re.search(rf"^  {name} +{re.escape(line)}$", text, re.MULTILINE), name


def test_a_command_without_a_group_is_in_the_last_one() -> None:
    groups = grouped({"summary": "Show.", "new": "Something new."})
    assert groups["Look at a network"] == [("summary", "Show.")]
    assert groups["More"] == [("new", "Something new.")]


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("sumary",), "summary"),
        (("cache", "inof"), "info"),
        (("summary", "--colums", "path"), "--columns"),
        (("summary", "--columns", "pth"), "path"),
        (("summary", "resnet51"), "resnet50"),
        (("fit", "--device", "rtx4090"), "rtx-4090"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(words: tuple[str, ...], nearest: str) -> None:
    done = local(*words)
    assert (done.returncode, done.stdout) == (3 if "resnet51" in words else 2, "")
    assert re.search(rf"(?i)did you mean '?{nearest}\b", done.stderr)
