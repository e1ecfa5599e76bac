"""The same command on a Dask cluster: the same bytes, whatever happens to the workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.batches import ask, many, start, until, written
from tests.support.command import needs, run

pytestmark = needs("distributed")

CLUSTER = """
import sys
{before}
if __name__ == "__main__":
    from distributed import LocalCluster
    with LocalCluster(protocol="tcp", dashboard_address=None, **{options}) as cluster:
        workers = [getattr(worker, "pid", 0) for worker in cluster.workers.values()]
        print(cluster.scheduler_address, *workers, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster(
    folder: Path, before: str = "", workers: int = 2, threads: int = 2, **options: Any
) -> Iterator[tuple[str, list[int], int]]:
    """A cluster in a process of its own: its address, its workers and itself. It ends when its stdin does."""
    options |= {"n_workers": workers, "threads_per_worker": threads}
    script = folder / "cluster.py"
    script.write_text(CLUSTER.format(before=before, options=options))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address, *pids = process.stdout.readline().split()
        yield address, [int(pid) for pid in pids], process.pid
    finally:
        process.communicate(timeout=30)


def test_workers_are_killed_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import os\ndef crash(): os.abort()\n")
    crash = {"model": f"{tmp_path}/bad.py:crash", "input": "3x8x8"}
    asked = [crash if i % 60 == 59 else request for i, request in enumerate(many(600))]
    requests = ask(tmp_path / "requests.jsonl", asked)
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert run("batch", str(requests), "-o", str(alone), "--jobs", "1").returncode == 3
    with cluster(tmp_path) as (address, workers, _):
        process = start(requests, "-o", together, "--cluster", address)
        for goal, worker in zip((30, 200), workers, strict=True):
            until(lambda goal=goal: written(together) >= goal, process)  # type: ignore[misc]
            os.kill(worker, signal.SIGKILL)
            assert written(together) < len(asked)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert together.read_bytes() == alone.read_bytes()
    errors = alone.read_text().count('"error": ')
    assert said.endswith(f"note: 600 lines, {errors} of them errors\n")


@needs("torch")
def test_frameworks_on_a_cluster(tmp_path: Path) -> None:
    asked = [{"model": f"torch:resnet{depth}", "arg": {"num_classes": 9}} for depth in (18, 34, 50, 18, 34, 50)]
    requests = ask(tmp_path / "requests.jsonl", asked)
    alone, together = tmp_path / "alone", tmp_path / "together"
    done = run("batch", str(requests), "-o", str(alone), "--jobs", "1", "--full")
    assert done.returncode == 0, done.stderr
    with cluster(tmp_path, workers=1, threads=1) as (address, _, _):
        done = run("batch", str(requests), "-o", str(together), "--cluster", address, "--full")
    assert (done.returncode, done.stdout) == (0, "")
    assert together.read_bytes() == alone.read_bytes()


def test_a_scheduler_that_is_gone_in_the_middle(tmp_path: Path) -> None:
    requests, target = ask(tmp_path / "requests.jsonl", many(600)), tmp_path / "results"
    with cluster(tmp_path) as (address, _, process):
        running = start(requests, "-o", target, "--cluster", address)
        until(lambda: written(target) >= 20, running)
        os.kill(process, signal.SIGKILL)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said.count("\n")) == (3, 1)
    assert "the cluster's scheduler has gone; repeat the command to continue from there" in said
    assert 20 <= written(target) < 600


def test_a_cluster_without_this_package_is_told_what_it_lacks(tmp_path: Path) -> None:
    requests = ask(tmp_path / "requests.jsonl", many(3))
    bare = "sys.modules['resnet_inspect'] = None"
    with cluster(tmp_path, bare, processes=False) as (address, _, _):
        done = run("batch", str(requests), "-o", str(tmp_path / "results"), "--cluster", address)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "the cluster can't import this package: install resnet-inspect" in done.stderr


def test_a_scheduler_that_cannot_be_reached(tmp_path: Path) -> None:
    requests = ask(tmp_path / "requests.jsonl", many(3))
    addresses = ("tcp://127.0.0.1:1", "nonsense")
    # Both wait for an answer at the same time.
    running = [
        start(requests, "-o", tmp_path / f"results{place}", "--cluster", each) for place, each in enumerate(addresses)
    ]
    for address, process in zip(addresses, running, strict=True):
        printed, said = process.communicate(timeout=60)
        assert (process.returncode, printed, said.count("\n")) == (3, "", 1)
        assert f"no Dask scheduler answers at {address}" in said
    assert list(tmp_path.iterdir()) == [requests]
