"""What pytest has to know of all tests."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

from resnet_inspect.host.locks import lock
from tests.fuzz import seeds as honest
from tests.support.examples import load_profile

# Mutation runs have a profile of their own, which is loaded by now.
if settings().deadline is not None:
    load_profile()

#: These need pseudo-terminals and locks of POSIX.
collect_ignore = (
    ["cli/test_completion.py", "cli/test_terminal.py", "batch/test_resume.py"] if sys.platform == "win32" else []
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests wait for the commands that they start, and for clocks."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small honest files of every kind, made by the first of the workers that asks for them."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "seeds"
    with place.with_suffix(".lock").open("w") as file:
        while not lock(file.fileno()):
            time.sleep(0.1)
        if not place.exists():  # nor are half of them, where making them failed
            made = place.with_suffix(".made")
            made.mkdir(exist_ok=True)
            honest.make(made)
            made.rename(place)
    return place
