"""A page's blocks: files that it names, commands with their output, and commands without.

| fence | what is done with it |
| :--- | :--- |
| `console` | each line behind `$ ` is run, and the lines below it must be what it prints, stderr first |
| `sh` | each line is run and must succeed; its output isn't on the page |
| `{code-block} LANGUAGE` with `:caption: NAME` | a file of that name, which later commands of the page find |
| `python` | run, all of a page in one interpreter; needs torch |
| others (`text`, `toml`, `yaml` ...) | not run |

`$ echo $?` is the exit code of the command before it, which otherwise has to be 0. Each page has a folder of its own,
in which `net.py` is there from the start.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SKILL.md", *sorted((ROOT / "docs").glob("*.md"))]
#: The network of the examples.
NET = Path(__file__).with_name("net.py")
PROGRAM = "resnet-inspect"
#: Where the shell's commands run: `python3` is the one that runs the tests, and git knows who commits.
ENVIRONMENT = {
    **os.environ,
    **{f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
_FENCE = re.compile(r"^(?P<marks>```+)(?P<kind>\S+)(?: [^\n]*)?\n(?P<body>.*?)^(?P=marks)$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r":caption: (\S+)\n+")
#: What a command names -> the backend whose reader is imported once for all of them, and the package that it needs.
_WARM = {
    r"torch:|backend torch|net\.py|^\S+ identity|^\S+ check( --|$)": "torch",
    r"keras:|backend keras": "keras",
    r"timm:|backend timm": "timm",
    r"transformers:": "transformers",
}
_PACKAGES = {
    r"torch:|backend torch|net\.py|^\S+ identity|^\S+ check( --|$)|^\S+ batch": "torch",
    r"timm": "timm",
    r"transformers:": "transformers",
    r"keras:|backend keras": "tensorflow",
    r"--plot \w": "matplotlib",
    r"--plot -": "plotille",
}


@dataclass(frozen=True)
class Block:
    """A fence of a page: its kind, what stands in it, and where in the page's text that is."""

    kind: str
    body: str
    start: int
    end: int

    @property
    def commands(self) -> list[str]:
        """The command lines in it."""
        lines = self.body.splitlines()
        if self.kind == "sh":
            return [line for line in lines if line and not line.startswith("#")]
        return [line[2:] for line in lines if line.startswith("$ ")] if self.kind == "console" else []


def blocks(text: str) -> list[Block]:
    """The fences of a page, in their order."""
    return [Block(m["kind"], m["body"], m.start("body"), m.end("body")) for m in _FENCE.finditer(text)]


def packages(text: str) -> set[str]:
    """The packages without which a page's commands can't be run."""
    found = [command for block in blocks(text) for command in block.commands]
    needed = {package for pattern, package in _PACKAGES.items() for line in found if re.search(pattern, line)}
    return needed | ({"torch"} if any(block.kind == "python" for block in blocks(text)) else set())


def as_run(text: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Each block of a page, and what stands in it after its commands were run in a folder, the current one."""
    shutil.copy(NET, folder / "net.py")
    for block in blocks(text):
        if block.kind == "{code-block}" and (caption := _CAPTION.search(block.body)):
            file = folder / caption[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.body[caption.end() :])
        if not block.commands:
            yield block, block.body
            continue
        shown, code = "", 0
        for number, command in enumerate(block.commands):
            if command == "echo $?":
                shown, code = f"{shown}$ echo $?\n{code}\n", 0
                continue
            assert code == 0, f"{block.commands[number - 1]} ended with {code}"
            done = _run(command)
            code = done.returncode
            assert code == 0 or block.kind == "console", f"{command}\n{done.stderr}"
            shown += f"$ {command}\n{done.stderr}{done.stdout}"
        assert code == 0, f"{command} ended with {code}: {done.stderr}"
        yield block, shown if block.kind == "console" else block.body


def _run(command: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    if words[0] != PROGRAM or "|" in words:
        return subprocess.run(["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    warm = next((backend for pattern, backend in _WARM.items() if re.search(pattern, command)), None)
    return run(*words[1:], warm=warm or "local")


def written(text: str, folder: Path) -> str:
    """A page with the outputs of its commands as they are now."""
    parts, end = [], 0
    for block, body in as_run(text, folder):
        parts += [text[end : block.start], body]
        end = block.end
    return "".join([*parts, text[end:]])
