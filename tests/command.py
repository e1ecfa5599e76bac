"""Runs the tool, or a script, as a process of its own: stdout, stderr and exit code apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
