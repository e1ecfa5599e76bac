"""The head of every page: its networks as a command names them, the version that wrote it, and the command."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from resnet_inspect import ir_html
from resnet_inspect.ir import Model
from resnet_inspect.render.html.markup import source
from resnet_inspect.render.html.page import signed
from resnet_inspect.version import __version__
from tests.support import small_residual as small
from tests.support.browser import Opener
from tests.support.command import local
from tests.support.reports import ready, report


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Model("resnet50", "local", "resnet_inspect.blocks.resnet_torch:resnet50"), "local:resnet50"),
        (
            Model("resnet50", "torch", "torchvision.models.resnet.resnet50", (("num_classes", 10),)),
            "torch:resnet50 --arg num_classes=10 (torchvision.models.resnet.resnet50)",
        ),
        (Model("Net", "torch", "net.py:Net", (("kind", "a b"),)), "net.py:Net --arg 'kind=\"a b\"'"),
        (Model("Net", "keras", "package.module:build"), "package.module:build"),
        (Model("Net", "torch", "an object of __main__.Net"), "Net (torch) (an object of __main__.Net)"),
        (Model("r.safetensors", "safetensors", ""), "safetensors:r.safetensors"),
    ],
)
def test_a_source_is_what_a_command_takes(model: Model, said: str) -> None:
    assert source(model) == said


COMMANDS = (
    ("summary", "resnet18"),
    ("diff", "resnet18", "resnet34", "--new-arg", "num_classes=7"),
    ("check", "resnet18", "--max-params", "12M"),
    ("compare", "resnet18", "resnet34"),
    ("sweep", "resnet18", "--input", "64..96:32"),
    ("residual", "resnet18"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_page_says_the_command_and_the_version(command: tuple[str, ...], tmp_path: Path, opened: Opener) -> None:
    # A name that a shell would take apart, and that a browser would take for markup.
    file = tmp_path / "it's a <b>.html"
    typed = (*command, "-o", str(file))
    assert local(*typed).returncode == 0
    page = opened(file, java_script=False)
    parts = page.locator(".made > span").all_inner_texts()
    assert f"Written by resnet-inspect {__version__}" in parts
    assert shlex.split(parts[-1].removeprefix("Command: ")) == ["resnet-inspect", *typed]
    networks = {"summary": ["Source: local:resnet18"], "residual": ["Source: local:resnet18"]}
    networks["diff"] = ["Old: local:resnet18", "New: local:resnet34 --arg num_classes=7"]
    assert parts[:-2] == networks.get(command[0], [])


def test_the_same_command_writes_the_same_bytes_and_the_document_alone_is_read(tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    pages = []
    for _ in range(2):
        assert local("summary", "resnet18", "-o", str(file)).returncode == 0
        pages.append(file.read_bytes())
    assert pages[0] == pages[1]
    plain = local("summary", "resnet18", "--format", "json").stdout
    assert local("summary", str(file), "--format", "json").stdout == plain
    assert "Command" not in json.dumps(json.loads(plain))


def test_names_of_strangers_are_text(opened: Opener) -> None:
    hostile = "</code></div></header><img src=x onerror=alert(1)>\x1b[31m"
    model = Model("n", "torch", f"{hostile}:Net", ((hostile, hostile),))
    text = signed(report(replace(small.summary(), model=model)), ["resnet-inspect", hostile, "a b"])
    page = ready(opened(text))
    assert page.locator("img").count() == 0
    assert page.locator("header.head").count() == 1
    parts = page.locator(".made > span").all_inner_texts()
    assert parts[-1] == "Command: resnet-inspect '</code></div></header><img src=x onerror=alert(1)>\\x1b[31m' 'a b'"
    assert "\x1b" not in text
    assert ir_html.loads(text.encode()).model == model


def test_python_has_no_command() -> None:
    assert "Command:" not in report(small.summary())
