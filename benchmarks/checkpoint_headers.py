"""How long a summary of 1.6 GB of tensors takes, and in how much memory, whose data is a hole in the file.

    python -m benchmarks.checkpoint_headers [RUNS]

Prints the median time of each command, its ratio to a Python that imports click, and the peak memory.
"""

from __future__ import annotations

import json
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

#: 400 tensors of a million numbers: 1.6 GB.
_TENSORS, _NUMBERS = 400, 1_000_000
_TORCH = f"""
import sys, torch
state = {{f"layers.{{place}}.weight": torch.empty({_NUMBERS}) for place in range({_TENSORS})}}
with torch.serialization.skip_data():
    torch.save(state, sys.argv[1])
"""
_MEASURE = """
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, check=True)
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def _measured(runs: int, *command: str) -> tuple[float, float]:
    """Median seconds and peak MiB of a Python with these arguments."""
    said = [
        subprocess.run([sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, check=True).stdout
        for _ in range(runs)
    ]
    rows = [tuple(map(float, line.split())) for line in said]
    return statistics.median(row[0] for row in rows), max(row[1] for row in rows)


def _safetensors(path: Path) -> None:
    size = 4 * _NUMBERS
    header = {
        f"layers.{place}.weight": {
            "dtype": "F32",
            "shape": [_NUMBERS],
            "data_offsets": [place * size, (place + 1) * size],
        }
        for place in range(_TENSORS)
    }
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + _TENSORS * size)


def main() -> None:
    """Writes the files, measures, and removes them."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("net.safetensors", "net.pth")]
        _safetensors(files[0])
        subprocess.run([sys.executable, "-c", _TORCH, str(files[1])], check=True)
        bare, memory = _measured(runs, "-c", "import click")
        print(f"{'import click':16} {bare:6.3f} s         {memory:6.1f} MiB")
        for file in files:
            seconds, memory = _measured(runs, "-m", "resnet_inspect", "summary", str(file), "--format", "json")
            size = file.stat().st_size / 1e9
            print(f"{file.name:16} {seconds:6.3f} s {seconds / bare:5.2f} x {memory:6.1f} MiB  ({size:.2f} GB)")


if __name__ == "__main__":
    main()
