"""Completion: by click's protocol everywhere, and in each shell that is installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command import local, needs

SHELLS = ("bash", "zsh", "fish")
#: What a shell offers behind ``summary resnet1``, and what each shell's own protocol says of it.
NAMES = ["resnet101", "resnet152", "resnet18"]
SAID = {
    "bash": [f"plain,{name}" for name in NAMES],
    "zsh": [line for name in NAMES for line in ("plain", name, "_")],
    "fish": [f"plain,{name}" for name in NAMES],
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of a home without settings, in which the program is on the path."""
    program = tmp_path / "resnet-inspect"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m resnet_inspect "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TERM": "dumb"}


def installed(shell: str) -> pytest.MarkDecorator:
    """Skips a test where a shell is missing."""
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} isn't installed; CI installs it")


def asked(shell: str, words: str, environment: dict[str, str]) -> list[str]:
    """What the program tells a shell that completes the last of these words."""
    last = words.split(" ")[-1]
    # fish says which word it is, the others where it stands.
    place = last if shell == "fish" else str(words.count(" "))
    variables = {"_RESNET_INSPECT_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": place}
    done = subprocess.run(
        ["resnet-inspect"], env={**environment, **variables}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_protocol_of_each_shell(shell: str, environment: dict[str, str]) -> None:
    found = asked(shell, "resnet-inspect summary resnet1", environment)
    assert sorted(found) == sorted(SAID[shell])
    assert not any("resnet" in word for word in asked(shell, "resnet-inspect summary zzz", environment))
    modes = [word.rpartition(",")[2] for word in asked(shell, "resnet-inspect summary --mode ", environment)]
    assert {"eval", "train"} <= set(modes)


@pytest.mark.parametrize("shell", SHELLS)
def test_columns_and_rules_complete(shell: str, environment: dict[str, str]) -> None:
    def found(words: str) -> set[str]:
        return {word.rpartition(",")[2] for word in asked(shell, words, environment)}

    assert {"params", "param_bytes"} <= found("resnet-inspect summary --sort para")
    assert any("+rf" in word for word in asked(shell, "resnet-inspect summary --columns +r", environment))
    assert "dead-branch" in found("resnet-inspect check --ignore dead")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_names_its_own_protocol(shell: str) -> None:
    done = local("completion", shell)
    assert done.returncode == 0
    assert f"_RESNET_INSPECT_COMPLETE={shell}_complete" in done.stdout


def test_a_shell_that_is_unknown_is_refused() -> None:
    done = local("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(shell in done.stderr for shell in SHELLS)


@installed("bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("summary resnet1", NAMES),
        pytest.param("summary keras:ResNet10", ["keras:ResNet101", "keras:ResNet101V2"], marks=needs("keras")),
        ("comp", ["compare", "completion"]),
    ],
)
def test_bash_completes(words: str, found: list[str], environment: dict[str, str]) -> None:
    source = f"""
    eval "$(resnet-inspect completion bash)"
    complete -p resnet-inspect >&2
    [[ $COMP_WORDBREAKS != *:* ]] || echo "a colon still parts words"
    COMP_WORDS=(resnet-inspect {words}) COMP_CWORD={len(words.split())}
    _resnet_inspect_completion resnet-inspect
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", source], env=environment, capture_output=True, text=True, check=False
    )
    assert "-F _resnet_inspect_completion resnet-inspect" in done.stderr
    assert sorted(done.stdout.split()) == found


@installed("fish")
def test_fish_completes(environment: dict[str, str]) -> None:
    source = """
    resnet-inspect completion fish | source
    complete --do-complete "resnet-inspect summary resnet1"
    """
    done = subprocess.run(
        ["fish", "--no-config", "-c", source], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, sorted(done.stdout.split())) == (0, NAMES)


@installed("zsh")
def test_zsh_completes(environment: dict[str, str]) -> None:
    """On a terminal, since only its line editor completes: a tab lists the names below the line."""
    child, terminal = pty.fork()
    if not child:
        os.execvpe("zsh", ["zsh", "--no-rcs", "--interactive"], environment)
    try:
        os.write(
            terminal, b'autoload -U compinit && compinit -u; eval "$(resnet-inspect completion zsh)"; echo rea""dy\n'
        )
        _seen(terminal, "ready")
        os.write(terminal, b"resnet-inspect summary resnet1\t\t")
        shown = _seen(terminal, *NAMES)
        assert "command not found" not in shown
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def _seen(terminal: int, *words: str) -> str:
    """What a terminal shows until it has shown all these words."""
    shown, end = "", time.monotonic() + 60
    while not all(word in shown for word in words):
        assert select.select([terminal], [], [], max(0, end - time.monotonic()))[0], shown
        shown += os.read(terminal, 4096).decode(errors="replace")
    return shown
