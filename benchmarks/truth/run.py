"""Asks every tool about every network and writes ``results.json`` and ``README.md``: ``make truth``.

``run.py GLOB`` asks about some networks only, by name or by group, and keeps what is known of the others.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import environment
import page
from networks import NETWORKS, Network

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
#: Tools by framework, in the order of the table. To ask them (``peers.py``) takes the frameworks, to list them doesn't.
TOOLS = {
    "torch": (
        *("ours", "torchinfo", "torchsummary", "fvcore", "ptflops"),
        *("calflops", "thop", "torchlens", "deepspeed"),
    ),
    "keras": ("ours", "keras", "keras-flops"),
    "onnx": ("ours", "onnx-tool"),
}
WORKERS = 2


def main(glob: str = "*") -> int:
    """Runs, writes, and gives 1 if a number of ours is wrong."""
    versions = environment.prepared()
    wanted = [network for network in NETWORKS if fnmatchcase(network.name, glob) or network.group == glob]
    found: dict[str, Any] = json.loads(RESULTS.read_text())["networks"] if glob != "*" else {}
    for framework in TOOLS:
        networks = [network for network in wanted if network.framework == framework]
        # The truth on Keras' networks is torch's, on Keras' torch backend.
        ask("torch", [(network, "truth") for network in networks], found)
        asked = [(network, tool) for network in networks for tool in TOOLS[framework]]
        ask(framework, asked, found)
    results = {
        "versions": {"python": platform.python_version(), **versions},
        "networks": {network.name: found[network.name] for network in NETWORKS if network.name in found},
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "README.md").write_text(page.page(results))
    wrong = page.wrong(results, "ours")
    print("\n".join(wrong) or "no number of ours is wrong", file=sys.stderr)
    return 1 if wrong else 0


def ask(framework: str, asked: list[tuple[Network, str]], found: dict[str, Any]) -> None:
    """Puts the answers into ``found``, by network and tool."""

    def work(worker: int) -> None:
        mine = asked[worker::WORKERS]
        for (network, tool), answer in zip(mine, _answers(framework, mine), strict=True):
            found.setdefault(network.name, {})[tool] = answer
            print(network.name, tool, answer.get("error", ""), file=sys.stderr)

    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(work, range(WORKERS)))


def _answers(framework: str, asked: list[tuple[Network, str]]) -> Iterator[dict[str, Any]]:
    command = [str(environment.python()), str(HERE / "server.py"), framework]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin:
        for network, tool in asked:
            process.stdin.write(json.dumps([tool, network.name]) + "\n")
            process.stdin.flush()
            yield json.loads(process.stdout.readline())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
