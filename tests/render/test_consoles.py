"""Consoles that can't write everything: no command fails on a character, and what is drawn falls back on ASCII."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What Windows' consoles speak in western Europe and in America, and the poorest of all.
ENCODINGS = ("cp1252", "cp437", "ascii")
COMMANDS = (
    "--help",
    "summary --help",
    "diff --help",
    "check --help",
    "summary resnet18",
    "summary resnet18 --rails",
    "summary resnet18 --format tree --rails",
    "summary resnet18 --format markdown",
    "block",
    "residual resnet18",
    "compare resnet18 resnet34",
    "sweep resnet18",
    "diff resnet18 resnet34",
    "check resnet18 --max-params 1M",
    "check --rules",
    "nonsense",
    "summary nonsense",
)


def on_console(*arguments: str, encoding: str, folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "resnet_inspect", *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": root},
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_escaped_and_nothing_fails(command: str) -> None:
    code = on_console(*command.split(), encoding="utf-8").returncode
    for encoding in ENCODINGS:
        done = on_console(*command.split(), encoding=encoding)
        assert done.returncode == code, done.stderr
        text, said = done.stdout.decode(encoding), done.stderr.decode(encoding)
        assert not [line for line in text.splitlines() if "\\u" in line or "\\x" in line]
        assert "Error" not in said


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A file whose entries have names that no console of ours can write, and half of them some."""
    names = ("café.weight", "層.weight", "𝒲.bias")
    entries = {name: {"dtype": "F32", "shape": [2], "data_offsets": [8 * i, 8 * i + 8]} for i, name in enumerate(names)}
    header = json.dumps(entries).encode()
    path = tmp_path / "naïve→.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_the_same_document(encoding: str, named: Path) -> None:
    commands = (
        ("summary", str(named), "--format", "json"),
        ("diff", str(named), str(named), "--format", "json"),
        ("check", str(named), "--max-params", "1", "--format", "json"),
    )
    for command in commands:
        expected, found = (on_console(*command, encoding=name) for name in ("utf-8", encoding))
        assert found.returncode == expected.returncode
        assert json.loads(found.stdout.decode("ascii")) == json.loads(expected.stdout.decode())
    assert "層" in on_console(*commands[0], encoding="utf-8").stdout.decode()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_that_a_console_cant_write_are_escaped(encoding: str, named: Path) -> None:
    for form in ("table", "tree", "csv", "markdown", "mermaid", "dot"):
        done = on_console("summary", named.name, "--format", form, encoding=encoding, folder=named.parent)
        assert done.returncode == 0, done.stderr
        assert "\\u5c64" in done.stdout.decode(encoding)
    done = on_console("summary", "nichts→.onnx", encoding=encoding)
    assert done.returncode == 3
    # Where a console speaks ASCII, click takes that for a mistake and writes UTF-8.
    assert done.stderr.decode(encoding if encoding != "ascii" else "utf-8").startswith("error: ")
