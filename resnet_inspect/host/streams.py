"""Streams to and from other programs."""

from __future__ import annotations

import errno
import sys


def has_lost_its_reader(error: OSError) -> bool:
    """Whether writing failed because whoever read has gone, as ``| head`` does."""
    # Windows' C library tells it as an "invalid argument" of no file.
    is_windows_way = sys.platform == "win32" and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError) or is_windows_way
