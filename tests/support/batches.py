"""Requests and results of ``batch`` for its tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema

from tests.support.command import SCHEMA

_VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.with_name("batch-1.schema.json").read_text()))

#: What a ResNet18 has besides its classifier, whose 512 weights and bias come once for each class.
STEM, PER_CLASS = 11_176_512, 513


def ask(path: Path, requests: Iterable[Any]) -> Path:
    """A file of requests: text as it stands, anything else as JSON."""
    lines = [request if isinstance(request, str) else json.dumps(request) for request in requests]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def many(count: int) -> list[Any]:
    """Requests for so many small networks that differ; every seventh is an error."""
    return [
        {"model": "resnet18" if i % 7 else "resnet17", "arg": {"num_classes": i + 1}, "id": i, "input": "3x64x64"}
        for i in range(count)
    ]


def found(path: Path) -> list[dict[str, Any]]:
    """The results in a file, each as its schema says."""
    text = path.read_text()
    assert text.endswith("\n") or not text
    results = [json.loads(line) for line in text.splitlines()]
    for number, result in enumerate(results, 1):
        assert result["line"] == number
        _VALIDATOR.validate(result)
    return results


def start(*arguments: str | Path | int) -> subprocess.Popen[str]:
    """``resnet-inspect batch`` under way, in a session of its own, as a terminal gives it."""
    command = [sys.executable, "-m", "resnet_inspect", "batch", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def written(path: Path) -> int:
    """How many complete lines a file has by now."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for something to become true while a process runs."""
    while not true():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
