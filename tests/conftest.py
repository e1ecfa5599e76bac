"""What pytest has to know of all tests."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is; mutation runs have a profile of their own.
if settings().deadline is not None:
    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")

#: These need pseudo-terminals and locks of POSIX.
collect_ignore = (
    ["cli/test_completion.py", "cli/test_terminal.py", "batch/test_resume.py"] if sys.platform == "win32" else []
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests wait for the commands that they start, and for clocks."""
    return (os.cpu_count() or 1) + 1
