"""What a process can take of memory and time from a moment on, and what else the system keeps from it."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from . import kernel32

    def limit_memory(memory: int) -> None:
        """From here on, this process can take so many bytes more than it has; then Python raises a MemoryError."""
        kernel32.limit_this_process(memory=memory)

    def confine(seconds: float, memory: int) -> None:
        """From here on, this process has so much processor time and memory, and starts no other process.

        Files and the network stay open to it: Windows has no wall for those that a process could raise for itself.
        """
        kernel32.limit_this_process(memory, seconds, alone=True)

else:
    import math
    import resource
    from pathlib import Path

    def limit_memory(memory: int) -> None:
        """From here on, this process can take so many bytes more than it has; then Python raises a MemoryError.

        macOS takes note of the limit, and doesn't keep it.
        """
        status = Path("/proc/self/status")
        try:
            taken = int(status.read_text().partition("VmData:")[2].split()[0]) * 1024
        except (OSError, ValueError, IndexError):
            taken = 0  # no Linux; its limits of memory aren't kept elsewhere, either
        _limit(resource.RLIMIT_DATA, taken + memory)

    def confine(seconds: float, memory: int) -> None:
        """From here on, this process has so much processor time and memory, and writes no file.

        On Linux it reaches no network and starts no process either. At the end of its time, it gets SIGXCPU.
        """
        limit_memory(memory)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds), 1)
        _limit(resource.RLIMIT_FSIZE, 0)
        _limit(resource.RLIMIT_CORE, 0)
        if sys.platform == "linux":
            from . import linux

            linux.raise_walls()

    def _limit(kind: int, most: int, more: int = 0) -> None:
        """Sets the limit at which a process is told, and ``more`` than that the one at which it is ended."""
        _, hard = resource.getrlimit(kind)
        limits = (most, most + more) if hard == resource.RLIM_INFINITY else (min(most, hard), min(most + more, hard))
        try:
            resource.setrlimit(kind, limits)
        except (OSError, ValueError):  # macOS refuses some
            return
