"""Asks one tool about one network at a time, each in a child forked for it: ``server.py torch``.

Requests are lines of JSON on stdin, answers lines on stdout. A child begins with its framework imported: what is
timed is the tool alone, and its peak of memory is what it takes above the model that is there already.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import select
import signal
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

SECONDS = 120.0


def answer(tool: str, name: str) -> dict[str, Any]:
    """What a tool says of a network, or the error that it ends with."""
    from building import built
    from networks import named
    from peers import TOOLS

    network = named(name)
    if tool == "truth":
        from truth import true

        return true(network)
    ask = TOOLS[network.framework][tool]()
    net = built(network)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    start = time.perf_counter()
    claim = ask(net)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {**asdict(claim), "seconds": round(seconds, 3), "mebibytes": max(0, peak - before) >> 20}


def forked(tool: str, name: str) -> dict[str, Any]:
    """The answer of a child, which has so many seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _be_the_child(tool, name, writing)
    os.close(writing)
    deadline, parts = time.monotonic() + SECONDS, []
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(reading, 2**16) if ready else b""
        if not part:
            break
        parts.append(part)
    os.close(reading)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not ready:
        return {"error": f"no answer in {SECONDS:.0f} s"}
    return dict(json.loads(b"".join(parts) or b'{"error": "the process crashed"}'))


def _be_the_child(tool: str, name: str, writing: int) -> None:
    with (
        Path(os.devnull).open("w") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
    ):
        try:
            found = answer(tool, name)
        except BaseException as error:
            # No path of a machine goes into the results, and no address.
            text = re.sub(r"(/[\w.+-]+)+/|\b0x[0-9a-f]{6,}", "", str(error).strip().split("\n")[0])
            found = {"error": f"{type(error).__name__}: {text}"[:160]}
    with os.fdopen(writing, "w") as out:
        out.write(json.dumps(found))
    os._exit(0)


def _warm(framework: str) -> None:
    """Imports what all of a framework's children need. Nothing is computed: its threads would be lost in a fork."""
    warnings.simplefilter("ignore")
    if framework == "keras":
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
    else:
        os.environ["KERAS_BACKEND"] = "torch"
        import torch
        import torchvision  # noqa: F401

        torch.set_num_threads(1)


if __name__ == "__main__":
    _warm(sys.argv[1])
    for line in sys.stdin:
        tool, name = json.loads(line)
        print(json.dumps(forked(tool, name)), flush=True)
