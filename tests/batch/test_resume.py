"""Whatever interrupts a run, the same command goes on behind the last complete line, and destroys nothing else."""

from __future__ import annotations

import fcntl
import io
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.batch.results import There, resume
from tests.answers.test_worker import gone
from tests.support.batches import ask, found, many, start, until, written
from tests.support.command import local, run

COUNT = 600


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with requests and their results."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ask(folder / "requests.jsonl", many(COUNT))
    done = run("batch", str(folder / "requests.jsonl"), "-o", str(folder / "results.jsonl"), "--jobs", "2")
    assert done.stderr == f"note: {COUNT} lines, {len(range(0, COUNT, 7))} of them errors\n"
    return folder


def of_parent(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent:
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_again_and_again(jobs: int, undisturbed: Path, tmp_path: Path) -> None:
    requests, target = undisturbed / "requests.jsonl", tmp_path / "results.jsonl"
    chance = random.Random(jobs)
    killed = 0
    while (before := written(target)) < COUNT // 2:
        process = start(requests, "-o", target, "--jobs", jobs)
        goal = before + chance.randint(1, COUNT // 6)
        until(lambda goal=goal: written(target) >= goal, process)  # type: ignore[misc]
        others = of_parent(process.pid)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert all(gone(pid) for pid in others)
    assert killed >= 2
    before = written(target)
    done = run("batch", str(requests), "-o", str(target), "--jobs", str(jobs))
    assert done.returncode == 3
    assert done.stderr.startswith(f"note: {before} of {COUNT} lines were there already\n")
    assert target.read_bytes() == (undisturbed / "results.jsonl").read_bytes()


@pytest.fixture
def half(undisturbed: Path, tmp_path: Path) -> Iterator[Path]:
    """A pipe that gives half of the requests and doesn't end: however slow a test is, a run that reads it goes on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # For reading too, so that opening it doesn't wait for a reader; half of the requests fit into it.
    held = os.open(pipe, os.O_RDWR)
    lines = (undisturbed / "requests.jsonl").read_bytes().splitlines(keepends=True)
    os.write(held, b"".join(lines[: COUNT // 2]))
    yield pipe
    os.close(held)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_what_is_written(jobs: int, undisturbed: Path, half: Path, tmp_path: Path) -> None:
    requests, target = undisturbed / "requests.jsonl", tmp_path / "results.jsonl"
    process = start(half, "-o", target, "--jobs", jobs)
    until(lambda: written(target) >= 20, process)
    others = of_parent(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.startswith("note: ")
    assert said.endswith(
        "lines are in results.jsonl; repeat the command to continue from there\n\nerror: interrupted\n"
    )
    assert "Traceback" not in said
    assert all(gone(pid) for pid in others)
    assert 20 <= written(target) <= COUNT // 2
    assert local("batch", str(requests), "-o", str(target), "--jobs", "1").returncode == 3
    assert target.read_bytes() == (undisturbed / "results.jsonl").read_bytes()


def test_a_killed_worker_ends_the_run_with_a_word(undisturbed: Path, half: Path, tmp_path: Path) -> None:
    requests, target = undisturbed / "requests.jsonl", tmp_path / "results.jsonl"
    process = start(half, "-o", target, "--jobs", "2")
    until(lambda: written(target) >= 20, process)
    os.kill(of_parent(process.pid)[0], signal.SIGKILL)
    half.write_bytes(requests.read_bytes())  # where lines are read ahead, the next ones show it
    _, said = process.communicate(timeout=60)
    assert said == (
        "error: a worker was killed, probably because memory ran out; with fewer --jobs, "
        "repeat the command to continue from there\n"
    )
    assert process.returncode == 3
    assert local("batch", str(requests), "-o", str(target), "--jobs", "1").returncode == 3
    assert target.read_bytes() == (undisturbed / "results.jsonl").read_bytes()


def test_torn_at_any_byte(undisturbed: Path) -> None:
    lines = (undisturbed / "requests.jsonl").read_bytes().splitlines(keepends=True)[:2]
    content = b"".join((undisturbed / "results.jsonl").read_bytes().splitlines(keepends=True)[:2])
    for size in range(len(content) + 1):
        file, requests = io.BytesIO(content[:size]), enumerate(lines, 1)
        whole = content[:size].count(b"\n")
        assert resume(file, "results", requests, full=False) == There(whole, min(whole, 1))
        assert file.getvalue() == b"".join(content.splitlines(keepends=True)[:whole])
        assert file.tell() == len(file.getvalue())
        assert [number for number, _ in requests] == [1, 2][whole:]


def test_a_torn_file_is_mended(undisturbed: Path, tmp_path: Path) -> None:
    target = tmp_path / "results.jsonl"
    whole = (undisturbed / "results.jsonl").read_bytes()
    target.write_bytes(whole[:-100])
    command = ("batch", str(undisturbed / "requests.jsonl"), "-o", str(target), "--jobs", "1")
    done = local(*command)
    assert done.stderr.startswith(f"note: {COUNT - 1} of {COUNT} lines were there already\n")
    assert target.read_bytes() == whole
    again = local(*command)
    assert (again.returncode, target.read_bytes()) == (3, whole)


def test_standard_input_is_gone_on_with_too(tmp_path: Path) -> None:
    text = ask(tmp_path / "requests.jsonl", many(8)).read_text()
    first = "".join(text.splitlines(keepends=True)[:3])
    target = str(tmp_path / "results.jsonl")
    local("batch", "-", "-o", target, "--jobs", "1", text=first)
    done = local("batch", "-", "-o", target, "--jobs", "1", text=text)
    assert done.stderr == "note: 3 lines were there already\nnote: 8 lines, 2 of them errors\n"
    assert [result["id"] for result in found(Path(target))] == list(range(8))


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda lines: ['{"model": "resnet35"}', *lines[1:]], [], "line 1 is not the result of that line"),
        (lambda lines: [*lines[:4], lines[5], lines[4]], [], "line 5 is not the result of that line"),
        (lambda lines: lines[:3], [], "line 4 is one more than there are requests"),
        (lambda lines: lines, ["--full"], "line 2 was written without --full"),
    ],
)
def test_results_of_other_requests_are_refused(
    change: Callable[[list[str]], list[str]], options: list[str], words: str, tmp_path: Path
) -> None:
    requests, target = ask(tmp_path / "requests.jsonl", many(6)), tmp_path / "results.jsonl"
    command = ("batch", str(requests), "-o", str(target), "--jobs", "1")
    assert local(*command).returncode == 3
    before = target.read_bytes()
    ask(requests, change(requests.read_text().splitlines()))
    done = local(*command, *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"results.jsonl: {words}" in done.stderr
    assert "--restart" in done.stderr
    assert target.read_bytes() == before
    assert local(*command, *options, "--restart").returncode == 3
    assert len(found(target)) == written(requests)


def test_damaged_results_are_refused(tmp_path: Path) -> None:
    requests, target = ask(tmp_path / "requests.jsonl", many(3)), tmp_path / "results.jsonl"
    command = ("batch", str(requests), "-o", str(target), "--jobs", "1")
    local(*command)
    target.write_bytes(target.read_bytes().replace(b'"params"', b'"par\x00\x00\x00', 1))
    done = local(*command)
    assert (done.returncode, "line 2 is damaged" in done.stderr) == (2, True)


@pytest.mark.parametrize("content", ["precious\n", "precious", '{"model": "resnet50"}\n', '{"line": 7}\n', "\n"])
@pytest.mark.parametrize("options", [[], ["--restart"]])
def test_a_file_that_is_not_ours_is_left_alone(content: str, options: list[Any], tmp_path: Path) -> None:
    requests, target = ask(tmp_path / "requests.jsonl", many(1)), tmp_path / "results.jsonl"
    target.write_text(content)
    done = local("batch", str(requests), "-o", str(target), "--jobs", "1", *options)
    assert (done.returncode, "is left alone" in done.stderr) == (2, True)
    assert target.read_text() == content


def test_the_requests_are_not_written_over(tmp_path: Path) -> None:
    requests = ask(tmp_path / "requests.jsonl", many(1))
    before = requests.read_text()
    assert local("batch", str(requests), "-o", str(requests), "--jobs", "1", "--restart").returncode == 2
    assert requests.read_text() == before


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    requests, target = ask(tmp_path / "requests.jsonl", many(1)), tmp_path / "results.jsonl"
    with target.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for options in ([], ["--restart"]):
            done = local("batch", str(requests), "-o", str(target), "--jobs", "1", *options)
            assert (done.returncode, done.stderr.count("\n")) == (2, 1)
            assert f"another run is writing {target}" in done.stderr
    assert local("batch", str(requests), "-o", str(target), "--jobs", "1").returncode == 3
