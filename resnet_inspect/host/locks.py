"""A file that one process at a time may have."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    #: The byte that is locked: nobody else can read it, and a file of results rarely has so many.
    _BEYOND = 2**31 - 2

    def lock(descriptor: int) -> bool:
        """Locks an open file until it is closed; False if another process has it."""
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, place, os.SEEK_SET)
        return True

else:
    import fcntl

    def lock(descriptor: int) -> bool:
        """Locks an open file until it is closed; False if another process has it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
