"""What this machine has for models: processors and memory."""

from __future__ import annotations

import os

from ..host import memory as host_memory


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of the machine's memory, whoever uses them."""
    return host_memory.physical()
