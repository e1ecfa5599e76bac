"""Runs the tool, a test or a script as a process of its own: stdout, stderr and exit code apart."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import ir_json

#: The published schema of the JSON that this version writes.
SCHEMA = Path(ir_json.__file__).parent / "schemas" / f"summary-{ir_json.SCHEMA_VERSION}.schema.json"


def run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """``resnet-inspect`` with these arguments, in a pipe."""
    command = [sys.executable, "-m", "resnet_inspect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=text, check=False)


def document(*arguments: str) -> dict[str, Any]:
    """The JSON that a command prints; it must succeed."""
    done = run(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def script(source: str) -> str:
    """What a script prints in its own interpreter, where a framework may be imported; it must succeed."""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(framework: str) -> pytest.MarkDecorator:
    """Skips a test where a framework isn't installed; CI installs all of them."""
    return pytest.mark.skipif(find_spec(framework) is None, reason=f"{framework} isn't installed")


def in_child(framework: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test in an interpreter of its own: torch and TensorFlow must not meet in one process."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run_in_child(**arguments: Any) -> None:
            script(f"from {test.__module__} import {test.__name__} as test; test.__wrapped__(**{arguments!r})")

        return needs(framework)(run_in_child)

    return decorate
