"""The GPU of this machine, as NVIDIA's driver tells of it: no framework is imported to ask."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

_SECONDS = 10


class Gpu(NamedTuple):
    """Its name, and the bytes of its memory."""

    name: str
    memory: int


def gpu() -> Gpu | None:
    """The first GPU that programs may use here, None if there is none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip() or "-1"
    if chosen.startswith("-"):
        return None
    command = ["nvidia-smi", f"--id={chosen}", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    name, _, mebibytes = told.partition("\n")[0].rpartition(",")
    return Gpu(name.strip(), int(mebibytes) * 2**20) if mebibytes.strip().isdigit() else None
