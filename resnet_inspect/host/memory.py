"""What a process has of memory, and a thread of stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Bytes of the largest stack that a thread can have: Python refuses more on Windows.
MOST_STACK = 2**28 if sys.platform == "win32" else sys.maxsize

if sys.platform == "win32":
    from . import kernel32

    def resident(pid: int) -> int:
        """Bytes that a process of ours holds by now; 0 where the system doesn't tell."""
        return int(kernel32.memory_of(pid).resident)

else:

    def resident(pid: int) -> int:
        """Bytes that a process of ours holds by now; 0 where the system doesn't tell."""
        if sys.platform == "darwin":
            return _resident_on_macos(pid)
        try:
            statm = Path(f"/proc/{pid}/statm").read_text()
        except OSError:
            return 0
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


#: Of ``rusage_info_v0`` in sys/resource.h: its bytes, and where its resident size is.
_RUSAGE_BYTES, _RESIDENT = 96, 64


def _resident_on_macos(pid: int) -> int:
    import ctypes

    found = ctypes.create_string_buffer(_RUSAGE_BYTES)
    try:
        failed = ctypes.CDLL(None).proc_pid_rusage(pid, 0, found)
    except (OSError, AttributeError):
        return 0
    return 0 if failed else int.from_bytes(found.raw[_RESIDENT : _RESIDENT + 8], sys.byteorder)
