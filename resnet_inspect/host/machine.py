"""What this machine has for models: processors and memory."""

from __future__ import annotations

import os
import sys


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if sys.platform == "win32":
    from . import kernel32

    def memory() -> int:
        """Bytes of the machine's memory, whoever uses them."""
        return kernel32.machine_memory()

else:

    def memory() -> int:
        """Bytes of the machine's memory, whoever uses them."""
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
