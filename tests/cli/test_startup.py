"""What a command may import: whatever it doesn't need makes every one of its runs slower."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.command import loaded_by, run, script

OWN = "resnet_inspect"
#: Where every command begins.
BEGIN = {"", ".__main__", ".cli", ".errors", ".process", ".version"}
#: What those have in common that read or build a model.
MODELS = {
    *BEGIN,
    ".analysis",
    *(".answers", ".answers.source", ".readers", ".readers.backend", ".readers.frameworks", ".readers.request"),
    *(".readers.inputs", ".readers.options"),
    # Options, the meaning of names and the delivery of documents are a file each, for about 0.2 ms more.
    *(".cli.building", ".cli.delivery", ".cli.naming", ".cli.options"),
    *(".activity", ".ir", ".ir_json", ".render", ".shape", ".stranger_json", ".visible"),
}
#: Command -> our own modules, all of them.
COMMANDS: dict[str, set[str]] = {
    "--help": {*BEGIN, ".cli.help"},
    "summary --format json": {
        *MODELS,
        *(".cli.commands", ".cli.commands.summary"),
        *(".readers.local", ".readers.local.reader", ".blocks", ".blocks.flavor", ".blocks.graph", ".blocks.networks"),
        *(".blocks.resnet_torch", ".render.json"),
        *(f".ops{family}" for family in ("", ".convolution", ".effect", ".elementwise", ".formula", ".linear")),
        *(f".ops{family}" for family in (".normalization", ".pooling", ".reshaping")),
        *(".rows", ".rows.builder", ".rows.identities"),
    },
    "diff old.json new.json --format json": {
        *MODELS,
        ".ir_from_json",
        *(
            ".readers.kind",
            ".readers.format",
            ".cli.commands",
            ".cli.commands.diff",
            ".diffs",
            ".render.diff",
            ".render.diff.json",
        ),
        *(f".diffs.{part}" for part in ("align", "cause", "changes", "compare", "edges", "frameworks")),
        *(f".diffs.{part}" for part in ("match", "names", "result", "tensors")),
        *(f".ops{part}" for part in ("", ".effect", ".formula", ".vocabulary")),  # what may take another layer's place
    },
}
#: The standard library's, by their first names, beyond what click and Python's own start bring.
STANDARD = {
    *("__future__", "_json", "_locale", "atexit", "copy", "dataclasses", "fnmatch", "gc", "ipaddress", "json"),
    *("locale", "ntpath", "pathlib", "urllib"),
    *(("glob", "grp", "math", "pwd") if sys.version_info >= (3, 13) else ()),  # its pathlib and urllib.parse
    *("_bisect", "bisect"),  # diff
    *("_bz2", "_compression", "_lzma", "bz2", "lzma", "shutil", "textwrap", "zlib"),  # click's help
}


def loaded(command: str, folder: Path) -> set[str]:
    said = script(f"""
import contextlib, os, sys
import click
before = set(sys.modules)
os.chdir({str(folder)!r})
sys.argv = ["resnet-inspect", *{command.split()!r}]
import resnet_inspect.__main__ as ours
ours.process.leave = lambda code: sys.exit(code)
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.suppress(SystemExit): ours.main()
print(*set(sys.modules) - before)
""")
    return set(said.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_imported_before_it_is_needed(command: str, tmp_path: Path) -> None:
    for name, model in (("old", "resnet18"), ("new", "resnet34")):
        assert run("summary", model, "-o", str(tmp_path / f"{name}.json")).returncode == 0
    found = loaded(command, tmp_path)
    ours = {name for name in found if name.split(".")[0] == OWN}
    assert {name.removeprefix(OWN) for name in ours} == COMMANDS[command]
    others = {name.split(".")[0] for name in found - ours} - {"click"}
    assert others <= STANDARD, sorted(others - STANDARD)


def test_a_check_of_one_model_needs_no_children() -> None:
    found = loaded_by("check", "resnet18", "--max-params", "26M")
    assert f"{OWN}.checks.budgets" in found
    unwanted = ("answers.cache", "answers.crew", "answers.worker", "readers.format", "render.diff.table")
    assert not found & {f"{OWN}.{module}" for module in unwanted}
