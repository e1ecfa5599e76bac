"""``diff --base`` as a process: what it imports, and what it leaves behind however it ends."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.diffs.test_command import git
from tests.support.command import document, run

#: Kills of the short run; a long one is a matter of this variable.
KILLS = int(os.environ.get("KILLS", "12"))
#: Modules that the command itself imports.
CANARIES = ("json.py", "random.py", "click.py", "sitecustomize.py", "src/json.py", "zlib.py")


def safetensors(shape: list[int]) -> bytes:
    """A file with one tensor."""
    size = 4
    for side in shape:
        size *= side
    header = json.dumps({"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose last commit has modules that leave a mark where they are imported; its files haven't."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    git(project, "init", "--quiet")
    for name in CANARIES:
        text = f"open({str(tmp_path / 'imported')!r}, 'a').write(__file__)\nraise ImportError('a canary')\n"
        (project / name).write_text(text)
    (project / "weights.safetensors").write_bytes(safetensors([2, 3]))
    (project / "many").mkdir()
    for number in range(300):
        (project / "many" / f"{number}.txt").write_text(f"{number}\n" * 100)
    git(project, "add", "."), git(project, "commit", "--quiet", "-m", "old")
    for name in CANARIES:
        (project / name).unlink()
    (project / "weights.safetensors").write_bytes(safetensors([2, 5]))
    monkeypatch.chdir(project)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    return project


def test_a_file_of_another_revision_brings_no_code_along(project: Path) -> None:
    answer = document("diff", "--base", "HEAD", "weights.safetensors")
    assert answer["totals"]["params"] == [6, 10]
    assert run("diff", "--base", "HEAD", "resnet18", "--exit-code").returncode == 0
    assert not (project.parent / "imported").exists()


def test_an_absolute_path_is_that_of_the_revision(project: Path) -> None:
    answer = document("diff", "--base", "HEAD", str(project / "weights.safetensors"))
    assert answer["totals"]["params"] == [6, 10]
    (project.parent / "other.safetensors").write_bytes(safetensors([1]))
    done = run("diff", "--base", "HEAD", str(project.parent / "other.safetensors"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not in the repository" in done.stderr


def test_the_repository_doesnt_run_its_hooks_nor_is_it_written(project: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    hook = project / ".git" / "hooks" / "post-index-change"
    for name in ("post-index-change", "post-checkout", "fsmonitor"):
        hook = project / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        hook.chmod(0o755)
    git(project, "config", "core.fsmonitor", str(hook))
    git(project, "config", "core.splitIndex", "true")
    mark.unlink(missing_ok=True)
    before = listing(project / ".git")
    assert document("diff", "--base", "HEAD", "weights.safetensors")["totals"]["params"] == [6, 10]
    assert not mark.exists()
    assert listing(project / ".git") == before


def test_where_git_set_its_variables_the_revision_is_the_same(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a hook, or with attributes that only the working tree has."""
    (project / ".gitattributes").write_text("*.safetensors export-ignore\n* text eol=crlf\n")
    index = project / ".git" / "index"
    before = index.read_bytes()
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    assert document("diff", "--base", "HEAD", "weights.safetensors")["totals"]["params"] == [6, 10]
    assert index.read_bytes() == before


def test_a_folder_that_the_revision_hasnt_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "later").mkdir()
    monkeypatch.chdir(project / "later")
    done = run("diff", "--base", "HEAD", "resnet18")
    assert (done.returncode, done.stdout) == (3, "")
    assert "at HEAD: no such folder: later" in done.stderr


def test_a_child_that_takes_too_long_is_ended_and_nothing_is_left(project: Path) -> None:
    done = run("diff", "--base", "HEAD", "resnet18", "--timeout", "0.01")
    assert (done.returncode, done.stdout) == (3, "")
    assert "wasn't summarised within 0.01 seconds" in done.stderr
    assert list((project.parent / "scratch").iterdir()) == []


def listing(folder: Path) -> list[tuple[str, int]]:
    """Every file below a folder, with the time of its last change."""
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def alive(mark: str) -> list[str]:
    """The commands of the processes that have a variable in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_killed_at_any_moment_it_leaves_nothing(project: Path, tmp_path: Path) -> None:
    before = git(project, "status", "--porcelain"), git(project, "worktree", "list"), listing(project / ".git")
    mark = f"RESNET_INSPECT_TEST_MARK={random.random()}"
    name, _, value = mark.partition("=")
    environment = {**os.environ, name: value}
    seconds: list[float] = []
    for number in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "resnet_inspect", "diff", "--base", "HEAD", "resnet18"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(random.uniform(0.05, 0.9))
        if number % 4 == 3:
            os.kill(process.pid, signal.SIGINT)
        elif number % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        ended = time.monotonic()
        while alive(mark) or any((tmp_path / "scratch").iterdir()):
            assert time.monotonic() < ended + 30, (alive(mark), [*(tmp_path / "scratch").iterdir()])
            time.sleep(0.01)
        seconds.append(time.monotonic() - ended)
    print(f"{KILLS} kills: nothing left after {max(seconds):.2f} s at most")
    assert listing(project / ".git") == before[2]  # first: git status itself may write the index
    assert (git(project, "status", "--porcelain"), git(project, "worktree", "list")) == before[:2]
