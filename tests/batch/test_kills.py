"""``batch``, killed at any moment: what is written stays right, and nothing is left. ``KILLS=500`` asks for more."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.batches import ask, many
from tests.support.command import needs
from tests.support.processes import Marked

KILLS = int(os.environ.get("KILLS", 4))
NET = "from torch import nn\ndef build(width=2):\n    return nn.Linear(4, width)\n"


@needs("torch")
def test_a_batch_that_is_killed_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    own = [{"model": "net.py:build", "arg": {"width": n + 1}, "input": "4"} for n in range(6)]
    zoo = [{"model": "torch:resnet18", "input": f"3x{32 + 32 * n}x64"} for n in range(4)]
    requests = ask(tmp_path / "requests.jsonl", [*many(80), *own, *zoo, *many(40)])
    whole = tmp_path / "whole.jsonl"
    command = [sys.executable, "-m", "resnet_inspect", "batch", str(requests), "--jobs", "2", "-o"]
    marked = Marked(TMPDIR=str(temporary), RESNET_INSPECT_CACHE="off")

    begun = time.monotonic()
    subprocess.run([*command, str(whole)], cwd=tmp_path, env=marked.environment, capture_output=True, check=False)
    took = time.monotonic() - begun
    chance = random.Random(7)
    killed = 0
    results = tmp_path / "results.jsonl"
    while killed < KILLS:
        process = subprocess.Popen(
            [*command, str(results)], cwd=tmp_path, env=marked.environment, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(chance.uniform(0, took))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        assert marked.alive_after(10) == []
        written = results.read_bytes() if results.exists() else b""
        assert whole.read_bytes().startswith(written[: written.rfind(b"\n") + 1])
        if process.returncode != -signal.SIGKILL:
            assert written == whole.read_bytes()
            results.unlink()
    subprocess.run([*command, str(results)], cwd=tmp_path, env=marked.environment, capture_output=True, check=False)
    assert results.read_bytes() == whole.read_bytes()
    assert list(temporary.iterdir()) == []
