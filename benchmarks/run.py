"""Medians of whole processes, beside the bare imports that they rest on: ``make bench``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

CASES = {
    "import click": ["-c", "import click"],
    "summary, local, JSON": ["-m", "resnet_inspect", "summary", "--format", "json"],
    "summary, local, table": ["-m", "resnet_inspect", "summary"],
    "import torchvision.models": ["-c", "import torchvision.models"],
    "summary, torch, JSON": ["-m", "resnet_inspect", "summary", "--backend", "torch", "--format", "json"],
}


def seconds(arguments: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Alternates the cases, so that a slow moment of the machine hits all of them."""
    rounds = [{name: seconds(arguments) for name, arguments in CASES.items()} for _ in range(6)][1:]
    print("| case | median |\n| :--- | ---: |")
    for name in CASES:
        print(f"| {name} | {statistics.median(times[name] for times in rounds):.3f} s |")


if __name__ == "__main__":
    main()
